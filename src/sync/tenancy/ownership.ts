/**
 * Whose object is it? The marks on host objects, how they are put on and how they are read.
 *
 * Marks alone prove nothing: vCluster copies a tenant's labels and annotations to the host's Secrets, under names of its own. Nor does a name
 * (vCluster's scheme is not injective). An object is ours when its name is the one that its marks lead to.
 */
import type { KubeObject, ObjectKey, OwnerReference } from "../../effects/client/kube-object.ts"
import { keyOf } from "../../effects/client/kube-object.ts"
import {
  managedByLabel,
  virtualClusterAnnotation,
  virtualNameAnnotation,
  virtualNamespaceAnnotation,
  virtualUidAnnotation,
  vclusterAnnotation,
  vclusterNamespaceAnnotation,
} from "./labels.ts"
import type { IsPlaceOf } from "./names.ts"
import { isCopysPlace } from "./names.ts"

export interface Tenancy {
  /** The vCluster's name (its Helm release). */
  readonly vcluster: string
  /** Its host namespace: in others, which are mapped to the tenant's, vClusters of the same name may have objects too. */
  readonly hostNamespace: string
  /** UID of the virtual `kube-system` namespace. */
  readonly virtualCluster: string
}

export interface Origin {
  readonly key: ObjectKey
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

/**
 * The virtual object that a host object is the copy of; undefined when it is not a copy of this vCluster's.
 *
 * @param isPlaceOf where copies of its kind stand; by default, of ExternalSecrets and SecretStores
 */
export const originOf = (
  host: KubeObject,
  tenancy: Tenancy,
  isPlaceOf: IsPlaceOf = isCopysPlace,
): Origin | undefined => {
  const annotations = host.metadata.annotations ?? {}
  const name = annotations[virtualNameAnnotation]
  const namespace = annotations[virtualNamespaceAnnotation]
  const uid = annotations[virtualUidAnnotation]
  if (annotations[vclusterAnnotation] !== tenancy.vcluster) return undefined
  if (annotations[vclusterNamespaceAnnotation] !== tenancy.hostNamespace) return undefined
  if (name === undefined || namespace === undefined || uid === undefined) return undefined
  const place = { name: host.metadata.name, namespace: host.metadata.namespace ?? "" }
  return isPlaceOf({ name, namespace }, place, tenancy)
    ? { key: keyOf(namespace, name), namespace, name, uid }
    : undefined
}

/** The key of that virtual object, for indexes and queues: one, or none. */
export const originKeys = (host: KubeObject, tenancy: Tenancy, isPlaceOf?: IsPlaceOf): ReadonlyArray<ObjectKey> => {
  const origin = originOf(host, tenancy, isPlaceOf)
  return origin === undefined ? [] : [origin.key]
}

export const markLabels = (tenancy: Tenancy): Record<string, string> => ({ [managedByLabel]: tenancy.vcluster })

export const markAnnotations = (virtual: KubeObject, tenancy: Tenancy): Record<string, string> => ({
  [vclusterAnnotation]: tenancy.vcluster,
  [vclusterNamespaceAnnotation]: tenancy.hostNamespace,
  [virtualClusterAnnotation]: tenancy.virtualCluster,
  [virtualNamespaceAnnotation]: virtual.metadata.namespace ?? "",
  [virtualNameAnnotation]: virtual.metadata.name,
  [virtualUidAnnotation]: virtual.metadata.uid ?? "",
})

const markKeys: ReadonlySet<string> = new Set([
  vclusterAnnotation,
  vclusterNamespaceAnnotation,
  virtualClusterAnnotation,
  virtualNamespaceAnnotation,
  virtualNameAnnotation,
  virtualUidAnnotation,
])

/** Of an object's annotations, those that {@link markAnnotations} puts on. */
export const marksOf = ({ metadata }: KubeObject): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([key]) => markKeys.has(key)))

/**
 * As vCluster's own objects have it, so that `helm uninstall` of the vCluster leaves nothing of ours behind. An owner of
 * another namespace counts as gone (Kubernetes' garbage collector), so that objects in mapped namespaces get none.
 */
export const ownedByService = (service: KubeObject | undefined, namespace: string): ReadonlyArray<OwnerReference> =>
  service?.metadata.uid === undefined || service.metadata.namespace !== namespace
    ? []
    : [
        {
          apiVersion: "v1",
          kind: "Service",
          name: service.metadata.name,
          uid: service.metadata.uid,
          controller: false,
        },
      ]

export const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((owner) => owner.controller === true)
