/**
 * The shape that all Kubernetes objects share.
 *
 * Objects are kept as the plain JSON that the API server sent: fields that we do not know are kept, never dropped, because
 * a copy must carry them. `metadata` is validated by the API server for every kind, also for a CRD without a schema;
 * everything else is `unknown` and is decoded where it is read.
 */

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: ReadonlyArray<OwnerReference>
  readonly finalizers?: ReadonlyArray<string>
  readonly [field: string]: unknown
}

export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  readonly [field: string]: unknown
}

/** Cache and queue key of an object: `NAMESPACE/NAME`, or `NAME` for a cluster-scoped one (client-go's convention). */
export type ObjectKey = string

export const keyOf = (namespace: string | undefined, name: string): ObjectKey =>
  namespace === undefined || namespace === "" ? name : `${namespace}/${name}`

export const objectKey = (object: KubeObject): ObjectKey => keyOf(object.metadata.namespace, object.metadata.name)

/** The reverse of {@link keyOf}; neither a namespace nor a name can contain a slash. */
export const splitKey = (key: ObjectKey): { readonly namespace: string | undefined; readonly name: string } => {
  const slash = key.indexOf("/")
  return slash === -1
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}
