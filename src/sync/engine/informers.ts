/** Caches, kept true by one reflector each. */
import { Effect } from "effect"
import type { Scope } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { makeReflector } from "../../effects/informer/reflector.ts"
import type { Reflector } from "../../effects/informer/reflector.ts"
import { makeReflectorCache } from "../../effects/informer/reflector-cache.ts"
import type { ReflectorCache } from "../../effects/informer/reflector-cache.ts"
import type { Delta } from "../../effects/informer/store.ts"
import { cachesFrom, wantedCaches, whereWritesLand } from "./caches.ts"
import type { Cache, Caches, WantedCache } from "./caches.ts"
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
type CacheReflector = Reflector<ApiError | IdentityMismatch>

/** What happened in which cache. */
export interface CacheDelta {
  readonly cache: Cache
  readonly delta: Delta
}

/** Caches that are empty still, and are to be read by whoever will be told of their changes. */
export interface OpenCaches {
  readonly caches: Caches
  /**
   * Puts what the server stored for a write of ours into the cache that shows it, ahead of the watch.
   *
   * @returns what that changed: nobody else is told of it
   */
  readonly observe: (action: Action, stored: KubeObject) => CacheDelta | undefined
  /** Starts a reflector for each cache; they end with the scope. Their changes are told to this listener. To be run once. */
  readonly start: (listener: Listener) => Effect.Effect<Informers, never, Scope.Scope>
}

/** The reflectors that keep the caches true. */
export interface Informers {
  readonly reflectors: ReadonlyMap<Cache, CacheReflector>
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

/** Events may be kept in an etcd of their own, and a group of APIs be served by somebody else: their versions prove nothing. */
const isOfOneHistory = ({ cache, spec: { resource } }: WantedCache): boolean =>
  cache.side === "virtual" && resource.group === "" && resource !== events

const complete = ({ spec }: WantedCache, { syncedOrFailed }: CacheReflector) => {
  if (spec.isHint === true) return syncedOrFailed.pipe(Effect.timeoutOption(hintsWaitMs), Effect.ignore)
  if (spec.leftover === undefined) return syncedOrFailed
  // What turns out not to be there, or not for us to see, leaves nothing behind that we could remove.
  return syncedOrFailed.pipe(
    Effect.catchReasons("ApiError", { NotFound: () => Effect.void, Forbidden: () => Effect.void }),
  )
}

/** The caches that the settings call for. Nothing is asked of their API servers before there is somebody to tell, so that no change is lost. */
export const openCaches = Effect.fnUntraced(function* (options: OpenCachesOptions): Effect.fn.Return<OpenCaches> {
  const { clients, context, guard } = options
  const wanted = yield* visibleCaches(wantedCaches([hostService, ...options.caches], context), clients)
  const kept = new Map(
    wanted.map(({ cache, spec: { indexes, resource, selection, transform } }) => [
      cache,
      makeReflectorCache({
        indexes,
        transform,
        metadataOnly: selection.metadataOnly,
        check: checkFor(resource),
        onRefused: (message) => options.onRefused(`${cache.side} ${resource.kind}: ${message}`),
      }),
    ]),
  )
  const landing = whereWritesLand(wanted)
  const isProof = new Set(wanted.filter(isOfOneHistory).map(({ cache }) => cache))
  const saw = (cache: Cache, delta: Delta) => {
    if (isProof.has(cache)) guard.saw(delta.object.metadata.resourceVersion ?? "")
  }
  const checkIdentity = (listVersion: string) => guard.check(listVersion).pipe(Effect.tapError(options.onGuardFailure))

  const startOne = ({ cache, spec }: WantedCache, reflected: ReflectorCache, listener: Listener) =>
    makeReflector<ApiError | IdentityMismatch>({
      name: cache.name,
      client: clients[cache.side],
      resource: spec.resource,
      selection: spec.selection,
      cache: reflected,
      ...(spec.resource === events ? { silenceLimitMs: eventsSilenceLimitMs } : {}),
      ...(cache.side === "virtual"
        ? { guard: (version: string) => Effect.andThen(checkIdentity(version), listener.onVirtualList(cache)) }
        : {}),
      onDelta: (delta) => {
        saw(cache, delta)
        listener.onDelta(cache, delta)
      },
    })

  const tellMissingHints = ({ syncedOrFailed }: CacheReflector) =>
    syncedOrFailed.pipe(
      // Also when it fails long after the start.
      Effect.catch((error) => Effect.sync(() => options.onHintsMissing(error))),
      Effect.forkScoped,
    )

  const start = Effect.fnUntraced(function* (listener: Listener) {
    const reflectors = new Map<Cache, CacheReflector>()
    const completions = []
    for (const each of wanted) {
      const reflected = kept.get(each.cache)
      if (reflected === undefined) continue
      const reflector = yield* startOne(each, reflected, listener)
      reflectors.set(each.cache, reflector)
      completions.push(complete(each, reflector))
      if (each.spec.isHint === true) yield* tellMissingHints(reflector)
    }
    return { reflectors, synced: Effect.all(completions, { concurrency: "unbounded", discard: true }) }
  })

  return {
    caches: cachesFrom((cache) => kept.get(cache)?.store),
    observe: (action, stored) => {
      const cache = landing(action)
      const delta = cache === undefined ? undefined : kept.get(cache)?.observe(stored)
      if (cache === undefined || delta === undefined) return undefined
      saw(cache, delta)
      return { cache, delta }
    },
    start,
  }
})
