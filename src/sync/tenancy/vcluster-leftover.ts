/**
 * What vCluster's own integration (paid) left on the host: it calls its copies as we do, and marks them as vCluster marks all that it
 * syncs (loft-sh/vcluster, `pkg/util/translate`). They are the operator's, who may hand them over to us one by one.
 */
import type { KubeObject, ObjectKey } from "../../effects/client/kube-object.ts"
import { keyOf } from "../../effects/client/kube-object.ts"
import { adoptAnnotation } from "./labels.ts"
import type { Fix } from "./object-health.ts"
import type { Tenancy } from "./ownership.ts"
import { Refusal } from "./refusals.ts"

const managedBy = "vcluster.loft.sh/managed-by"
const objectName = "vcluster.loft.sh/object-name"
const objectNamespace = "vcluster.loft.sh/object-namespace"
const hostObjectName = "vcluster.loft.sh/object-host-name"

/** The virtual object that it is the copy of, for indexes and queues: one, or none. */
export const leftoverKeys = ({ metadata }: KubeObject, { vcluster }: Tenancy): ReadonlyArray<ObjectKey> => {
  const { annotations = {}, labels = {}, name } = metadata
  const origin = annotations[objectName]
  return labels[managedBy] === vcluster && origin !== undefined && (annotations[hostObjectName] ?? name) === name
    ? [keyOf(annotations[objectNamespace], origin)]
    : []
}

/** @param key of the virtual object whose copy it would be */
export const isLeftoverOf = (host: KubeObject, key: ObjectKey, tenancy: Tenancy): boolean =>
  leftoverKeys(host, tenancy).includes(key)

/**
 * Whether the operator has handed it over. vCluster copies what tenants write into annotations, but no tenant sees the UID of a leftover,
 * and one that is copied onto another object opens nothing there.
 */
export const isHandedOver = ({ metadata: { annotations, uid } }: KubeObject): boolean =>
  uid !== undefined && annotations?.[adoptAnnotation] === uid

/**
 * Of those whose object is gone in the virtual cluster, the first that stays.
 *
 * @param kind `ExternalSecret`
 */
export const abandoned = (kind: string, leftovers: ReadonlyArray<KubeObject>): Refusal | undefined => {
  const found = leftovers.find(({ metadata }) => metadata.deletionTimestamp === undefined)?.metadata
  return found === undefined
    ? undefined
    : new Refusal({
        reason: "HostObjectOfVcluster",
        message: `it is gone in the virtual cluster, and ${kind} ${found.name}, which vCluster's own integration made of it, is still on the host`,
        fix: {
          text: "if it is not needed, delete it on the host; what External Secrets Operator made of it goes with it",
          command: `kubectl delete ${kind.toLowerCase()} ${found.name} -n ${found.namespace}`,
        },
      })
}

/** What the operator does about it. @param resource as kubectl knows it */
export const handOverFix = (resource: string, { metadata }: KubeObject): Fix => ({
  text: "once vCluster's own integration does not run any more, hand the object over, on the host (docs/moving-in.md)",
  command: `kubectl annotate ${resource} ${metadata.name} -n ${metadata.namespace} ${adoptAnnotation}=${metadata.uid}`,
})
