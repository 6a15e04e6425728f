/** Caches, kept true by one reflector each. */
import { Effect } from "effect"
import type { Scope } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { forkLoop } from "../../effects/controller/supervision.ts"
import { prepareReflector } from "../../effects/informer/reflector.ts"
import type { PreparedReflector, Reflector } from "../../effects/informer/reflector.ts"
import type { Delta } from "../../effects/informer/store.ts"
import { cachesFrom, wantedCaches, whereWritesLand } from "./caches.ts"
import type { Cache, Caches } from "./caches.ts"
import type { SyncContext } from "./context.ts"
import type { Clients } from "./executor.ts"
import type { Action } from "./actions.ts"
import type { IdentityGuard } from "./identity-guard.ts"
import { events } from "../resources.ts"
import { checkFor } from "./object-check.ts"
import { hostService } from "./vcluster-service.ts"
import { visibleCaches } from "./visible-caches.ts"
import type { IdentityMismatch } from "./identity.ts"

/** A list of the virtual cluster is believed only when its identity is confirmed. */
type CacheReflector = PreparedReflector<ApiError | IdentityMismatch>

export interface OpenCaches {
  readonly caches: Caches
  readonly reflectors: ReadonlyMap<Cache, Reflector<ApiError | IdentityMismatch>>
  /** Puts what the server stored for a write of ours into the cache that shows it, ahead of the watch. */
  readonly observe: (action: Action, stored: KubeObject) => void
  /** Starts all reflectors; they end with the scope. Every change is told to this one listener. To be run once. */
  readonly start: (listener: Listener) => Effect.Effect<void, never, Scope.Scope>
  /** Waits until every cache holds a complete list; fails with what keeps one from it. Hints are waited for a moment only. */
  readonly synced: Effect.Effect<void, ApiError | IdentityMismatch>
}

export interface Listener {
  readonly onDelta: (cache: Cache, delta: Delta) => void
  /** A list of the virtual cluster is complete and about to be believed. */
  readonly onVirtualList: (cache: Cache) => Effect.Effect<void, ApiError>
}

export interface OpenCachesOptions {
  readonly clients: Clients
  readonly context: SyncContext
  /** All that is to be read; the vCluster's Service is added. */
  readonly caches: Iterable<Cache>
  readonly guard: IdentityGuard
  /** Events cannot be seen: told, and all else goes on. */
  readonly onHintsMissing: (error: ApiError | IdentityMismatch) => void
  /** An object was left out, since it is not what its kind should be. Told once for each. */
  readonly onRefused: (message: string) => void
  /** The identity of the virtual cluster could not be confirmed, so its list was not believed. */
  readonly onGuardFailure: (error: ApiError | IdentityMismatch) => Effect.Effect<void>
}

/** Longer than any watch of a reflector: where nothing happens, a watch of Events says nothing until its end. */
const eventsSilenceLimitMs = 900_000

/** What is told of Events is a hint: their caches may come late, and hold up nothing. Milliseconds. */
const hintsWaitMs = 5_000

/**
 * The caches, empty, and what will fill them. Nothing is asked of their API servers before there is somebody to tell, so that no
 * change is lost.
 */
export const openCaches = Effect.fnUntraced(function* (options: OpenCachesOptions): Effect.fn.Return<OpenCaches> {
  const { clients, context, guard } = options
  const reflectors = new Map<Cache, CacheReflector>()
  let listener: Listener | undefined
  const believe = (cache: Cache, listVersion: string) =>
    Effect.andThen(
      guard.check(listVersion).pipe(Effect.tapError(options.onGuardFailure)),
      Effect.suspend(() => listener?.onVirtualList(cache) ?? Effect.void),
    )

  const wanted = yield* visibleCaches(wantedCaches([hostService, ...options.caches], context), clients)
  const specs = new Map(wanted.map(({ cache, spec }) => [cache, spec]))
  const isHint = (cache: Cache) => specs.get(cache)?.isHint === true
  const isLeftover = (cache: Cache) => specs.get(cache)?.leftover !== undefined

  for (const [cache, spec] of specs) {
    const isVirtual = cache.side === "virtual"
    // Events may be kept in an etcd of their own, and a group of APIs be served by somebody else: their versions prove nothing.
    const isOfOneHistory = isVirtual && spec.resource.group === "" && spec.resource !== events
    const reflector: CacheReflector = yield* prepareReflector({
      name: cache.name,
      client: clients[cache.side],
      resource: spec.resource,
      selection: spec.selection,
      indexes: spec.indexes,
      check: checkFor(spec.resource),
      onRefused: (message) => options.onRefused(`${cache.side} ${spec.resource.kind}: ${message}`),
      ...(spec.transform === undefined ? {} : { transform: spec.transform }),
      ...(spec.resource === events ? { silenceLimitMs: eventsSilenceLimitMs } : {}),
      ...(isVirtual ? { guard: (version: string) => believe(cache, version) } : {}),
      onDelta: (delta) => {
        if (isOfOneHistory) guard.saw(delta.object.metadata.resourceVersion ?? "")
        listener?.onDelta(cache, delta)
      },
    })
    reflectors.set(cache, reflector)
  }

  const tellMissingHints = ({ syncedOrFailed }: CacheReflector) =>
    syncedOrFailed.pipe(
      // Also when it fails long after the start.
      Effect.catch((error) => Effect.sync(() => options.onHintsMissing(error))),
      Effect.forkScoped,
    )
  const start = Effect.fnUntraced(function* (next: Listener) {
    listener = next
    for (const [cache, reflector] of reflectors) {
      yield* forkLoop(`the reflector of ${cache.name}`, reflector.run)
      if (isHint(cache)) yield* tellMissingHints(reflector)
    }
  })

  const complete = (cache: Cache, { syncedOrFailed }: CacheReflector) => {
    if (isHint(cache)) return syncedOrFailed.pipe(Effect.timeoutOption(hintsWaitMs), Effect.ignore)
    if (!isLeftover(cache)) return syncedOrFailed
    // What turns out not to be there, or not for us to see, leaves nothing behind that we could remove.
    return syncedOrFailed.pipe(
      Effect.catchReasons("ApiError", { NotFound: () => Effect.void, Forbidden: () => Effect.void }),
    )
  }
  const landing = whereWritesLand(wanted)
  return {
    caches: cachesFrom((cache) => reflectors.get(cache)?.store),
    reflectors,
    observe: (action, stored) => {
      const cache = landing(action)
      if (cache !== undefined) reflectors.get(cache)?.observe(stored)
    },
    start,
    synced: Effect.forEach([...reflectors], ([cache, reflector]) => complete(cache, reflector), {
      concurrency: "unbounded",
      discard: true,
    }),
  }
})
