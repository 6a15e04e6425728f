/**
 * What vCluster's own integration (paid) left on the host: it calls its copies as we do, and marks them as vCluster marks all that it
 * syncs (loft-sh/vcluster, `pkg/util/translate`). They are the operator's, who may hand them over to us one by one.
 */
import type { KubeObject, ObjectKey } from "../../effects/client/kube-object.ts"
import { keyOf } from "../../effects/client/kube-object.ts"
import { adoptAnnotation } from "./labels.ts"
import type { Fix } from "./object-health.ts"
import type { Tenancy } from "./ownership.ts"

const managedBy = "vcluster.loft.sh/managed-by"
const objectName = "vcluster.loft.sh/object-name"
const objectNamespace = "vcluster.loft.sh/object-namespace"
const hostObjectName = "vcluster.loft.sh/object-host-name"

/** @param key of the virtual object whose copy it would be */
export const isLeftoverOf = (host: KubeObject, key: ObjectKey, { vcluster }: Tenancy): boolean => {
  const { annotations = {}, labels = {}, name } = host.metadata
  const origin = annotations[objectName]
  return (
    labels[managedBy] === vcluster &&
    origin !== undefined &&
    keyOf(annotations[objectNamespace], origin) === key &&
    (annotations[hostObjectName] ?? name) === name
  )
}

/**
 * Whether the operator has handed it over. vCluster copies what tenants write into annotations, but no tenant sees the UID of a host object,
 * and one that is copied onto another object opens nothing there.
 */
export const isHandedOver = ({ metadata: { annotations, uid } }: KubeObject): boolean =>
  uid !== undefined && annotations?.[adoptAnnotation] === uid

/** What the operator does about it. @param resource as kubectl knows it */
export const handOverFix = (resource: string, { metadata }: KubeObject): Fix => ({
  text: "once vCluster's own integration does not run any more, hand the object over, on the host (docs/moving-in.md)",
  command: `kubectl annotate ${resource} ${metadata.name} -n ${metadata.namespace} ${adoptAnnotation}=${metadata.uid}`,
})
