/** How a reflector stands with its server: what others see of that, and how long it waits after a failure. */
import { Cause, Clock, Deferred, Effect, Option, Random } from "effect"
import { type ApiError, isTransient } from "../client/api-error.ts"
import { monotonicMillis } from "../monotonic-time.ts"
import { backoffMs } from "./reflector-backoff.ts"

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

/** The guard refused a list. */
export interface Refused<E> {
  readonly _tag: "Refused"
  readonly error: E
}

type Failure<E> = ApiError | Refused<E>

/** A session whose list does not live longer than this gets no new one without a pause. */
export const shortSessionMs = 1_000
const goodTimeMs = 120_000
const attemptsBeforeFirstSync = 4

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const failureOf = <E>(cause: Cause.Cause<Failure<E>>): Failure<E> | undefined =>
  Option.getOrUndefined(Cause.findErrorOption(cause))

export class Standing<E> {
  readonly #name: string
  readonly #synced: Deferred.Deferred<void>
  readonly #firstOutcome: Deferred.Deferred<void, ApiError | E>
  #state: ReflectorState<E> = { connected: false, resourceMissing: false }
  #failures = 0
  #connectedSince: number | undefined
  #lastWarning = ""

  constructor(name: string, synced: Deferred.Deferred<void>, firstOutcome: Deferred.Deferred<void, ApiError | E>) {
    this.#name = name
    this.#synced = synced
    this.#firstOutcome = firstOutcome
  }

  state(): ReflectorState<E> {
    return this.#state
  }

  /** The session at hand has got a complete list. */
  isConnected(): boolean {
    return this.#connectedSince !== undefined
  }

  isSynced(): boolean {
    return Deferred.isDoneUnsafe(this.#synced)
  }

  synced(): Effect.Effect<void> {
    return Deferred.await(this.#synced)
  }

  syncedOrFailed(): Effect.Effect<void, ApiError | E> {
    return Effect.suspend(() => (this.isSynced() ? Effect.void : Deferred.await(this.#firstOutcome)))
  }

  /** A complete list is in the store. */
  connected(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      this.#connectedSince = monotonicMillis(yield* Clock.Clock)
      this.#state = { connected: true, resourceMissing: false }
      this.#lastWarning = ""
      yield* Deferred.succeed(this.#synced, undefined)
      yield* Deferred.succeed(this.#firstOutcome, undefined)
    })
  }

  /** A session has failed. @returns when it is time for the next one, which begins with a list */
  failed(cause: Cause.Cause<Failure<E>>): Effect.Effect<void> {
    return Effect.clockWith((clock) => {
      const now = monotonicMillis(clock)
      const failure = failureOf(cause)
      const connectedMs = this.#connectedSince === undefined ? undefined : now - this.#connectedSince
      this.#connectedSince = undefined
      if (connectedMs !== undefined && connectedMs >= goodTimeMs) this.#failures = 0
      const isExpired = failure?._tag === "ApiError" && failure.reason._tag === "Expired"
      // At once, unless the list itself does not live long enough to be watched on.
      if (isExpired && connectedMs !== undefined && connectedMs >= shortSessionMs)
        return Effect.logDebug(`${this.#name}: listing anew: ${textOf(failure)}`)
      this.#failures++
      this.#remember(failure)
      return Effect.andThen(this.#tellFirstOutcome(cause), this.#backOff(cause))
    })
  }

  #remember(failure: Failure<E> | undefined): void {
    if (failure?._tag === "Refused") {
      this.#state = { connected: false, resourceMissing: false, guardError: failure.error }
      return
    }
    const resourceMissing = failure?.reason._tag === "NotFound" && failure.reason.resourceMissing
    this.#state = { connected: false, resourceMissing, lastError: failure }
  }

  #tellFirstOutcome(cause: Cause.Cause<Failure<E>>): Effect.Effect<unknown> {
    const failure = failureOf(cause)
    const isFinal = this.#failures === 1 && failure?._tag === "ApiError" && !isTransient(failure)
    return isFinal || this.#failures === attemptsBeforeFirstSync
      ? Deferred.failCause(
          this.#firstOutcome,
          Cause.map(cause, (each) => (each._tag === "Refused" ? each.error : each)),
        )
      : Effect.void
  }

  /** A warning for each new trouble, not for each attempt; a server that only asks for a moment (it starts) is none yet. */
  #backOff(cause: Cause.Cause<Failure<E>>): Effect.Effect<void> {
    return Effect.flatMap(Random.next, (random) => {
      const failure = failureOf(cause)
      const pauseMs = backoffMs(this.#failures, random, failure?._tag === "ApiError" ? failure : undefined)
      const trouble = textOf(failure?._tag === "Refused" ? failure.error : (failure ?? Cause.squash(cause)))
      const asksForAMoment = failure?._tag === "ApiError" && failure.reason._tag === "Throttled" && this.#failures === 1
      const log = asksForAMoment || trouble === this.#lastWarning ? Effect.logDebug : Effect.logWarning
      if (!asksForAMoment) this.#lastWarning = trouble
      const pause = `next attempt in ${(pauseMs / 1000).toFixed(1)} s`
      return Effect.andThen(log(`${this.#name}: ${trouble}; ${pause}`), Effect.sleep(pauseMs))
    })
  }
}
