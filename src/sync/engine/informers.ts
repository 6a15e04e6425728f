/** Caches, kept true by one reflector each. */
import { Context, Effect, Layer } from "effect"
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
import { bothClients } from "./clients.ts"
import { Epoch } from "./epoch.ts"
import { Leadership } from "./leadership.ts"
import type { Action } from "./actions.ts"
import { readCaches, Registry } from "./registry.ts"
import { Reporter } from "./reporter.ts"
import { VirtualIdentity } from "./virtual-identity.ts"
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

/** The reflectors that keep the caches true. */
export class Informers extends Context.Service<
  Informers,
  {
    readonly reflectors: ReadonlyMap<Cache, CacheReflector>
    /** Waits until every cache holds a complete list; fails with what keeps one from it. Hints are waited for a moment only. */
    readonly synced: Effect.Effect<void, ApiError | IdentityMismatch>
  }
>()("vcluster-es/sync/engine/Informers") {}

export interface Listener {
  readonly onDelta: (cache: Cache, delta: Delta) => void
  /** A list of the virtual cluster is complete and about to be believed. */
  readonly onVirtualList: (cache: Cache) => Effect.Effect<void, ApiError>
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

const makeKeptCaches = Effect.gen(function* () {
  const clients = yield* bothClients
  const { context } = yield* Epoch
  const guard = yield* VirtualIdentity
  const { end } = yield* Leadership
  const { onWarning } = yield* Reporter
  const wanted = yield* visibleCaches(wantedCaches([hostService, ...readCaches(yield* Registry)], context), clients)
  const kept = new Map(
    wanted.map(({ cache, spec: { indexes, resource, selection, transform } }) => [
      cache,
      makeReflectorCache({
        indexes,
        transform,
        metadataOnly: selection.metadataOnly,
        check: checkFor(resource),
        onRefused: (message) => onWarning(`${cache.side} ${resource.kind}: ${message}`),
      }),
    ]),
  )
  const landing = whereWritesLand(wanted)
  const isProof = new Set(wanted.filter(isOfOneHistory).map(({ cache }) => cache))
  const sawVersion = (cache: Cache, version: string) => {
    if (isProof.has(cache)) guard.saw(version)
  }
  const saw = (cache: Cache, { object }: Delta) => sawVersion(cache, object.metadata.resourceVersion ?? "")
  /** What is believed counts as seen, though nothing changed by it: a store goes on while our objects are at rest. */
  const checkIdentity = (cache: Cache, listVersion: string) =>
    guard.check(listVersion).pipe(
      Effect.tapError((error) => (error._tag === "IdentityMismatch" ? end(error) : Effect.void)),
      Effect.tap(() => Effect.sync(() => sawVersion(cache, listVersion))),
    )

  const startOne = ({ cache, spec }: WantedCache, reflected: ReflectorCache, listener: Listener) =>
    makeReflector<ApiError | IdentityMismatch>({
      name: cache.name,
      client: clients[cache.side],
      resource: spec.resource,
      selection: spec.selection,
      cache: reflected,
      ...(spec.resource === events ? { silenceLimitMs: eventsSilenceLimitMs } : {}),
      ...(cache.side === "virtual"
        ? { guard: (version: string) => Effect.andThen(checkIdentity(cache, version), listener.onVirtualList(cache)) }
        : {}),
      onDelta: (delta) => {
        saw(cache, delta)
        listener.onDelta(cache, delta)
      },
    })

  const tellMissingHints = ({ syncedOrFailed }: CacheReflector) =>
    syncedOrFailed.pipe(
      // Also when it fails long after the start.
      Effect.catchTag("ApiError", ({ message }) =>
        Effect.sync(() => onWarning(`ESO's events are not shown in the virtual cluster: ${message}`)),
      ),
      // Another cluster ends the run.
      Effect.ignore,
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
    observe: (action: Action, stored: KubeObject) => {
      const cache = landing(action)
      const delta = cache === undefined ? undefined : kept.get(cache)?.observe(stored)
      if (cache === undefined || delta === undefined) return undefined
      saw(cache, delta)
      return { cache, delta }
    },
    start,
  }
})

/** The caches that the settings call for: empty still, and to be read by whoever will be told of their changes. */
export class KeptCaches extends Context.Service<
  KeptCaches,
  {
    readonly caches: Caches
    /**
     * Puts what the server stored for a write of ours into the cache that shows it, ahead of the watch.
     *
     * @returns what that changed: nobody else is told of it
     */
    readonly observe: (action: Action, stored: KubeObject) => CacheDelta | undefined
    /** Starts a reflector for each cache; they end with the scope. Their changes are told to this listener. To be run once. */
    readonly start: (listener: Listener) => Effect.Effect<Informers["Service"], never, Scope.Scope>
  }
>()("vcluster-es/sync/engine/KeptCaches") {
  /** Nothing is asked of the API servers before there is somebody to tell, so that no change is lost. */
  static readonly layer = Layer.effect(KeptCaches, makeKeptCaches)
}
