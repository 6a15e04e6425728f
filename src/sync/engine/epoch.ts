/**
 * One set of CRDs, made and served, and what follows from it: caches, indexes and decisions are built on it. When the host's CRDs are
 * others, in the version that is spoken or in a schema, another epoch begins.
 */
import { Context, Deferred, Effect, Layer } from "effect"
import type { Caches } from "./caches.ts"
import { bothClients } from "./clients.ts"
import type { SyncContext } from "./context.ts"
import type { SyncFailure } from "./errors.ts"
import { FollowedCrds } from "./followed-crds.ts"
import { Leadership, unlessFenced } from "./leadership.ts"
import { Registry } from "./registry.ts"
import { isOutdated, makeContext } from "./target.ts"
import { VirtualIdentity } from "./virtual-identity.ts"

const makeEpoch = Effect.gen(function* () {
  const clients = yield* bothClients
  const crds = yield* FollowedCrds
  const identity = yield* VirtualIdentity
  const { whenFenced } = yield* Leadership
  const { prerequisites } = yield* Registry
  yield* crds.ensure(clients)
  const built = new Map(crds.current())
  const context = yield* makeContext(identity.uid, built)
  const outdated = yield* Deferred.make<void>()
  const tellOutdated = Effect.suspend(() =>
    isOutdated(prerequisites, built, crds.current()) ? Deferred.succeed(outdated, undefined) : Effect.void,
  )
  return {
    context,
    outdated: Deferred.await(outdated),
    hostCrdUid: (plural: string) => crds.current().get(plural)?.host.metadata.uid,
    crdChanged: (plural: string, caches: Caches) =>
      crds.follow(clients, plural, caches).pipe(unlessFenced(whenFenced), Effect.andThen(tellOutdated), Effect.asVoid),
  }
})

export class Epoch extends Context.Service<
  Epoch,
  {
    /** The fixed input of every decision. */
    readonly context: SyncContext
    /** Completes when everything has to start anew. */
    readonly outdated: Effect.Effect<void>
    /** UID of the host's CRD that we last looked at. */
    readonly hostCrdUid: (plural: string) => string | undefined
    /** A CRD changed on either side, as the caches show. Its failure means "again later". */
    readonly crdChanged: (plural: string, caches: Caches) => Effect.Effect<void, SyncFailure>
  }
>()("vcluster-es/sync/engine/Epoch") {
  /** Makes the CRDs and waits until they are served. */
  static readonly layer = Layer.effect(Epoch, makeEpoch)
}
