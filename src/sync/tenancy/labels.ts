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
/** On host copies: a hash of all that we wrote, so that what the host's admission made of it can be told from what is still to be written. */
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

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

/**
 * Domains whose keys never cross from a tenant's object to the host: ours and vCluster's steer syncers, and ESO's
 * `created-by` label makes ESO delete the Secret that bears it as an orphan of another ExternalSecret.
 */
const reservedDomains = [domain, "vcluster.loft.sh", "reconcile.external-secrets.io"].map((name) => ({
  name,
  below: `.${name}`,
}))

const isReserved = (key: string): boolean => {
  const slash = key.indexOf("/")
  if (slash === -1) return false
  const prefix = key.slice(0, slash)
  return reservedDomains.some(({ name, below }) => prefix === name || prefix.endsWith(below))
}

/**
 * Labels by which others select in the host namespace: vCluster's Service, NetworkPolicy and CLI (vCluster chart), and
 * Helm, which takes every Secret with `owner=helm` for a release of its own, whatever its type (helm.sh/helm/v3,
 * `pkg/storage/driver/secrets.go`), so that a tenant could choose what the next `helm upgrade` or `helm uninstall` does. By key,
 * not by value: ESO renders the values as templates.
 */
const selectorLabels = new Set(["app", "release", "owner"])

type Entries = Readonly<Record<string, string>> | undefined

const filterKeys = (entries: Entries, keep: (key: string) => boolean): Record<string, string> =>
  Object.fromEntries(Object.entries(entries ?? {}).filter(([key]) => keep(key)))

/** Labels of a tenant's object (or template) that may stand on a host object. */
export const carriedLabels = (labels: Entries): Record<string, string> =>
  filterKeys(labels, (key) => !isReserved(key) && !selectorLabels.has(key))

/** Labels that {@link carriedLabels} holds back only because of where the host object lives: the virtual Secret gets them. */
export const heldBackLabels = (labels: Entries): Record<string, string> =>
  filterKeys(labels, (key) => selectorLabels.has(key))

export const carriedAnnotations = (annotations: Entries): Record<string, string> =>
  filterKeys(annotations, (key) => !isReserved(key) && key !== lastApplied)
