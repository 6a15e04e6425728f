/** What one process does to a Lease: look, take, give back. Requests about the Lease are urgent: they wait behind no other. */
import { type Clock, Effect } from "effect"
import type { ApiError } from "../client/api-error.ts"
import type { KubeClient } from "../client/kube-client.ts"
import type { KubeObject, OwnerReference } from "../client/kube-object.ts"
import { urgently } from "../transport/urgent.ts"
import { heldLease, leaseResource, newLease, releasedLease, withOwners } from "./lease.ts"
import { startStopwatch, type Stopwatch } from "./stopwatch.ts"

/** Between two tries, whatever the first one met. */
export const retryMs = 2_000

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

/** What all writes of one process share. */
export interface Candidate {
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

export interface Written {
  readonly lease: KubeObject
  /** Read before the request was sent: the renewal counts from there. */
  readonly since: Stopwatch
}

export const makeCandidate = (options: LeaseOptions, clock: Clock.Clock): Candidate => {
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
export const lostRace = (error: ApiError): boolean =>
  ["Conflict", "AlreadyExists", "NotFound"].includes(error.reason._tag)
