/** The labels and annotations that vcluster-es writes, and those of others that it knows. */

const domain = "vcluster-es.io"

/** On host objects: the vCluster that they belong to. Our watches and orphan searches select on it. */
export const managedByLabel = `${domain}/managed-by`
/** On virtual objects that we made: `"true"`. A convenience for users, never a proof of ownership (tenants can write it). */
export const managedLabel = `${domain}/managed`

/** On host objects: whose copy it is. */
export const vclusterAnnotation = `${domain}/vcluster`
export const vclusterNamespaceAnnotation = `${domain}/vcluster-namespace`
export const virtualClusterAnnotation = `${domain}/virtual-cluster`
export const virtualNamespaceAnnotation = `${domain}/virtual-namespace`
export const virtualNameAnnotation = `${domain}/virtual-name`
export const virtualUidAnnotation = `${domain}/virtual-uid`
/** On host ExternalSecrets: what of the virtual object they serve. */
export const acceptedAnnotation = `${domain}/accepted`

/** On virtual Secrets: the ExternalSecret that they come from (there is no owner reference under `creationPolicy: Orphan`). */
export const externalSecretAnnotation = `${domain}/external-secret`
/** On virtual Secrets under `creationPolicy: Orphan`: the version of the host Secret that was last carried over. */
export const hostVersionAnnotation = `${domain}/host-version`
/** On virtual Secrets whose value ESO would not fetch again: what we wrote there, from which copy, for which spec. */
export const heldValueAnnotation = `${domain}/held-value`
/** On host ExternalSecrets: of the value that they had when they were asked for a new one, the time. */
export const askedAnnotation = `${domain}/asked`
/** On imported ClusterSecretStores and CRDs: the host object's UID. */
export const hostUidAnnotation = `${domain}/host-uid`

/** On what vCluster's own integration left on the host: its UID, by which the operator hands it over. */
export const adoptAnnotation = `${domain}/adopt`

/** On host copies of what specs refer to: `"true"`. */
export const referenceLabel = `${domain}/reference`
/** On the same: the virtual object's resourceVersion from which the data was copied. */
export const sourceVersionAnnotation = `${domain}/virtual-resource-version`
/** On the same: of the copied data, so that an edit on the host is seen. */
export const contentHashAnnotation = `${domain}/content-hash`
/** On the same: which of its keys hold texts that become labels or annotations. */
export const renderedKeysAnnotation = `${domain}/rendered-keys`
/**
 * A hash of what we have asked for, so that what admission made of it can be told from what is still to be written: on host copies of
 * all that we wrote, on virtual Secrets of labels and annotations.
 */
export const writtenAnnotation = `${domain}/written`
/** On host SecretStores: the spec, in the tenant's names, on which both sides last agreed. */
export const baseAnnotation = `${domain}/base`

/** On the Lease in the host namespace. */
export const highestVersionAnnotation = `${domain}/highest-resource-version`
export const versionAnnotation = `${domain}/version`
/** The CRDs that were in step, and in which states. */
export const knownCrdsAnnotation = `${domain}/known-crds`
export const heldDeletionsAnnotation = `${domain}/held-deletions`
export const allowMassDeleteAnnotation = `${domain}/allow-mass-delete`

/** Whether a label or an annotation is one of vcluster-es. */
export const isOurKey = (key: string): boolean => key.startsWith(`${domain}/`)

/** ESO's marks on the Secrets that it writes (external-secrets.io, `ExternalSecret` controller). */
export const esoManagedLabel = "reconcile.external-secrets.io/managed"
/** On those of an Owner: whose. ESO deletes the one that bears it and is the target no more. */
export const esoCreatedByLabel = "reconcile.external-secrets.io/created-by"
/** ESO's finalizer. On a virtual ExternalSecret it proves that an ESO runs inside the virtual cluster: we never carry it. */
export const esoFinalizer = "externalsecrets.external-secrets.io/externalsecret-cleanup"

/**
 * On host copies, and by them on the Secrets that ESO makes: of the labels and annotations that the tenant wrote, none of which stands there
 * itself. ESO refreshes when it changes, as it does in one cluster when they do.
 */
export const metadataHashAnnotation = `${domain}/metadata-hash`
/** On the Secrets that ESO makes: annotations under keys below it are what ESO rendered of a tenant's labels and annotations. */
export const renderedDomain = `rendered.${domain}`

/** What kubectl remembers of an object; no wish of anybody's. */
export const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration"

const domainOf = (key: string): string => key.slice(0, Math.max(key.indexOf("/"), 0))

const isIn = (names: ReadonlyArray<string>): ((key: string) => boolean) => {
  const domains = names.map((name) => ({ name, below: `.${name}` }))
  return (key) => {
    const prefix = domainOf(key)
    return prefix !== "" && domains.some(({ name, below }) => prefix === name || prefix.endsWith(below))
  }
}

/**
 * Keys that are nobody's to choose in either cluster: ours and vCluster's steer syncers, and ESO's `created-by` label makes an ESO delete
 * the Secret that bears it as an orphan of another ExternalSecret.
 */
const isReserved = isIn([domain, "vcluster.loft.sh", "reconcile.external-secrets.io"])

/**
 * By these, GitOps tools, Helm and other appliers claim objects, and prune those that they do not find in their source: Argo CD, Flux,
 * Helm, kapp, Rancher's wrangler and Fleet, Config Sync, kpt, kubectl's ApplySets, the addon manager, OLM.
 */
const isClaim = isIn([
  "argocd.argoproj.io",
  "toolkit.fluxcd.io",
  "meta.helm.sh",
  "kapp.k14s.io",
  "objectset.rio.cattle.io",
  "fleet.cattle.io",
  "configsync.gke.io",
  "configmanagement.gke.io",
  "config.k8s.io",
  "cli-utils.sigs.k8s.io",
  "applyset.kubernetes.io",
  "addonmanager.kubernetes.io",
  "operators.coreos.com",
])

/** The same, in domains whose other keys say what something is. */
const claims: ReadonlySet<string> = new Set([
  "app.kubernetes.io/instance",
  "app.kubernetes.io/managed-by",
  "olm.owner",
  "olm.owner.namespace",
  "olm.owner.kind",
])

type Entries = Readonly<Record<string, string>> | undefined

const filterKeys = (entries: Entries, keep: (key: string) => boolean): Record<string, string> =>
  Object.fromEntries(Object.entries(entries ?? {}).filter(([key]) => keep(key)))

/** Labels and annotations that a tenant asked for, for an object in the tenant's own cluster. */
export const tenantKeys = (entries: Entries): Record<string, string> =>
  filterKeys(entries, (key) => !isReserved(key) && key !== lastAppliedAnnotation)

/** Labels of a host object that its import in a virtual cluster bears: all that claim nothing there. */
export const importedLabels = (labels: Entries): Record<string, string> =>
  filterKeys(labels, (key) => !isReserved(key) && !isClaim(key) && !claims.has(key))
