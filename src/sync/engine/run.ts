/**
 * What one run of the Syncer holds from its first look to its end: the identity of the virtual cluster, the Lease, and the
 * right to write that both give.
 */
import { Clock, Deferred, Duration, Effect, Schedule } from "effect"
import type { Scope } from "effect"
import { isTransient } from "../../effects/client/api-error.ts"
import type { ApiError } from "../../effects/client/api-error.ts"
import type { EventRecorder } from "../../effects/client/event-recorder.ts"
import { makeEventRecorder } from "../../effects/client/event-recorder.ts"
import { fencedClient } from "../../effects/client/fenced-client.ts"
import { retryThrottled } from "../../effects/client/retry-throttled.ts"
import { forkTask } from "../../effects/controller/supervision.ts"
import type { HeldLease, LeaseHeld } from "../../effects/leader-election/leader-election.ts"
import { acquireLease } from "../../effects/leader-election/leader-election.ts"
import { tookOverAsSeen } from "../../effects/leader-election/lease.ts"
import { monotonicMillis } from "../../effects/monotonic-time.ts"
import type { CrdPair } from "../kinds/custom-resource-definition/ensure.ts"
import type { CrdFollower } from "../kinds/custom-resource-definition/follower.ts"
import { makeCrdFollower } from "../kinds/custom-resource-definition/follower.ts"
import type { HostNamespaceMissing, OperatorMissing, VclusterGone } from "./errors.ts"
import { LeaseLost } from "./errors.ts"
import type { IdentityGuard } from "./identity-guard.ts"
import { makeIdentityGuard, writeAnchor } from "./identity-guard.ts"
import type { Change } from "./report.ts"
import type { CrdNotServed, VersionNotServed } from "../kinds/custom-resource-definition/to-virtual.ts"
import type { IdentityMismatch } from "./identity.ts"
import { namesVcluster } from "./identity.ts"
import {
  allowMassDeleteAnnotation,
  heldDeletionsAnnotation,
  highestVersionAnnotation,
  knownCrdsAnnotation,
  versionAnnotation,
  virtualClusterAnnotation,
} from "../tenancy/labels.ts"
import { ownedByService } from "../tenancy/ownership.ts"
import { services } from "../resources.ts"
import { orUndefined } from "../../effects/client/ignore-not-found.ts"
import type { MassDeletion } from "./mass-deletion.ts"
import { expectedAnchor, identityOf, leaseName, takeSurvey } from "./preflight.ts"
import type { Survey } from "./preflight.ts"
import type { SyncTarget } from "./target.ts"

export interface SyncOptions {
  /** Who we are, in the Lease: the pod's or the machine's name. */
  readonly identity: string
  /** Of this program; the Lease tells it to `status`. */
  readonly version: string
  readonly workers: number
  readonly allowMassDelete: boolean
  /** Go on although the virtual cluster is another one than before. */
  readonly acceptIdentity: boolean
}

/** What the one who runs us wants to hear while we work. */
export interface SyncObserver {
  readonly onChange: (change: Change) => void
  readonly onProgress: (settled: number, total: number) => void
  readonly onWarning: (message: string) => void
  /** Awaited before work on each object: while what was told before is not taken, nothing more is done. */
  readonly ready?: Effect.Effect<void>
}

export type SyncFailure =
  | ApiError
  | CrdNotServed
  | HostNamespaceMissing
  | IdentityMismatch
  | LeaseHeld
  | LeaseLost
  | VclusterGone
  | MassDeletion
  | OperatorMissing
  | VersionNotServed

export interface Session {
  /** Behind the Lease: its clients write no more when that is lost. */
  readonly target: SyncTarget
  readonly options: SyncOptions
  readonly observer: SyncObserver
  readonly survey: Survey
  readonly lease: HeldLease
  readonly guard: IdentityGuard
  readonly events: EventRecorder
  readonly pairs: Map<string, CrdPair>
  readonly crds: CrdFollower
  /** Fails as soon as we must not go on. */
  readonly fatal: Deferred.Deferred<never, SyncFailure>
  /** For whoever finds that the Lease is lost: fails {@link fatal}, and waits for the end. */
  readonly whenFenced: Effect.Effect<never>
  /** Set while deletions are held back. */
  readonly held: { message: string }
  /** Set when the deletions that the annotation on the Lease allowed are over. */
  readonly allowance: { spent: boolean }
  /** Changes are kept for the result of the first pass only. */
  readonly counting: { on: boolean }
}

const tryAgainEvery = Schedule.spaced(Duration.seconds(5))

/**
 * What is over by itself, or when somebody else has done their part: a cluster that is asleep, paused or on its way up, ESO
 * that is not installed, a version that is not served yet, a CRD that is being deleted (DESIGN §7).
 */
const isPassing = (error: SyncFailure): boolean =>
  error._tag === "OperatorMissing" ||
  error._tag === "CrdNotServed" ||
  (error._tag === "ApiError" &&
    (isTransient(error) || (error.reason._tag === "NotFound" && error.reason.resourceMissing)))

/** What is waited for by the one who follows; whoever makes one pass gives up. */
type Patience = <A>(effect: Effect.Effect<A, SyncFailure>) => Effect.Effect<A, SyncFailure>

/** Tells each new trouble once, and tries again until it is over. */
export const waitingFor = (observer: SyncObserver): Patience => {
  let told = ""
  return (effect) =>
    effect.pipe(
      Effect.tapError((error) =>
        Effect.sync(() => {
          if (!isPassing(error) || error.message === told) return
          told = error.message
          observer.onWarning(`${told}; waiting for it`)
        }),
      ),
      Effect.retry({ schedule: tryAgainEvery, while: isPassing }),
      Effect.tap(() =>
        Effect.sync(() => {
          told = ""
        }),
      ),
    )
}

/** What fails since the fence has fallen is not told: the run ends with the loss of the Lease. */
export const unlessFenced =
  (whenFenced: Effect.Effect<never>) =>
  <A, R>(effect: Effect.Effect<A, SyncFailure, R>): Effect.Effect<A, SyncFailure, R> =>
    Effect.catchReason(effect, "ApiError", "Fenced", () => whenFenced)

/** Is it all there? Both clusters answer, the virtual one is the right one, and ESO's CRDs are on the host. */
const lookAround = Effect.fnUntraced(function* (
  { clients, vcluster }: SyncTarget,
  acceptIdentity: boolean,
  crds: CrdFollower,
): Effect.fn.Return<Survey, SyncFailure> {
  // Asked at the same time, judged one after the other: what is wrong with the clusters is told before what is wrong with a CRD.
  const [survey, seen] = yield* Effect.all([takeSurvey(clients, vcluster), crds.see(clients)], { concurrency: 2 })
  const mismatch = identityOf(survey, vcluster)
  if (mismatch !== undefined && !acceptIdentity) return yield* mismatch
  // What was noted of another cluster says nothing about this one.
  crds.recall(mismatch === undefined ? survey.lease?.metadata.annotations?.[knownCrdsAnnotation] : undefined)
  yield* crds.judge(clients, seen)
  return survey
})

/** The owner of all that we put beside it: `helm uninstall` of the vCluster then takes the Lease along as well. */
const serviceOf = ({ clients, vcluster }: SyncTarget) => clients.host.get(services, vcluster).pipe(orUndefined)

/** As often in a row; more than that is somebody who goes on writing. */
const anchorRaces = 5

/**
 * Looks around, and leaves the anchor where none names us. What somebody else wrote there meanwhile is judged by another look.
 *
 * @param first what was seen already, where that counts
 */
const lookAndAnchor = (
  target: SyncTarget,
  acceptIdentity: boolean,
  crds: CrdFollower,
  first: Survey | undefined,
): Effect.Effect<Survey, SyncFailure> => {
  let seen = first
  return Effect.gen(function* () {
    const { clients, vcluster } = target
    const survey = seen ?? (yield* lookAround(target, acceptIdentity, crds))
    seen = undefined
    const { anchor } = survey
    if (identityOf(survey, vcluster) !== undefined || anchor === undefined || !namesVcluster(anchor))
      yield* retryThrottled(writeAnchor(clients.virtual, expectedAnchor(survey, vcluster), anchor))
    return survey
  }).pipe(
    Effect.retry({
      times: anchorRaces,
      while: (error) => error._tag === "ApiError" && error.reason._tag === "Conflict",
    }),
  )
}

/** A Lease that takes longer to get was waited for, or hard to come by: much may have happened meanwhile. Milliseconds. */
const atOnceMs = 5_000

/** The identity first, then the Lease, and only then the first write. */
export const begin = Effect.fnUntraced(function* (
  target: SyncTarget,
  options: SyncOptions,
  observer: SyncObserver,
  patience: Patience | undefined,
): Effect.fn.Return<Session, SyncFailure, Scope.Scope> {
  const { clients, vcluster } = target
  const patiently: Patience = patience ?? ((effect) => effect)
  const crds = makeCrdFollower(target.settings, options.version)
  const first = yield* patiently(Effect.suspend(() => lookAround(target, options.acceptIdentity, crds)))
  const clock = yield* Clock.Clock
  const lookedAt = monotonicMillis(clock)
  const held = { message: "" }
  const allowance = { spent: false }
  let known: { readonly survey: Survey; readonly guard: IdentityGuard } | undefined
  const lease = yield* acquireLease({
    client: clients.host,
    namespace: vcluster.namespace,
    name: leaseName(vcluster),
    identity: options.identity,
    wait: patience !== undefined,
    owners: serviceOf(target).pipe(Effect.map((service) => ownedByService(service, vcluster.namespace))),
    onWaiting: (holder) => Effect.sync(() => observer.onWarning(`waiting: ${holder} is at work for this vCluster`)),
    annotations: () => ({
      [versionAnnotation]: options.version,
      ...(known === undefined
        ? // What another syncer wrote since our look must stay: it is what we compare with next.
          first.knownUid === undefined
          ? { [virtualClusterAnnotation]: first.virtualUid }
          : {}
        : {
            [virtualClusterAnnotation]: known.survey.virtualUid,
            [highestVersionAnnotation]: known.guard.highest() ?? "",
            [heldDeletionsAnnotation]: held.message,
            [knownCrdsAnnotation]: crds.note(),
            ...(allowance.spent ? { [allowMassDeleteAnnotation]: "" } : {}),
          }),
    }),
  })
  const fatal = yield* Deferred.make<never, SyncFailure>()
  const leaseLost = Deferred.fail(fatal, new LeaseLost({ lease: `${vcluster.namespace}/${leaseName(vcluster)}` }))
  const whenFenced = Effect.andThen(leaseLost, Effect.never)
  yield* forkTask(
    "whoever waits for the loss of the Lease",
    Effect.matchCauseEffect(lease.lost, {
      onSuccess: () => leaseLost,
      onFailure: (cause) => Deferred.failCause(fatal, cause),
    }),
  )
  const fenced: SyncTarget = {
    ...target,
    clients: { host: fencedClient(clients.host, lease.isHeld), virtual: fencedClient(clients.virtual, lease.isHeld) },
  }
  // Another look, now that nobody else is at work: the Lease may have come after days of waiting. Not where it came at once, from nobody.
  const cameAtOnce =
    monotonicMillis(clock) - lookedAt <= atOnceMs && tookOverAsSeen(first.lease, lease.current(), options.identity)
  const looked = lookAndAnchor(fenced, options.acceptIdentity, crds, cameAtOnce ? first : undefined)
  const survey = yield* patiently(looked).pipe(unlessFenced(whenFenced), Effect.raceFirst(Deferred.await(fatal)))
  const mismatch = identityOf(survey, vcluster)
  const expected = expectedAnchor(survey, vcluster)
  const guard = makeIdentityGuard({
    virtual: clients.virtual,
    uid: survey.virtualUid,
    expected,
    highest: mismatch === undefined ? survey.highestResourceVersion : undefined,
  })
  guard.saw(survey.resourceVersion)
  known = { survey, guard }
  const events = yield* makeEventRecorder({
    client: fenced.clients.virtual,
    component: "vcluster-es",
    instance: options.identity,
  })
  return {
    target: fenced,
    options,
    observer,
    survey,
    lease,
    guard,
    events,
    pairs: new Map(),
    crds,
    fatal,
    whenFenced,
    held,
    allowance,
    counting: { on: true },
  }
})
