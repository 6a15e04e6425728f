/**
 * Keeps a cache of one selection of objects in step with the API server, for as long as its scope is open.
 *
 * The method is client-go's (`tools/cache/reflector.go`): a consistent streaming list, then the watch goes on in the same
 * request. Two points are stricter. A session lost by anything but a normal end is never resumed from its version, because
 * a version from the future (an etcd restored from backup) is not refused: such a watch is silent for ever. For the same
 * reason a watch without a line in three minutes is dead; the server sends a bookmark every minute.
 */
import { Cause, Clock, Deferred, Effect, Exit, Option, Random, type Scope, type Stream } from "effect"
import { ApiError, isTransient, Unreachable } from "./api-error.ts"
import type { KubeClient, Selection, WatchEvent } from "./kube-client.ts"
import { type KubeObject, objectKey, type ObjectKey } from "./kube-object.ts"
import { makeReflectorCache } from "./reflector-cache.ts"
import { qualifiedName, type Resource } from "./resource.ts"
import { backoffMs } from "./reflector-backoff.ts"
import type { Delta, Indexer, Store } from "./store.ts"
import { untilSilent } from "./watch-silence.ts"

export { withoutManagedFields } from "./reflector-cache.ts"

/** `E`: what the guard fails with. */
export interface ReflectorOptions<E = never> {
  /** For logs. */
  readonly name: string
  readonly client: KubeClient
  readonly resource: Resource
  readonly selection: Selection
  readonly indexes?: Readonly<Record<string, Indexer>>
  /** Before an object is stored, while it still has its managedFields (which are dropped then). Pure. */
  readonly transform?: (object: KubeObject) => KubeObject
  /** Runs when a list is complete, with its version, and before it replaces the store. On failure nothing is replaced. */
  readonly guard?: (resourceVersion: string) => Effect.Effect<unknown, E>
  /**
   * After how long a watch without a line counts as dead, in milliseconds. Default 3 minutes. Longer for kinds without the
   * bookmarks of a watch cache (Events, of which kube-apiserver keeps none). Where nothing happens for long, the version of such
   * a watch gets too old, and each second end of it means a new list.
   */
  readonly silenceLimitMs?: number
  /** Called after the store has changed; must neither block nor throw. */
  readonly onDelta: (delta: Delta) => void
}

export interface ReflectorState<E = never> {
  /** The last session got a complete state, and has not failed since. */
  readonly connected: boolean
  /** The server does not know the resource (now): the store keeps what it had. */
  readonly resourceMissing: boolean
  /** Of the last failed session; absent while connected. */
  readonly lastError?: ApiError | undefined
  /** Why the guard refused the last list; absent while connected. */
  readonly guardError?: E | undefined
}

export interface Reflector<E = never> {
  readonly name: string
  readonly store: Store
  /** Whether the store has held a complete list; stays true when the connection is lost later. */
  readonly isSynced: () => boolean
  readonly synced: Effect.Effect<void>
  /**
   * As {@link synced}, but fails when the very first attempt fails in a way that does not pass by itself, or when the first
   * four attempts fail. The reflector goes on trying all the same.
   */
  readonly syncedOrFailed: Effect.Effect<void, ApiError | E>
  readonly state: () => ReflectorState<E>
  /** The version up to which the store is complete; `""` before the first list. */
  readonly resourceVersion: () => string
  /**
   * Puts a write's answer into the store ahead of the watch, which will be silent about it then. Only for objects that the
   * selection matches, and not for dry runs. An answer that the watch has overtaken is ignored.
   */
  readonly observe: (object: KubeObject) => void
}

const defaultSilenceLimitMs = 180_000
const shortSessionMs = 1_000
const goodTimeMs = 120_000
const attemptsBeforeFirstSync = 4

interface Refused<E> {
  readonly _tag: "Refused"
  readonly error: E
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/**
 * Starts to reflect at once, in the background, until the scope closes.
 *
 * @returns without waiting for the first list: await `synced` or `syncedOrFailed`
 */
export const makeReflector = <E = never>(
  options: ReflectorOptions<E>,
): Effect.Effect<Reflector<E>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const session = new Session(options, yield* Deferred.make<void>(), yield* Deferred.make<void, ApiError | E>())
    yield* Effect.forkScoped(session.run(), { startImmediately: true })
    return session.reflector()
  })

class Session<E> {
  readonly #options: ReflectorOptions<E>
  readonly #silenceLimitMs: number
  readonly #cache: ReturnType<typeof makeReflectorCache>
  readonly #synced: Deferred.Deferred<void>
  readonly #firstOutcome: Deferred.Deferred<void, ApiError | E>
  #state: ReflectorState<E> = { connected: false, resourceMissing: false }
  /** False once the server has refused `sendInitialEvents`: its feature gate WatchList may be off. */
  #canStreamLists = true
  #resumes = false
  #failures = 0
  #connectedSince: number | undefined
  #lastWarning = ""

  constructor(
    options: ReflectorOptions<E>,
    synced: Deferred.Deferred<void>,
    firstOutcome: Deferred.Deferred<void, ApiError | E>,
  ) {
    this.#options = options
    this.#silenceLimitMs = options.silenceLimitMs ?? defaultSilenceLimitMs
    this.#synced = synced
    this.#firstOutcome = firstOutcome
    const { indexes, transform, selection, onDelta } = options
    this.#cache = makeReflectorCache({ indexes, transform, metadataOnly: selection.metadataOnly, onDelta })
  }

  reflector(): Reflector<E> {
    const isSynced = () => Deferred.isDoneUnsafe(this.#synced)
    return {
      name: this.#options.name,
      store: this.#cache.store,
      isSynced,
      synced: Deferred.await(this.#synced),
      syncedOrFailed: Effect.suspend(() => (isSynced() ? Effect.void : Deferred.await(this.#firstOutcome))),
      state: () => this.#state,
      resourceVersion: this.#cache.version,
      observe: this.#cache.observe,
    }
  }

  run(): Effect.Effect<never> {
    const one = Effect.suspend(() => (this.#resumes ? this.#watch() : this.#relist()))
    return Effect.exit(one).pipe(
      Effect.flatMap((exit) => (Exit.isSuccess(exit) ? this.#ended() : this.#failed(exit.cause))),
      Effect.forever,
    )
  }

  #relist(): Effect.Effect<void, ApiError | Refused<E>> {
    const { client, resource, selection } = this.#options
    this.#cache.startList()
    if (this.#canStreamLists) {
      return this.#watch(true)
    }
    return client.list(resource, selection).pipe(
      Effect.flatMap((list) => this.#adopt(list.items.map(this.#cache.prepare), list.resourceVersion)),
      Effect.andThen(this.#watch()),
    )
  }

  /** One watch until it ends. With `listFirst`, a list comes first in the stream. */
  #watch(listFirst = false): Effect.Effect<void, ApiError | Refused<E>> {
    // The only reference to it, and given up with the list: the watch goes on for minutes, with a second copy of everything.
    let collecting = listFirst ? new Map<ObjectKey, KubeObject>() : undefined
    let events = 0
    /** A whole array at a time, without a step of the runtime for each event. */
    const take = (some: ReadonlyArray<WatchEvent>): Effect.Effect<void, Refused<E>> =>
      Effect.suspend(() => {
        for (const [index, event] of some.entries()) {
          events++
          if (collecting === undefined) {
            this.#cache.apply(event)
          } else if (event.type !== "BOOKMARK") {
            this.#collect(collecting, event)
          } else if (event.initialEventsEnd) {
            const complete = collecting.values()
            collecting = undefined
            return Effect.andThen(this.#adopt(complete, event.resourceVersion), take(some.slice(index + 1)))
          }
        }
        return Effect.void
      })
    return Effect.gen({ self: this }, function* () {
      const openedAt = yield* Clock.currentTimeMillis
      yield* untilSilent(yield* this.#open(listFirst), take, this.#silenceLimitMs, () =>
        this.#lost(`the watch was silent for ${Math.round(this.#silenceLimitMs / 60_000)} minutes`),
      )
      const lasted = (yield* Clock.currentTimeMillis) - openedAt
      if (collecting !== undefined) {
        return yield* this.#lost("the watch ended before its first list was complete")
      }
      if (events === 0 && lasted < shortSessionMs) {
        return yield* this.#lost("the watch ended at once, without an event")
      }
      // A server that ends every watch after one event must not make us spin.
      return yield* Effect.sleep(Math.max(0, shortSessionMs - lasted))
    })
  }

  #open(sendInitialEvents: boolean): Effect.Effect<Stream.Stream<WatchEvent, ApiError>> {
    const { client, resource, selection } = this.#options
    return Effect.map(Random.nextIntBetween(300, 600), (timeoutSeconds) => {
      const start = sendInitialEvents ? { sendInitialEvents } : { resourceVersion: this.#cache.version() }
      return client.watch(resource, { ...selection, ...start, timeoutSeconds })
    })
  }

  #collect(into: Map<ObjectKey, KubeObject>, event: Exclude<WatchEvent, { readonly type: "BOOKMARK" }>): void {
    if (event.type === "DELETED") {
      into.delete(objectKey(event.object))
    } else {
      into.set(objectKey(event.object), this.#cache.prepare(event.object))
    }
  }

  #adopt(prepared: Iterable<KubeObject>, version: string): Effect.Effect<void, Refused<E>> {
    return Effect.gen({ self: this }, function* () {
      const { guard, name } = this.#options
      if (guard !== undefined) {
        yield* Effect.mapError(guard(version), (error): Refused<E> => ({ _tag: "Refused", error }))
      }
      this.#connectedSince = yield* Clock.currentTimeMillis
      this.#cache.replace(prepared, version)
      this.#state = { connected: true, resourceMissing: false }
      this.#lastWarning = ""
      yield* Deferred.succeed(this.#synced, undefined)
      yield* Deferred.succeed(this.#firstOutcome, undefined)
      yield* Effect.logDebug(`${name}: listed ${this.#cache.store.size()} objects at version ${version}`)
    })
  }

  #ended(): Effect.Effect<void> {
    this.#resumes = true
    return Effect.logDebug(`${this.#options.name}: watching on from version ${this.#cache.version()}`)
  }

  #failed(cause: Cause.Cause<ApiError | Refused<E>>): Effect.Effect<void> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const failure = Option.getOrUndefined(Cause.findErrorOption(cause))
      const reason = failure?._tag === "ApiError" ? failure.reason._tag : undefined
      const connectedMs = this.#connectedSince === undefined ? undefined : now - this.#connectedSince
      this.#resumes = false
      this.#connectedSince = undefined
      if (connectedMs !== undefined && connectedMs >= goodTimeMs) {
        this.#failures = 0
      }
      if (reason === "Invalid" && this.#canStreamLists && connectedMs === undefined) {
        this.#canStreamLists = false
        return Effect.logDebug(`${this.#options.name}: no streaming list here: ${textOf(failure)}`)
      }
      // At once, unless the list itself does not live long enough to be watched on.
      if (reason === "Expired" && connectedMs !== undefined && connectedMs >= shortSessionMs) {
        return Effect.logDebug(`${this.#options.name}: listing anew: ${textOf(failure)}`)
      }
      this.#failures++
      this.#remember(failure)
      return Effect.andThen(this.#tellFirstOutcome(cause), this.#backOff(cause))
    })
  }

  #remember(failure: ApiError | Refused<E> | undefined): void {
    if (failure?._tag === "Refused") {
      this.#state = { connected: false, resourceMissing: false, guardError: failure.error }
      return
    }
    const resourceMissing = failure?.reason._tag === "NotFound" && failure.reason.resourceMissing
    this.#state = { connected: false, resourceMissing, lastError: failure }
  }

  #tellFirstOutcome(cause: Cause.Cause<ApiError | Refused<E>>): Effect.Effect<unknown> {
    const failure = Option.getOrUndefined(Cause.findErrorOption(cause))
    const isFinal = this.#failures === 1 && failure?._tag === "ApiError" && !isTransient(failure)
    return isFinal || this.#failures === attemptsBeforeFirstSync
      ? Deferred.failCause(
          this.#firstOutcome,
          Cause.map(cause, (each) => (each._tag === "Refused" ? each.error : each)),
        )
      : Effect.void
  }

  /** A warning for each new trouble, not for each attempt; a server that only asks for a moment (it starts) is none yet. */
  #backOff(cause: Cause.Cause<ApiError | Refused<E>>): Effect.Effect<void> {
    return Effect.flatMap(Random.next, (random) => {
      const failure = Option.getOrUndefined(Cause.findErrorOption(cause))
      const pauseMs = backoffMs(this.#failures, random, failure?._tag === "ApiError" ? failure : undefined)
      const trouble = textOf(failure?._tag === "Refused" ? failure.error : (failure ?? Cause.squash(cause)))
      const asksForAMoment = failure?._tag === "ApiError" && failure.reason._tag === "Throttled" && this.#failures === 1
      const log = asksForAMoment || trouble === this.#lastWarning ? Effect.logDebug : Effect.logWarning
      if (!asksForAMoment) this.#lastWarning = trouble
      const pause = `next attempt in ${(pauseMs / 1000).toFixed(1)} s`
      return Effect.andThen(log(`${this.#options.name}: ${trouble}; ${pause}`), Effect.sleep(pauseMs))
    })
  }

  #lost(detail: string): ApiError {
    const { client, resource, selection } = this.#options
    return new ApiError({
      cluster: client.cluster,
      server: client.server,
      verb: "watch",
      resource: qualifiedName(resource),
      ...(selection.namespace === undefined ? {} : { namespace: selection.namespace }),
      detail,
      reason: new Unreachable({}),
    })
  }
}
