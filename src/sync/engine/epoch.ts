/**
 * The machinery for one set of CRDs: made, with caches and a reconcile loop over them. When the host's CRDs are others, in the version that is
 * spoken or in a schema, another epoch begins.
 */
import { Deferred, Effect } from "effect"
import type { Scope } from "effect"
import type { ClientServices } from "./clients.ts"
import { bothClients } from "./clients.ts"
import type { Engine } from "./controller.ts"
import { makeEngine } from "./controller.ts"
import type { SyncFailure } from "./errors.ts"
import { fencedClient } from "../../effects/client/fenced-client.ts"
import { FollowedCrds } from "./followed-crds.ts"
import { openCaches } from "./informers.ts"
import { Leadership, unlessFenced } from "./leadership.ts"
import { isOwned, whenHeldBack } from "./owner-fence.ts"
import { readCaches, Registry } from "./registry.ts"
import { Reporter } from "./reporter.ts"
import { SyncOptions } from "./sync-options.ts"
import type { ActivePolicy, VclusterTarget } from "./target.ts"
import { isOutdated, makeContext } from "./target.ts"
import { TenantEvents } from "./tenant-events.ts"
import { VirtualIdentity } from "./virtual-identity.ts"

export interface Epoch {
  readonly engine: Engine
  /** Waits until the caches are complete. */
  readonly synced: Effect.Effect<void, SyncFailure>
  /** Completes when the host's CRDs are others, in the version that is stored or in a schema: everything starts anew. */
  readonly outdated: Effect.Effect<void>
}

export type EpochServices =
  | ActivePolicy
  | ClientServices
  | FollowedCrds
  | Leadership
  | Registry
  | Reporter
  | SyncOptions
  | TenantEvents
  | VclusterTarget
  | VirtualIdentity

export const openEpoch = Effect.gen(function* (): Effect.fn.Return<Epoch, SyncFailure, EpochServices | Scope.Scope> {
  const clients = yield* bothClients
  const crds = yield* FollowedCrds
  const identity = yield* VirtualIdentity
  const leadership = yield* Leadership
  const registry = yield* Registry
  const reporter = yield* Reporter
  const { workers } = yield* SyncOptions
  const { record } = yield* TenantEvents
  yield* crds.ensure(clients)
  const built = new Map(crds.current())
  const context = yield* makeContext(identity.uid, built)
  const outdated = yield* Deferred.make<void>()
  const opened = yield* openCaches({
    clients,
    context,
    caches: readCaches(registry),
    guard: identity,
    onHintsMissing: (error) => {
      if (error._tag === "ApiError")
        reporter.onWarning(`ESO's events are not shown in the virtual cluster: ${error.message}`)
    },
    onRefused: reporter.onWarning,
    onGuardFailure: (error) => (error._tag === "IdentityMismatch" ? leadership.end(error) : Effect.void),
  })
  const mayWrite = () => isOwned(leadership.lease(), opened.caches, context)
  const engine = yield* makeEngine({
    clients: { host: fencedClient(clients.host, mayWrite), virtual: fencedClient(clients.virtual, mayWrite) },
    context,
    kinds: registry.kinds,
    opened,
    workers,
    whenFenced: whenHeldBack(leadership, context, mayWrite),
    massDeleteAllowed: leadership.massDeleteAllowed,
    hostCrdUid: (plural) => crds.current().get(plural)?.host.metadata.uid,
    followCrd: (plural) =>
      crds
        .follow(clients, plural, opened.caches)
        .pipe(
          unlessFenced(leadership.whenFenced),
          Effect.andThen(
            Effect.suspend(() =>
              isOutdated(registry.prerequisites, built, crds.current())
                ? Deferred.succeed(outdated, undefined)
                : Effect.void,
            ),
          ),
          Effect.asVoid,
        ),
    onChange: reporter.onChange,
    ready: reporter.ready,
    notify: record,
    onFailure: (id, cause) => reporter.onWarning(`${id.replace("|", " ")}: ${cause}; trying again`),
  })
  const { synced } = yield* opened.start(engine.listener)
  return { engine, synced, outdated: Deferred.await(outdated) }
})
