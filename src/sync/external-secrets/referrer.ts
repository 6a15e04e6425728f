/** A kind whose specs refer to Secrets and ConfigMaps of the tenant's: these are copied to the host as long as it may go there. */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { Cache, Caches } from "../engine/caches.ts"
import type { SyncContext } from "../engine/context.ts"
import type { Referent } from "./referents.ts"

export interface Referrer {
  /** The tenants' objects, with the indexes `reference` and `hostReference`. */
  readonly cache: Cache
  readonly referents: (object: KubeObject, context: SyncContext) => ReadonlyArray<Referent>
  /** Whether no rule keeps it from the host, so that what it refers to may follow. */
  readonly mayGoToHost: (object: KubeObject, caches: Caches, context: SyncContext) => boolean
  /** What else that depends on: from a change to the objects that may be judged otherwise now. */
  readonly judgedBy: ReadonlyArray<{
    readonly cache: Cache
    readonly judged: (changed: KubeObject, caches: Caches) => ReadonlyArray<KubeObject>
  }>
}
