/** A Lease that was taken: renewed while it is ours, lost by time alone, given back. */
import { Cause, Effect, Option, Schedule } from "effect"
import type { KubeObject, OwnerReference } from "../client/kube-object.ts"
import { type Candidate, lostRace, retryMs, type Written } from "./candidate.ts"
import { readLease } from "./lease.ts"

/** A process that is told to end has 2 s for all of its finalizers; an unreleased Lease only makes the next one wait. */
const releaseLimitMs = 1_000

/** Whether an owner that the Lease bore is there still; one that bore none went with nobody. */
const isOwnedBySame = (lease: KubeObject, owners: ReadonlyArray<OwnerReference>): boolean => {
  const borne = lease.metadata.ownerReferences ?? []
  return borne.length === 0 || borne.some(({ uid }) => owners.some((owner) => owner.uid === uid))
}

/** The Lease after it was taken, and what time does to it. */
export const makeHolding = (candidate: Candidate, first: Written) => {
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
    Effect.retry(Schedule.spaced(Math.min(retryMs, renewMs))),
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
export const giveBack = (candidate: Candidate, known: KubeObject | undefined) => {
  const fresh = Effect.flatMap(candidate.look, (seen) =>
    seen !== undefined && readLease(seen).holder === candidate.options.identity
      ? Effect.asVoid(candidate.release(seen))
      : Effect.void,
  )
  const released = known === undefined ? fresh : Effect.catchIf(candidate.release(known), lostRace, () => fresh)
  return released.pipe(
    Effect.timeout(releaseLimitMs),
    Effect.catch((error) => Effect.logDebug(`lease not released: ${error.message}`)),
  )
}
