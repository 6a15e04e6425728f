/**
 * Whether the vCluster's Service, which owns the Lease and all of ours, is gone or another one: the vCluster is being uninstalled, or
 * installed anew under its name. What we wrote now would have no owner and stay for ever, or be the old tenant's in the new one's place.
 */
import { Context, Effect, Layer } from "effect"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { Caches } from "./caches.ts"
import { bothClients, fencedClients } from "./clients.ts"
import type { SyncContext } from "./context.ts"
import { Epoch } from "./epoch.ts"
import { VclusterGone } from "./errors.ts"
import { KeptCaches } from "./informers.ts"
import { Leadership } from "./leadership.ts"
import { vclusterService } from "./vcluster-service.ts"

/** @param lease as it was last read or written; one without an owner is nobody's loss */
const isOwned = (lease: KubeObject, caches: Caches, context: SyncContext): boolean => {
  const owners = lease.metadata.ownerReferences ?? []
  const service = vclusterService(caches, context)
  return owners.length === 0 || owners.some(({ uid }) => uid === service?.metadata.uid)
}

export class OwnerFence extends Context.Service<
  OwnerFence,
  {
    /** For whoever finds that a write was held back, by this fence or by the Lease's: ends the run, with the reason, and does not return. */
    readonly whenFenced: Effect.Effect<never>
  }
>()("vcluster-es/sync/engine/OwnerFence") {
  /** Also both clients, behind this fence. */
  static readonly layer = Layer.effectContext(
    Effect.gen(function* () {
      const { caches } = yield* KeptCaches
      const { context } = yield* Epoch
      const { end, lease, whenFenced } = yield* Leadership
      const mayWrite = () => isOwned(lease(), caches, context)
      const gone = new VclusterGone({ service: `${context.hostNamespace}/${context.tenancy.vcluster}` })
      const fence = Effect.suspend(() => (mayWrite() ? whenFenced : Effect.andThen(end(gone), Effect.never)))
      return Context.add(fencedClients(yield* bothClients, mayWrite), OwnerFence, { whenFenced: fence })
    }),
  )
}
