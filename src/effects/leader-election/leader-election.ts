/**
 * At most one process at work, by a Lease, as client-go's leader election does it.
 *
 * The server knows no fence by a Lease: a holder that is frozen and wakes up may still write once. So `isHeld` turns false by time
 * alone (`deadlineMs` after the last renewal, before others may take over at `leaseDurationMs`), and is asked before each
 * attempt of a write (`fenced-client.ts`). Requests about the Lease itself are urgent: they wait behind no other.
 */
import { Clock, Deferred, Effect, Schedule, Schema, type Scope } from "effect"
import { type ApiError, isTransient } from "../client/api-error.ts"
import type { KubeObject } from "../client/kube-object.ts"
import { retryThrottled } from "../client/retry-throttled.ts"
import { type Candidate, type LeaseOptions, lostRace, makeCandidate, retryMs, type Written } from "./candidate.ts"
import { giveBack, makeHolding } from "./holding.ts"
import { expiryOf, type LeaseState, readLease } from "./lease.ts"
import { startStopwatch, type Stopwatch } from "./stopwatch.ts"

/** Another process holds the Lease and its time has not run out. */
export class LeaseHeld extends Schema.TaggedError<LeaseHeld>()("LeaseHeld", {
  namespace: Schema.String,
  name: Schema.String,
  holder: Schema.String,
  /** RFC 3339, by the holder's clock. */
  renewTime: Schema.String,
  /** By our clock its time has run out: it is dead, or its clock is behind ours. */
  expired: Schema.Boolean,
}) {
  override get message(): string {
    return `lease ${this.namespace}/${this.name} is held by ${this.holder} (renewed at ${this.renewTime})`
  }
}

export interface HeldLease {
  /** False for ever from the moment the deadline has passed, or another holder was seen. */
  readonly isHeld: () => boolean
  /** Completes when `isHeld` has turned false; not by closing the scope. Dies with what ended the renewing otherwise. */
  readonly lost: Effect.Effect<void>
  /** As we last read or wrote it. */
  readonly current: () => KubeObject
}

/**
 * What passes for a difference between two clocks. A holder whose time has run out by no more than this by our clock may
 * be alive and merely behind: it is watched for one duration before the Lease is taken from it (as client-go always does).
 */
const toleratedSkewMs = 60_000

/** A write that lost a race is repeated on the fresh object this often before it counts as an error. */
const races = 5

/**
 * Whose Lease it is, over several looks. The first look trusts the holder's clock within bounds. After that a renewal that we saw
 * proves the holder alive whatever its clock says, and one that never came within the duration proves it gone.
 */
const makeObserver = ({ options, clock, leaseDurationMs }: Candidate) => {
  let seen: { readonly renewTime: string; readonly since: Stopwatch; readonly alive: boolean } | undefined
  return (lease: LeaseState): boolean => {
    if (lease.holder === "" || lease.holder === options.identity) return true
    const changed = seen !== undefined && seen.renewTime !== lease.renewTime
    if (seen === undefined || changed)
      seen = { renewTime: lease.renewTime, since: startStopwatch(clock), alive: changed }
    const silent = seen.since() >= (lease.leaseDurationMs ?? leaseDurationMs)
    const longGone = expiryOf(lease, leaseDurationMs) + toleratedSkewMs <= clock.currentTimeMillisUnsafe()
    return silent || (!seen.alive && longGone)
  }
}

/** Looks, and takes the Lease if it is free. */
const makeAttempt = (candidate: Candidate) => {
  const { namespace, name } = candidate.options
  const isFree = makeObserver(candidate)
  const attempt = Effect.gen(function* () {
    const seen = yield* candidate.look
    const lease = seen === undefined ? undefined : readLease(seen)
    if (lease !== undefined && !isFree(lease)) {
      const expired = expiryOf(lease, candidate.leaseDurationMs) <= candidate.clock.currentTimeMillisUnsafe()
      return yield* new LeaseHeld({ namespace, name, holder: lease.holder, renewTime: lease.renewTime, expired })
    }
    return yield* retryThrottled(candidate.take(seen, yield* candidate.owners))
  })
  return Effect.retry(attempt, { times: races, while: (error) => error._tag === "ApiError" && lostRace(error) })
}

/** Without waiting for a living holder; one that may be dead is watched for one duration. */
const takeNow = ({ leaseDurationMs }: Candidate, attempt: Effect.Effect<Written, ApiError | LeaseHeld>) =>
  Effect.retry(attempt, {
    schedule: Schedule.spaced(retryMs),
    times: Math.ceil(leaseDurationMs / retryMs),
    while: (error) => error._tag === "LeaseHeld" && error.expired,
  })

const waitUntilTaken = Effect.fnUntraced(function* (
  { options }: Candidate,
  attempt: Effect.Effect<Written, ApiError | LeaseHeld>,
) {
  let told = ""
  const onFailure = Effect.fnUntraced(function* (error: ApiError | LeaseHeld) {
    if (error._tag === "ApiError") {
      if (!isTransient(error)) return yield* error
      yield* Effect.logDebug(error.message)
    } else if (error.holder !== told) {
      told = error.holder
      yield* options.onWaiting?.(told) ?? Effect.void
    }
    return undefined
  })
  while (true) {
    const written = yield* attempt.pipe(Effect.catch(onFailure))
    if (written !== undefined) return written
    yield* Effect.sleep(retryMs)
  }
})

/**
 * Takes the Lease and keeps it until the scope closes, which gives it back (at most 1 s).
 *
 * Fails with {@link LeaseHeld} only if `wait` is false (one whose time has run out is watched for one duration first); with an `ApiError` if `wait` is false or waiting cannot heal it.
 * Races with other candidates are settled by `resourceVersion`.
 */
export const acquireLease = Effect.fnUntraced(function* (
  options: LeaseOptions,
): Effect.fn.Return<HeldLease, LeaseHeld | ApiError, Scope.Scope> {
  const candidate = makeCandidate(options, yield* Clock.Clock)
  let holding: ReturnType<typeof makeHolding> | undefined
  // Before the first write: an interruption during it may leave a Lease in our name behind.
  yield* Effect.addFinalizer(() => {
    if (holding !== undefined) return holding.isHeld() ? giveBack(candidate, holding.current()) : Effect.void
    return candidate.hasWritten() ? giveBack(candidate, undefined) : Effect.void
  })
  const attempt = makeAttempt(candidate)
  const taken = makeHolding(
    candidate,
    yield* options.wait ? waitUntilTaken(candidate, attempt) : takeNow(candidate, attempt),
  )
  holding = taken
  const lost = yield* Deferred.make<void>()
  yield* Effect.forkScoped(Deferred.into(taken.keep, lost), { startImmediately: true })
  return { isHeld: taken.isHeld, lost: Deferred.await(lost), current: taken.current }
})
