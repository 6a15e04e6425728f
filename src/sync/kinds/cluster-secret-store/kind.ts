/**
 * The synced kind ClusterSecretStore, host → virtual: spec, labels and status of the stores that the selector imports.
 * Edits in the virtual cluster are reverted. Nothing that a store's references name follows it: credentials stay on the host.
 */
import { hostClusterSecretStores } from "../../external-secrets/store-caches.ts"
import { virtualClusterSecretStores } from "./caches.ts"
import type { KubeObject, ObjectKey } from "../../../effects/client/kube-object.ts"
import { apiVersionOf } from "../../../effects/client/resource.ts"
import type { Caches } from "../../engine/caches.ts"
import type { SyncContext } from "../../engine/context.ts"
import type { Action, Decision, Verdict } from "../../engine/actions.ts"
import { conditionProblems } from "../../external-secrets/store-conditions.ts"
import { nothing } from "../../engine/actions.ts"
import { readyCondition } from "../../tenancy/conditions.ts"
import { recordAt } from "../../../effects/client/unstructured.ts"
import { carriedLabels, hostUidAnnotation, managedLabel } from "../../tenancy/labels.ts"
import { mergePatch } from "../../../effects/client/merge-patch.ts"
import { writeStatus } from "../../engine/status-write.ts"
import { canonical } from "../../tenancy/structural-schema.ts"
import { clusterSecretStores } from "../../resources.ts"
import { restsOnAbsentClusterStore } from "../../external-secrets/absent-cluster-store.ts"
import { on } from "../../engine/synced-kind.ts"
import type { SyncedKind } from "../../engine/synced-kind.ts"

/** A tenant's own store has no such mark; one that forges it merely asks to have its store replaced by the operator's. */
const isImport = (virtual: KubeObject): boolean =>
  virtual.metadata.labels?.[managedLabel] === "true" && virtual.metadata.annotations?.[hostUidAnnotation] !== undefined

const desiredImport = (host: KubeObject, context: SyncContext): KubeObject => ({
  apiVersion: apiVersionOf(clusterSecretStores(context.virtualVersion)),
  kind: "ClusterSecretStore",
  metadata: {
    name: host.metadata.name,
    labels: { ...carriedLabels(host.metadata.labels), [managedLabel]: "true" },
    annotations: { [hostUidAnnotation]: host.metadata.uid ?? "" },
  },
  spec: host["spec"],
})

const marked = (object: KubeObject) => ({
  labels: object.metadata.labels ?? {},
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
          resource: clusterSecretStores(context.virtualVersion),
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
      },
    }
  const [problem] = conditionProblems(host)
  if (problem !== undefined)
    return {
      health: "broken",
      reason: "InvalidCondition",
      message: problem,
      fix: {
        text: "the operator writes the expression otherwise, or names the namespaces",
        command: `kubectl edit clustersecretstore ${host.metadata.name}`,
      },
    }
  return pending === 0
    ? { health: "synced", reason: ready?.reason ?? "Imported", message: ready?.message ?? "imported", ...since }
    : { health: "waiting", reason: "Pending", message: "changes are on their way" }
}

const decide = (key: ObjectKey, caches: Caches, context: SyncContext): Decision => {
  const host = caches.of(hostClusterSecretStores).get(key)
  const virtual = caches.of(virtualClusterSecretStores).get(key)
  const resource = clusterSecretStores(context.virtualVersion)
  if (virtual?.metadata.deletionTimestamp !== undefined)
    return host === undefined
      ? nothing
      : {
          actions: [],
          verdict: {
            health: "waiting",
            reason: "DeletionPending",
            message: "deleted in the virtual cluster; imported again once it is gone",
          },
        }
  if (host === undefined || host.metadata.deletionTimestamp !== undefined)
    return virtual !== undefined && isImport(virtual)
      ? {
          actions: [{ _tag: "Delete", side: "virtual", resource, current: virtual, becauseAbsent: false }],
          verdict: undefined,
          ...(host === undefined && context.settings.clusterStores.enabled ? restsOnAbsentClusterStore : {}),
        }
      : nothing
  const desired = desiredImport(host, context)
  if (virtual === undefined)
    return { actions: [{ _tag: "Create", side: "virtual", resource, body: desired }], verdict: verdictOf(host, 1) }
  if (!isImport(virtual))
    return {
      actions: [],
      verdict: {
        health: "refused",
        reason: "VirtualObjectNotOurs",
        message: "the virtual cluster has a ClusterSecretStore of its own under this name; it is left alone",
        fix: {
          text: "delete the tenant's own store to see the imported one",
          command: `kubectl delete clustersecretstore ${key}`,
        },
      },
    }
  const updates = [
    ...updateImport(virtual, desired, context),
    ...writeStatus(resource, virtual, recordAt(host, "status") ?? {}),
  ]
  return { actions: updates, verdict: verdictOf(host, updates.length) }
}

export const clusterSecretStoreKind: SyncedKind = {
  kind: "ClusterSecretStore",
  // Without imported stores they are an empty list in the virtual cluster, as vCluster documents it, and not an unknown kind.
  prerequisite: {
    plural: "clustersecretstores",
    isWanted: () => true,
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
  decide,
}
