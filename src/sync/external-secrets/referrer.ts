/**
 * Whose specs refer to Secrets and ConfigMaps of the tenant's: these are copied to the host as long as the spec may go there, or
 * stays there (of a later one that is refused, nothing has gone to the host).
 */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { objectKey } from "../../effects/client/kube-object.ts"
import type { Cache, Caches } from "../engine/caches.ts"
import type { SyncContext } from "../engine/context.ts"
import { originOf } from "../tenancy/ownership.ts"
import type { Referent } from "./referents.ts"

export interface Referrer {
  /** With the indexes `reference` and `hostReference`. */
  readonly cache: Cache
  /** The virtual namespace of what it refers to. */
  readonly namespaceOf: (object: KubeObject, context: SyncContext) => string
  readonly referents: (object: KubeObject, context: SyncContext) => ReadonlyArray<Referent>
  /** Whether no rule keeps it from the host, so that what it refers to may follow. */
  readonly mayGoToHost: (object: KubeObject, caches: Caches, context: SyncContext) => boolean
  /** What else that depends on: from a change to the objects that may be judged otherwise now. */
  readonly judgedBy: ReadonlyArray<{
    readonly cache: Cache
    readonly judged: (changed: KubeObject, caches: Caches) => ReadonlyArray<KubeObject>
  }>
}

/** Of a virtual object. */
export const ownNamespace = ({ metadata }: KubeObject): string => metadata.namespace ?? ""

/** Of the virtual object that a host object is the copy of. */
export const originNamespace = (copy: KubeObject, { tenancy }: SyncContext): string =>
  originOf(copy, tenancy)?.namespace ?? ""

/** The copies on the host, by what was accepted of the virtual objects: as long as those are there. */
export const copiesAsReferrers = (virtual: Cache, host: Cache, referents: Referrer["referents"]): Referrer => ({
  cache: host,
  namespaceOf: originNamespace,
  referents,
  mayGoToHost: (copy, caches, context) => {
    const origin = originOf(copy, context.tenancy)
    const standing = origin === undefined ? undefined : caches.of(virtual).get(origin.key)
    return (
      copy.metadata.deletionTimestamp === undefined &&
      standing !== undefined &&
      standing.metadata.uid === origin?.uid &&
      standing.metadata.deletionTimestamp === undefined
    )
  },
  judgedBy: [{ cache: virtual, judged: (object, caches) => caches.of(host).byIndex("origin", objectKey(object)) }],
})
