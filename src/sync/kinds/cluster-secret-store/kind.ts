/**
 * The synced kind ClusterSecretStore, host → virtual: spec, labels and status of the stores that the selector imports.
 * Edits in the virtual cluster are reverted. Nothing that a store's references name follows it: credentials stay on the host.
 */
import { clusterSecretStoresIn } from "../../external-secrets/eso-resources.ts"
import { isWrittenByNobody } from "../../external-secrets/host-copy-patch.ts"
import { hostClusterSecretStores, isImported } from "../../external-secrets/store-caches.ts"
import { virtualClusterSecretStores } from "./caches.ts"
import type { KubeObject, ObjectKey } from "../../../effects/client/kube-object.ts"
import { apiVersionOf } from "../../../effects/client/resource.ts"
import type { Caches } from "../../engine/caches.ts"
import type { SyncContext } from "../../engine/context.ts"
import type { Action, Decision, Verdict } from "../../engine/actions.ts"
import { conditionProblems } from "../../external-secrets/store-conditions.ts"
import { readyCondition } from "../../tenancy/conditions.ts"
import { recordAt } from "../../../effects/client/unstructured.ts"
import type { JsonRecord } from "../../../effects/client/unstructured.ts"
import { hostUidAnnotation, importedLabels, managedLabel } from "../../tenancy/labels.ts"
import { mergePatch } from "../../../effects/client/merge-patch.ts"
import { writeStatus } from "../../engine/status-write.ts"
import { canonical } from "../../tenancy/structural-schema.ts"
import { restsOnAbsentClusterStore } from "../../external-secrets/absent-cluster-store.ts"
import { Refusal } from "../../tenancy/refusals.ts"
import { refusedVerdict } from "../../external-secrets/verdicts.ts"
import { on, synced } from "../../engine/synced-kind.ts"
import type { SyncedKind } from "../../engine/synced-kind.ts"

/** A tenant's own store has no such mark; one that forges it merely asks to have its store replaced by the operator's. */
const isImport = (virtual: KubeObject): boolean =>
  virtual.metadata.labels?.[managedLabel] === "true" && virtual.metadata.annotations?.[hostUidAnnotation] !== undefined

const desiredImport = (host: KubeObject, context: SyncContext): KubeObject => ({
  apiVersion: apiVersionOf(clusterSecretStoresIn(context)),
  kind: "ClusterSecretStore",
  metadata: {
    name: host.metadata.name,
    labels: { ...importedLabels(host.metadata.labels), [managedLabel]: "true" },
    annotations: { [hostUidAnnotation]: host.metadata.uid ?? "" },
  },
  spec: host["spec"],
})

/** A label that the virtual cluster's admission adds stays; one that a tenant adds does not. */
const marked = (object: KubeObject) => ({
  labels: Object.fromEntries(
    Object.entries(object.metadata.labels ?? {}).filter(
      ([key]) => !isWrittenByNobody(object, ["metadata", "labels", key]),
    ),
  ),
  annotations: { [hostUidAnnotation]: object.metadata.annotations?.[hostUidAnnotation] },
})

const updateImport = (virtual: KubeObject, desired: KubeObject, context: SyncContext): ReadonlyArray<Action> => {
  const comparable = (object: KubeObject) => ({
    metadata: marked(object),
    spec: canonical(context.hostSpecSchema("clustersecretstores"), object["spec"]),
  })
  if (mergePatch(comparable(virtual), comparable(desired)) === undefined) return []
  const patch = mergePatch(
    { metadata: marked(virtual), spec: virtual["spec"] },
    { metadata: marked(desired), spec: desired["spec"] },
  )
  return patch === undefined
    ? []
    : [
        {
          _tag: "Patch",
          side: "virtual",
          resource: clusterSecretStoresIn(context),
          current: virtual,
          patch,
        },
      ]
}

/** ESO may run without the cluster store reconciler; then a store has no status, and that is no fault of the store. */
const verdictOf = (host: KubeObject, pending: number): Verdict => {
  const ready = readyCondition(host)
  const since = ready?.lastTransitionTime === undefined ? {} : { since: ready.lastTransitionTime }
  if (ready !== undefined && ready.status !== "True")
    return {
      health: "broken",
      reason: ready.reason,
      message: ready.message,
      ...since,
      fix: {
        text: "the operator looks at the store on the host",
        command: `kubectl describe clustersecretstore ${host.metadata.name}`,
        cluster: "host",
      },
    }
  const [problem] = conditionProblems(host)
  if (problem !== undefined)
    return {
      health: "broken",
      reason: "InvalidCondition",
      message: `${problem}; so it admits no namespace here`,
      fix: {
        text: "the operator writes the expression otherwise, or names the namespaces",
        command: `kubectl edit clustersecretstore ${host.metadata.name}`,
        cluster: "host",
      },
    }
  return pending === 0
    ? { health: "synced", reason: ready?.reason ?? "Imported", message: ready?.message ?? "imported", ...since }
    : { health: "waiting", reason: "Pending", message: "changes are on their way" }
}

interface Observed {
  readonly key: ObjectKey
  readonly context: SyncContext
  readonly host: KubeObject | undefined
  readonly virtual: KubeObject | undefined
}

interface Desired {
  /** What should stand in the virtual cluster. */
  readonly store: KubeObject | "none of ours" | "as it stands"
  readonly status: JsonRecord
  /** @param pending writes that are still to be made */
  readonly told: (pending: number) => Omit<Decision, "actions">
}

const importedStore = (key: ObjectKey, caches: Caches, { settings }: SyncContext): KubeObject | undefined => {
  const store = caches.of(hostClusterSecretStores).get(key)
  return store !== undefined && isImported(store, settings) ? store : undefined
}

const observe = (key: ObjectKey, caches: Caches, context: SyncContext): Observed => ({
  key,
  context,
  host: importedStore(key, caches, context),
  virtual: caches.of(virtualClusterSecretStores).get(key),
})

const isThere = (object: KubeObject | undefined): object is KubeObject =>
  object !== undefined && object.metadata.deletionTimestamp === undefined

const judge = ({ key, host, virtual }: Observed): Refusal | undefined =>
  isThere(host) && isThere(virtual) && !isImport(virtual)
    ? new Refusal({
        reason: "VirtualObjectNotOurs",
        message: "the virtual cluster has a ClusterSecretStore of its own under this name; it is left alone",
        fix: {
          text: "delete the tenant's own store to see the imported one",
          command: `kubectl delete clustersecretstore ${key}`,
          cluster: "virtual",
        },
      })
    : undefined

const untouched = { store: "as it stands", status: {} } as const

const deletionPending: Verdict = {
  health: "waiting",
  reason: "DeletionPending",
  message: "deleted in the virtual cluster; imported again once it is gone",
}

const desire = ({ context, host, virtual }: Observed, refusal: Refusal | undefined): Desired => {
  if (refusal !== undefined) return { ...untouched, told: () => ({ verdict: refusedVerdict(refusal) }) }
  if (virtual?.metadata.deletionTimestamp !== undefined)
    return { ...untouched, told: () => ({ verdict: host === undefined ? undefined : deletionPending }) }
  if (isThere(host))
    return {
      store: desiredImport(host, context),
      status: recordAt(host, "status") ?? {},
      told: (pending) => ({ verdict: verdictOf(host, pending) }),
    }
  return {
    store: "none of ours",
    status: {},
    told: () => ({
      verdict: undefined,
      ...(host === undefined && context.settings.clusterStores.enabled ? restsOnAbsentClusterStore : {}),
    }),
  }
}

/** The status of one that is just being made comes with the next look. */
const diff = ({ context, virtual }: Observed, { store, status }: Desired): ReadonlyArray<Action> => {
  const resource = clusterSecretStoresIn(context)
  if (store === "as it stands") return []
  if (store === "none of ours")
    return virtual !== undefined && isImport(virtual)
      ? [{ _tag: "Delete", side: "virtual", resource, current: virtual, becauseAbsent: false }]
      : []
  return virtual === undefined
    ? [{ _tag: "Create", side: "virtual", resource, body: store }]
    : [...updateImport(virtual, store, context), ...writeStatus(resource, virtual, status)]
}

export const clusterSecretStoreKind: SyncedKind = synced<Observed, Desired>({
  kind: "ClusterSecretStore",
  counted: ({ clusterStores }) => clusterStores.enabled,
  // Without imported stores they are an empty list in the virtual cluster, as vCluster documents it, and not an unknown kind.
  prerequisite: {
    plural: "clustersecretstores",
    isWanted: () => true,
    isSynced: ({ clusterStores }) => clusterStores.enabled,
    // An ESO for one namespace is installed without it; then the virtual cluster has no such kind either.
    isNeeded: ({ clusterStores }) => clusterStores.enabled,
    // Of stores that are not imported, nothing is compared.
    needsSchema: ({ clusterStores }) => clusterStores.enabled,
  },
  restsOn: hostClusterSecretStores,
  caches: [hostClusterSecretStores, virtualClusterSecretStores],
  sources: [
    on(hostClusterSecretStores, (object) => [object.metadata.name]),
    on(virtualClusterSecretStores, (object) => [object.metadata.name]),
  ],
  keys: (caches) =>
    new Set(
      [...caches.of(hostClusterSecretStores).values(), ...caches.of(virtualClusterSecretStores).values()].map(
        (object) => object.metadata.name,
      ),
    ),
  observe,
  judge,
  desire,
  diff,
  report: (_observed, { told }, actions) => told(actions.length),
})
