/**
 * Keeps a cache of one selection of objects in step with the API server, for as long as its scope is open.
 *
 * The method is client-go's (`tools/cache/reflector.go`): a consistent streaming list, then the watch goes on in the same
 * request; where that fails before its list is complete, a plain list and a watch from its version (`client/streaming-lists.ts`). Two points
 * are stricter. A session lost by anything but a normal end is never resumed from its version, because a version from the
 * future (an etcd restored from backup) is not refused: such a watch is silent for ever. For the same reason a watch without
 * a line in three minutes is dead: kube-apiserver sends bookmarks, on a kind that nobody writes after up to two minutes.
 */
import { Clock, Deferred, Effect, Exit, Random, type Scope, type Stream } from "effect"
import { ApiError, Unreachable } from "../client/api-error.ts"
import type { KubeClient, Selection, WatchEvent } from "../client/kube-client.ts"
import { forkLoop } from "../controller/supervision.ts"
import { type KubeObject, objectKey, type ObjectKey } from "../client/kube-object.ts"
import type { ReflectorCache } from "./reflector-cache.ts"
import { qualifiedName, type Resource } from "../client/resource.ts"
import { monotonicMillis } from "../monotonic-time.ts"
import { type ReflectorState, type Refused, shortSessionMs, Standing } from "./reflector-standing.ts"
import type { Delta, Store } from "./store.ts"
import { mayListOtherwise } from "../client/streaming-lists.ts"
import { untilSilent } from "./watch-timeout.ts"

export { withoutManagedFields } from "./reflector-cache.ts"
export type { ReflectorState } from "./reflector-standing.ts"

/** `E`: what the guard fails with. */
export interface ReflectorOptions<E = never> {
  /** For logs. */
  readonly name: string
  readonly client: KubeClient
  readonly resource: Resource
  readonly selection: Selection
  /** What is kept in step. Made for the same selection. */
  readonly cache: ReflectorCache
  /** Runs when a list is complete, with its version, and before it replaces the store. On failure nothing is replaced. */
  readonly guard?: (resourceVersion: string) => Effect.Effect<unknown, E>
  /**
   * After how long a watch without a line counts as dead, in milliseconds. Default 3 minutes. Longer for kinds without the
   * bookmarks of a watch cache (Events, of which kube-apiserver keeps none). Where nothing happens for long, the version of such
   * a watch gets too old, and each second end of it means a new list.
   */
  readonly silenceLimitMs?: number
  /** Called after the store has changed (as a whole, where a list replaces it); must neither block nor throw. */
  readonly onDelta: (delta: Delta) => void
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
}

const defaultSilenceLimitMs = 180_000
/**
 * For a streaming list, much less: kube-apiserver closes one within moments, and there is another way. In all it may take as
 * long as any request; one that is still coming then may never be closed, where others keep writing.
 */
const listSilenceLimitMs = 10_000
const listLimitMs = 60_000

/**
 * Starts to reflect at once, in the background, until the scope closes.
 *
 * @returns without waiting for the first list: await `synced` or `syncedOrFailed`
 */
export const makeReflector = <E = never>(
  options: ReflectorOptions<E>,
): Effect.Effect<Reflector<E>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const synced = yield* Deferred.make<void>()
    const firstOutcome = yield* Deferred.make<void, ApiError | E>()
    const session = new Session(options, new Standing(options.name, synced, firstOutcome))
    yield* forkLoop(`the reflector of ${options.name}`, session.run())
    return session.reflector()
  })

class Session<E> {
  readonly #options: ReflectorOptions<E>
  readonly #silenceLimitMs: number
  readonly #cache: ReflectorCache
  readonly #standing: Standing<E>
  #resumes = false

  constructor(options: ReflectorOptions<E>, standing: Standing<E>) {
    this.#options = options
    this.#silenceLimitMs = options.silenceLimitMs ?? defaultSilenceLimitMs
    this.#standing = standing
    this.#cache = options.cache
  }

  reflector(): Reflector<E> {
    const standing = this.#standing
    return {
      name: this.#options.name,
      store: this.#cache.store,
      isSynced: () => standing.isSynced(),
      synced: standing.synced(),
      syncedOrFailed: standing.syncedOrFailed(),
      state: () => standing.state(),
      resourceVersion: this.#cache.version,
    }
  }

  run(): Effect.Effect<never> {
    const one = Effect.suspend(() => (this.#resumes ? this.#watch() : this.#relist()))
    return Effect.exit(one).pipe(
      Effect.flatMap((exit) => {
        this.#resumes = Exit.isSuccess(exit)
        return Exit.isSuccess(exit) ? this.#ended() : this.#standing.failed(exit.cause)
      }),
      Effect.forever,
    )
  }

  #relist(): Effect.Effect<void, ApiError | Refused<E>> {
    const { listStreaming } = this.#options.client
    this.#cache.startList()
    return Effect.flatMap(listStreaming.areWorthTrying, (areWorthTrying) =>
      areWorthTrying
        ? Effect.catchIf(
            this.#watch(true),
            (error): error is ApiError =>
              error._tag === "ApiError" && !this.#standing.isConnected() && mayListOtherwise(error),
            (error) => this.#listAndWatch(error),
          )
        : this.#listAndWatch(),
    )
  }

  /** @param instead what a streaming list failed with just now: the session has failed only if this way fails as well */
  #listAndWatch(instead?: ApiError): Effect.Effect<void, ApiError | Refused<E>> {
    const { client, name, resource, selection } = this.#options
    const list = client.list(resource, selection)
    const listed =
      instead === undefined
        ? list
        : Effect.logDebug(`${name}: listing page by page instead: ${instead.message}`).pipe(
            Effect.andThen(list),
            Effect.tap(client.listStreaming.haveFailed(instead)),
          )
    return listed.pipe(
      Effect.flatMap(({ items, nameless, resourceVersion }) => {
        if (nameless !== undefined) this.#cache.refuseNameless()
        return this.#adopt(
          items.flatMap((item) => this.#cache.prepare(item) ?? []),
          resourceVersion,
        )
      }),
      Effect.andThen(this.#watch()),
    )
  }

  /** One watch until it ends. With `listFirst`, a list comes first in the stream. */
  #watch(listFirst = false): Effect.Effect<void, ApiError | Refused<E>> {
    return Effect.gen({ self: this }, function* () {
      // The only reference to it, and given up with the list: the watch goes on for minutes, with a second copy of everything.
      let collecting = listFirst ? new Map<ObjectKey, KubeObject>() : undefined
      let events = 0
      const clock = yield* Clock.Clock
      const openedAt = monotonicMillis(clock)
      const lastedMs = () => monotonicMillis(clock) - openedAt
      /** A whole array at a time, without a step of the runtime for each event. */
      const take = (some: ReadonlyArray<WatchEvent>): Effect.Effect<void, ApiError | Refused<E>> =>
        Effect.suspend(() => {
          for (const [index, event] of some.entries()) {
            events++
            if (collecting === undefined) {
              this.#tell(this.#cache.apply(event))
            } else if (event.type !== "BOOKMARK") {
              this.#collect(collecting, event)
            } else if (event.initialEventsEnd) {
              const complete = collecting.values()
              collecting = undefined
              return Effect.andThen(this.#adopt(complete, event.resourceVersion), take(some.slice(index + 1)))
            }
          }
          return collecting !== undefined && lastedMs() >= listLimitMs
            ? Effect.fail(this.#lost(`the list was not complete after ${listLimitMs / 1000} s`))
            : Effect.void
        })
      const limitMs = () => (collecting === undefined ? this.#silenceLimitMs : listSilenceLimitMs)
      yield* untilSilent(yield* this.#open(listFirst), take, limitMs, () =>
        this.#lost(
          collecting === undefined
            ? `the watch was silent for ${Math.round(this.#silenceLimitMs / 60_000)} minutes`
            : `silence for ${listSilenceLimitMs / 1000} s before the list was complete`,
        ),
      )
      const lasted = lastedMs()
      if (collecting !== undefined) {
        return yield* this.#lost("the watch ended before its list was complete")
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
    if (event.type === "MALFORMED") {
      this.#cache.refuseNameless()
      return
    }
    const prepared = this.#cache.prepare(event.object)
    if (prepared === undefined) {
      return
    }
    if (event.type === "DELETED") {
      into.delete(objectKey(prepared))
    } else {
      into.set(objectKey(prepared), prepared)
    }
  }

  #adopt(prepared: Iterable<KubeObject>, version: string): Effect.Effect<void, Refused<E>> {
    return Effect.gen({ self: this }, function* () {
      const { guard, name } = this.#options
      if (guard !== undefined) {
        yield* Effect.mapError(guard(version), (error): Refused<E> => ({ _tag: "Refused", error }))
      }
      for (const delta of this.#cache.replace(prepared, version)) this.#tell(delta)
      yield* this.#standing.connected()
      yield* Effect.logDebug(`${name}: listed ${this.#cache.store.size()} objects at version ${version}`)
    })
  }

  #tell(delta: Delta | undefined): void {
    if (delta !== undefined) this.#options.onDelta(delta)
  }

  #ended(): Effect.Effect<void> {
    return Effect.logDebug(`${this.#options.name}: watching on from version ${this.#cache.version()}`)
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
