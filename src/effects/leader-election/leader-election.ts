/**
 * At most one process at work, by a Lease, as client-go's leader election does it.
 *
 * The server knows no fence by a Lease: a holder that is frozen and wakes up may still write once. So `isHeld` turns false by time
 * alone (`deadlineMs` after the last renewal, before others may take over at `leaseDurationMs`), and is asked before each
 * attempt of a write (`fenced-client.ts`). Requests about the Lease itself are urgent: they wait behind no other.
 */
import { Cause, Clock, Deferred, Effect, Option, Schedule, Schema, type Scope } from "effect"
import { type ApiError, isTransient } from "../client/api-error.ts"
import type { KubeClient } from "../client/kube-client.ts"
import type { KubeObject, OwnerReference } from "../client/kube-object.ts"
import { retryThrottled } from "../client/retry-throttled.ts"
import { urgently } from "../transport/urgent.ts"
import {
  expiryOf,
  heldLease,
  leaseResource,
  newLease,
  readLease,
  releasedLease,
  type LeaseState,
  withOwners,
} from "./lease.ts"

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

export interface LeaseOptions {
  readonly client: KubeClient
  readonly namespace: string
  readonly name: string
  /** Unique per process: a Lease with this holder is taken for our own. */
  readonly identity: string
  /** Asked at every write and merged into the annotations; a key with the value `""` is removed. */
  readonly annotations: () => Readonly<Record<string, string>>
  /** Only when the Lease is created. */
  readonly labels?: Readonly<Record<string, string>>
  /**
   * With whom the Lease goes. Asked when it is taken and when it is made anew; whoever may not ask or tell goes on without. A Lease that had
   * an owner is made anew only for the same one: otherwise it went with it, and is lost.
   */
  readonly owners?: Effect.Effect<ReadonlyArray<OwnerReference>, ApiError>
  /** After this time without a renewal others may take over. Default 15,000. */
  readonly leaseDurationMs?: number
  /** Default 5,000. */
  readonly renewMs?: number
  /** After this time without a renewal we give up; less than `leaseDurationMs`. Default 10,000. */
  readonly deadlineMs?: number
  /** Whether to wait until the Lease is free, also through errors that may pass; otherwise there is one look. */
  readonly wait: boolean
  /** Called once for every holder that is waited for. */
  readonly onWaiting?: (holder: string) => Effect.Effect<void>
}

export interface HeldLease {
  /** False for ever from the moment the deadline has passed, or another holder was seen. */
  readonly isHeld: () => boolean
  /** Completes when `isHeld` has turned false; not by closing the scope. Dies with what ended the renewing otherwise. */
  readonly lost: Effect.Effect<void>
  /** As we last read or wrote it. */
  readonly current: () => KubeObject
}

const RETRY_MS = 2_000
/** A process that is told to end has 2 s for all of its finalizers; an unreleased Lease only makes the next one wait. */
const RELEASE_LIMIT_MS = 1_000
/**
 * What passes for a difference between two clocks. A holder whose time has run out by no more than this by our clock may
 * be alive and merely behind: it is watched for one duration before the Lease is taken from it (as client-go always does).
 */
const TOLERATED_SKEW_MS = 60_000

/** A write that lost a race is repeated on the fresh object this often before it counts as an error. */
const RACES = 5

/** What all writes of one process share. */
interface Candidate {
  readonly options: LeaseOptions
  readonly clock: Clock.Clock
  readonly leaseDurationMs: number
  /** Whether a request to take the Lease was ever sent. */
  readonly hasWritten: () => boolean
  readonly look: Effect.Effect<KubeObject | undefined, ApiError>
  readonly owners: Effect.Effect<ReadonlyArray<OwnerReference>, ApiError>
  /** Without `owners`, those that it has stay. */
  readonly take: (
    seen: KubeObject | undefined,
    owners?: ReadonlyArray<OwnerReference>,
  ) => Effect.Effect<Written, ApiError>
  readonly release: (seen: KubeObject) => Effect.Effect<KubeObject, ApiError>
}

interface Written {
  readonly lease: KubeObject
  /** Read before the request was sent: the renewal counts from there. */
  readonly since: Stopwatch
}

type Stopwatch = () => number

/**
 * Milliseconds since now. The monotonic clock may stand still while the machine sleeps, the wall clock may be set back:
 * the larger of both never says that less time has passed than has.
 */
const startStopwatch = (clock: Clock.Clock): Stopwatch => {
  const wall = clock.currentTimeMillisUnsafe()
  const monotonic = clock.monotonicTimeNanosUnsafe()
  return () =>
    Math.max(clock.currentTimeMillisUnsafe() - wall, Number(clock.monotonicTimeNanosUnsafe() - monotonic) / 1e6)
}

const makeCandidate = (options: LeaseOptions, clock: Clock.Clock): Candidate => {
  const { client, namespace, name, identity, leaseDurationMs = 15_000 } = options
  let sent = false
  const written = () => ({
    identity,
    leaseDurationMs,
    annotations: options.annotations(),
    now: clock.currentTimeMillisUnsafe(),
  })
  const look: Candidate["look"] = client.get(leaseResource, { namespace, name }).pipe(
    Effect.catchReason("ApiError", "NotFound", () => Effect.undefined),
    urgently,
  )
  const owners = (options.owners ?? Effect.succeed([])).pipe(
    Effect.catchReason("ApiError", "Forbidden", () => Effect.succeed([])),
    urgently,
  )
  const write = (seen: KubeObject | undefined, bearing: ReadonlyArray<OwnerReference>) =>
    seen === undefined
      ? client.create(leaseResource, withOwners(newLease({ namespace, name }, options.labels, written()), bearing))
      : client.update(leaseResource, withOwners(heldLease(seen, written()), bearing))
  const take = Effect.fnUntraced(function* (
    seen: KubeObject | undefined,
    bearing: ReadonlyArray<OwnerReference> = [],
  ): Effect.fn.Return<Written, ApiError> {
    sent = true
    const since = startStopwatch(clock)
    const lease = yield* bearing.length === 0
      ? write(seen, [])
      : // Where owners are guarded (admission plugin OwnerReferencesPermissionEnforcement), a change of them needs the right to delete.
        Effect.catchReason(write(seen, bearing), "ApiError", "Forbidden", () => write(seen, []))
    return { lease, since }
  }, urgently)
  const release = (seen: KubeObject) =>
    urgently(Effect.suspend(() => client.update(leaseResource, releasedLease(seen, written()))))
  return { options, clock, leaseDurationMs, hasWritten: () => sent, look, owners, take, release }
}

/** Another write came first, or somebody created or deleted the Lease meanwhile: look again. */
const lostRace = (error: ApiError): boolean => ["Conflict", "AlreadyExists", "NotFound"].includes(error.reason._tag)

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
    const longGone = expiryOf(lease, leaseDurationMs) + TOLERATED_SKEW_MS <= clock.currentTimeMillisUnsafe()
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
  return Effect.retry(attempt, { times: RACES, while: (error) => error._tag === "ApiError" && lostRace(error) })
}

/** Without waiting for a living holder; one that may be dead is watched for one duration. */
const takeNow = ({ leaseDurationMs }: Candidate, attempt: Effect.Effect<Written, ApiError | LeaseHeld>) =>
  Effect.retry(attempt, {
    schedule: Schedule.spaced(RETRY_MS),
    times: Math.ceil(leaseDurationMs / RETRY_MS),
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
    yield* Effect.sleep(RETRY_MS)
  }
})

/** Whether an owner that the Lease bore is there still; one that bore none went with nobody. */
const isOwnedBySame = (lease: KubeObject, owners: ReadonlyArray<OwnerReference>): boolean => {
  const borne = lease.metadata.ownerReferences ?? []
  return borne.length === 0 || borne.some(({ uid }) => owners.some((owner) => owner.uid === uid))
}

/** The Lease after it was taken, and what time does to it. */
const makeHolding = (candidate: Candidate, first: Written) => {
  const { deadlineMs = 10_000, renewMs = 5_000, identity } = candidate.options
  let { lease, since } = first
  let lost = false
  const remaining = () => Math.max(0, deadlineMs - since())
  const isHeld = () => {
    lost ||= remaining() === 0
    return !lost
  }
  /** Undefined: somebody else holds the Lease, or it went with its owner, which no repetition heals. */
  const afterRace = Effect.fnUntraced(function* () {
    const seen = yield* candidate.look
    if (seen === undefined) {
      const owners = yield* candidate.owners
      return isOwnedBySame(lease, owners) ? yield* candidate.take(seen, owners) : undefined
    }
    lease = seen
    return readLease(seen).holder === identity ? yield* candidate.take(seen) : undefined
  })
  // A connection gone silent must not use up the whole time: at least two tries fit in.
  const renew = Effect.suspend(() => candidate.take(lease)).pipe(
    Effect.catchIf(lostRace, afterRace),
    Effect.timeout((deadlineMs - renewMs) / 2),
    Effect.tapError((error) => Effect.logDebug(`lease not renewed: ${error.message}`)),
    Effect.retry(Schedule.spaced(Math.min(RETRY_MS, renewMs))),
  )
  const keep = Effect.gen(function* () {
    while (isHeld()) {
      yield* Effect.sleep(Math.max(0, renewMs - since()))
      const written = yield* Effect.timeoutOption(renew, remaining())
      if (Option.isNone(written) || written.value === undefined) lost = true
      else if (isHeld()) ({ lease, since } = written.value)
    }
  })
  /** What nobody renews must not be taken for held. */
  const giveUp = Effect.sync(() => {
    lost = true
  })
  return {
    isHeld,
    keep: Effect.onError(Effect.orDie(keep), (cause) => (Cause.hasInterruptsOnly(cause) ? Effect.void : giveUp)),
    current: () => lease,
  }
}

/** Only what is still ours, and only for a short time: a process that is told to end must end. */
const giveBack = (candidate: Candidate, known: KubeObject | undefined) => {
  const fresh = Effect.flatMap(candidate.look, (seen) =>
    seen !== undefined && readLease(seen).holder === candidate.options.identity
      ? Effect.asVoid(candidate.release(seen))
      : Effect.void,
  )
  const released = known === undefined ? fresh : Effect.catchIf(candidate.release(known), lostRace, () => fresh)
  return released.pipe(
    Effect.timeout(RELEASE_LIMIT_MS),
    Effect.catch((error) => Effect.logDebug(`lease not released: ${error.message}`)),
  )
}

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
