/**
 * Whether the vCluster's Service, which owns the Lease and all of ours, is gone or another one: the vCluster is being uninstalled, or
 * installed anew under its name. What we wrote now would have no owner and stay for ever, or be the old tenant's in the new one's place.
 */
import { Effect } from "effect"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { Caches } from "./caches.ts"
import type { SyncContext } from "./context.ts"
import { VclusterGone } from "./errors.ts"
import type { Leadership } from "./leadership.ts"
import { vclusterService } from "./vcluster-service.ts"

/** @param lease as it was last read or written; one without an owner is nobody's loss */
export const isOwned = (lease: KubeObject, caches: Caches, context: SyncContext): boolean => {
  const owners = lease.metadata.ownerReferences ?? []
  const service = vclusterService(caches, context)
  return owners.length === 0 || owners.some(({ uid }) => uid === service?.metadata.uid)
}

/** For whoever finds that a write was held back: ends the run, with the reason, and does not return. */
export const whenHeldBack = (
  { end, whenFenced }: Leadership["Service"],
  { tenancy, hostNamespace }: SyncContext,
  mayWrite: () => boolean,
): Effect.Effect<never> =>
  Effect.suspend(() =>
    mayWrite()
      ? whenFenced
      : Effect.andThen(end(new VclusterGone({ service: `${hostNamespace}/${tenancy.vcluster}` })), Effect.never),
  )
