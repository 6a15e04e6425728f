/**
 * The Syncer: from a look around to the running machinery. One pass (`syncOnce`) ends when everything is in step; `follow`
 * goes on until it is interrupted.
 */
import { Clock, Deferred, Duration, Effect, Schedule } from "effect"
import type { Scope } from "effect"
import { isTransient } from "../effects/api-error.ts"
import type { ApiError } from "../effects/api-error.ts"
import type { EventRecorder } from "../effects/event-recorder.ts"
import { makeEventRecorder } from "../effects/event-recorder.ts"
import type { HeldLease, LeaseHeld } from "../effects/leader-election.ts"
import { acquireLease } from "../effects/leader-election.ts"
import type { CrdPair } from "./crd-to-virtual.ts"
import { compareCrd, ensureCrd, foreignCrd, wantedPlurals } from "./crd-to-virtual.ts"
import type { Engine } from "./engine.ts"
import { makeEngine } from "./engine.ts"
import type { HostNamespaceMissing, OperatorMissing } from "./errors.ts"
import { LeaseLost } from "./errors.ts"
import type { IdentityGuard } from "./identity-guard.ts"
import { makeIdentityGuard, writeAnchor } from "./identity-guard.ts"
import type { OpenCaches } from "./open-caches.ts"
import { openCaches } from "./open-caches.ts"
import type { Change, ObjectReport } from "./report.ts"
import type { VersionNotServed } from "./rules/crd.ts"
import type { IdentityMismatch } from "./rules/identity.ts"
import {
  allowMassDeleteAnnotation,
  heldDeletionsAnnotation,
  highestVersionAnnotation,
  versionAnnotation,
  virtualClusterAnnotation,
} from "./rules/keys.ts"
import type { MassDeletion } from "./rules/mass-delete.ts"
import { expectedAnchor, identityOf, leaseName, takeSurvey } from "./survey.ts"
import type { Survey } from "./survey.ts"
import { contextOf } from "./target.ts"
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
}

export type SyncFailure =
  | ApiError
  | HostNamespaceMissing
  | IdentityMismatch
  | LeaseHeld
  | LeaseLost
  | MassDeletion
  | OperatorMissing
  | VersionNotServed

export interface SyncResult {
  readonly reports: ReadonlyArray<ObjectReport>
  readonly changes: ReadonlyArray<Change>
  /** Some objects were still waiting for somebody else's move when the time was over. */
  readonly timedOut: boolean
}

interface Session {
  readonly target: SyncTarget
  readonly options: SyncOptions
  readonly observer: SyncObserver
  readonly survey: Survey
  readonly lease: HeldLease
  readonly guard: IdentityGuard
  readonly events: EventRecorder
  readonly pairs: Map<string, CrdPair>
  /** Fails as soon as we must not go on. */
  readonly fatal: Deferred.Deferred<never, SyncFailure>
  /** Set while deletions are held back. */
  readonly held: { message: string }
  /** Changes are kept for the result of the first pass only. */
  readonly counting: { on: boolean }
}

const rfc3339 = (millis: number): string => new Date(millis).toISOString().replace(/\.\d+Z$/, "Z")

/** The identity first, then the Lease, and only then the first write. */
const begin = Effect.fnUntraced(function* (
  target: SyncTarget,
  options: SyncOptions,
  observer: SyncObserver,
  survey: Survey,
  wait: boolean,
): Effect.fn.Return<Session, SyncFailure, Scope.Scope> {
  const { clients, vcluster } = target
  const mismatch = identityOf(survey, vcluster)
  if (mismatch !== undefined && !options.acceptIdentity) return yield* mismatch
  yield* Effect.forEach(wantedPlurals(target.settings), (plural) => compareCrd(clients, plural, target.settings), {
    discard: true,
  })
  const expected = expectedAnchor(survey, vcluster)
  const guard = makeIdentityGuard({
    virtual: clients.virtual,
    uid: survey.virtualUid,
    expected,
    highest: mismatch === undefined ? survey.highestResourceVersion : undefined,
  })
  const held = { message: "" }
  const lease = yield* acquireLease({
    client: clients.host,
    namespace: vcluster.namespace,
    name: leaseName(vcluster),
    identity: options.identity,
    wait,
    onWaiting: (holder) => Effect.sync(() => observer.onWarning(`waiting: ${holder} is at work for this vCluster`)),
    annotations: () => ({
      [virtualClusterAnnotation]: survey.virtualUid,
      [highestVersionAnnotation]: guard.highest() ?? "",
      [heldDeletionsAnnotation]: held.message,
      [versionAnnotation]: options.version,
    }),
  })
  yield* writeAnchor(clients.virtual, expected).pipe(
    Effect.when(Effect.sync(() => mismatch !== undefined || survey.anchor === undefined)),
  )
  const events = yield* makeEventRecorder({
    client: clients.virtual,
    component: "vcluster-es",
    instance: options.identity,
  })
  const fatal = yield* Deferred.make<never, SyncFailure>()
  yield* lease.lost.pipe(
    Effect.andThen(Deferred.fail(fatal, new LeaseLost({ lease: `${vcluster.namespace}/${leaseName(vcluster)}` }))),
    Effect.forkScoped({ startImmediately: true }),
  )
  return {
    target,
    options,
    observer,
    survey,
    lease,
    guard,
    events,
    pairs: new Map(),
    fatal,
    held,
    counting: { on: true },
  }
})

const followCrd = Effect.fnUntraced(function* (session: Session, plural: string) {
  const { target, observer, pairs } = session
  if (!wantedPlurals(target.settings).includes(plural)) return
  const pair = yield* ensureCrd(target.clients, plural, target.settings)
  pairs.set(plural, pair)
  const foreign = foreignCrd(pair)
  if (foreign !== undefined)
    observer.onWarning(
      `CRD ${pair.host.metadata.name} in the virtual cluster was installed by somebody else (an External Secrets Operator of its own?); it is left alone${foreign.usable ? "" : `, but it does not serve ${pair.version}, so nothing of this kind can be synced`}`,
    )
})

const massDeleteAllowed = (session: Session) => (): boolean =>
  session.options.allowMassDelete ||
  session.lease.current().metadata.annotations?.[allowMassDeleteAnnotation] === "true"

interface Epoch {
  readonly engine: Engine
  readonly opened: OpenCaches
  readonly changes: ReadonlyArray<Change>
  /** Completes when the version of external-secrets.io that the host stores is another one: everything starts anew. */
  readonly outdated: Effect.Effect<void>
}

const openEpoch = Effect.fnUntraced(function* (session: Session): Effect.fn.Return<Epoch, SyncFailure, Scope.Scope> {
  const { target, observer, pairs } = session
  const clock = yield* Clock.Clock
  yield* Effect.forEach(wantedPlurals(target.settings), (plural) => followCrd(session, plural), { discard: true })
  const version = pairs.get("externalsecrets")?.version ?? "v1"
  const context = contextOf(target, session.survey.virtualUid, version, pairs, () =>
    rfc3339(clock.currentTimeMillisUnsafe()),
  )
  const outdated = yield* Deferred.make<void>()
  const changes: Array<Change> = []
  const opened = yield* openCaches({
    clients: target.clients,
    context,
    guard: session.guard,
    onGuardFailure: (error) =>
      error._tag === "IdentityMismatch" ? Effect.asVoid(Deferred.fail(session.fatal, error)) : Effect.void,
  })
  const engine = yield* makeEngine({
    clients: target.clients,
    context,
    opened,
    workers: session.options.workers,
    mayWrite: session.lease.isHeld,
    massDeleteAllowed: massDeleteAllowed(session),
    followCrd: (plural) =>
      followCrd(session, plural).pipe(
        Effect.andThen(
          Effect.suspend(() =>
            pairs.get("externalsecrets")?.version === version ? Effect.void : Deferred.succeed(outdated, undefined),
          ),
        ),
        Effect.asVoid,
      ),
    onChange: (change) => {
      if (session.counting.on) changes.push(change)
      observer.onChange(change)
    },
    notify: session.events.record,
    onFailure: (id, cause, attempts) => {
      // The first tries lose races that the next one wins (a cache behind by one event); what stays is worth a word.
      if (attempts === 4) observer.onWarning(`${id.replace("|", " ")}: ${cause}; trying again`)
    },
  })
  return { engine, opened, changes, outdated: Deferred.await(outdated) }
})

const isSettled = (report: ObjectReport): boolean => report.health !== "waiting"

const tellProgress = (session: Session, engine: Engine) => {
  const all = [...engine.reports.values()]
  session.observer.onProgress(all.filter(isSettled).length, all.length)
}

/** Until nothing is left to do for us, and nothing that we wait for is outstanding. */
const untilSettled = (session: Session, engine: Engine): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (;;) {
      yield* engine.idle
      tellProgress(session, engine)
      if ([...engine.reports.values()].every(isSettled)) return
      yield* engine.reportChanged
    }
  })

/** One pass. @param timeoutMs how long ESO may take to answer; what is not in step by then is reported as it stands */
export const syncOnce = Effect.fnUntraced(function* (
  target: SyncTarget,
  options: SyncOptions,
  observer: SyncObserver,
  timeoutMs: number,
): Effect.fn.Return<SyncResult, SyncFailure, Scope.Scope> {
  const survey = yield* takeSurvey(target.clients, target.vcluster)
  const session = yield* begin(target, options, observer, survey, false)
  const pass = Effect.gen(function* () {
    const { engine, opened, changes } = yield* openEpoch(session)
    yield* opened.synced
    const stop = engine.judgeMassDeletion()
    if (stop !== undefined) return yield* stop
    engine.resync()
    yield* Effect.forkScoped(engine.run, { startImmediately: true })
    const done = yield* untilSettled(session, engine).pipe(
      Effect.as(true),
      Effect.timeoutOrElse({ duration: Duration.millis(timeoutMs), orElse: () => Effect.succeed(false) }),
    )
    return { reports: [...engine.reports.values()], changes, timedOut: !done }
  })
  return yield* Effect.raceFirst(pass, Deferred.await(session.fatal))
})

const resyncEvery = Duration.minutes(10)
/** ESO may be down for long: then the first pass is told as it stands. */
const firstPassLimit = Duration.seconds(30)
const tryAgainEvery = Schedule.spaced(Duration.seconds(5))

const isPassing = (error: SyncFailure): boolean => error._tag === "ApiError" && isTransient(error)

/** A virtual cluster that is asleep, paused or on its way up is waited for (DESIGN §7). */
const awaken = (target: SyncTarget, observer: SyncObserver) =>
  takeSurvey(target.clients, target.vcluster).pipe(
    Effect.tapError((error) =>
      Effect.sync(() => {
        if (isPassing(error)) observer.onWarning(`${error.message}; waiting for it`)
      }),
    ),
    Effect.retry({ schedule: tryAgainEvery, while: isPassing }),
  )

/** Lets go of held deletions when the operator allows them, and says on the Lease what is held. */
const watchHeld = (session: Session, engine: Engine) =>
  Effect.sync(() => {
    const stop = engine.judgeMassDeletion()
    if (stop === undefined && session.held.message !== "") engine.resync()
    if (stop !== undefined && session.held.message === "")
      session.observer.onWarning(
        `${stop.message}; to allow it: kubectl annotate lease ${leaseName(session.target.vcluster)} -n ${session.target.vcluster.namespace} ${allowMassDeleteAnnotation}=true`,
      )
    session.held.message = stop === undefined ? "" : `${stop.wouldDelete}/${stop.managed}`
  }).pipe(Effect.repeat(Schedule.spaced(Duration.seconds(5))))

/**
 * For ever. @param onFirstPass called once: when everything is in step, or after half a minute with what is not yet
 */
export const follow = Effect.fnUntraced(function* (
  target: SyncTarget,
  options: SyncOptions,
  observer: SyncObserver,
  onFirstPass: (result: SyncResult) => Effect.Effect<void>,
): Effect.fn.Return<never, SyncFailure, Scope.Scope> {
  const survey = yield* awaken(target, observer)
  const session = yield* begin(target, options, observer, survey, true)
  let first = true
  const epoch = Effect.scoped(
    Effect.gen(function* () {
      const { engine, opened, changes, outdated } = yield* openEpoch(session)
      yield* opened.synced
      engine.resync()
      yield* Effect.forkScoped(engine.run, { startImmediately: true })
      yield* Effect.forkScoped(watchHeld(session, engine), { startImmediately: true })
      yield* Effect.forkScoped(Effect.repeat(Effect.sync(engine.resync), Schedule.spaced(resyncEvery)))
      const settled = untilSettled(session, engine).pipe(
        Effect.as(false),
        Effect.timeoutOrElse({ duration: firstPassLimit, orElse: () => Effect.succeed(true) }),
        Effect.flatMap((timedOut) => {
          session.counting.on = false
          return onFirstPass({ reports: [...engine.reports.values()], changes, timedOut })
        }),
      )
      if (first) yield* Effect.forkScoped(settled)
      first = false
      yield* outdated
      observer.onWarning("the version of external-secrets.io on the host has changed; starting anew with it")
    }),
  )
  const epochs = epoch.pipe(
    Effect.tapError((error) =>
      Effect.sync(() => {
        if (isPassing(error)) observer.onWarning(`${error.message}; trying again`)
      }),
    ),
    Effect.retry({ schedule: tryAgainEvery, while: isPassing }),
    Effect.forever,
  )
  return yield* Effect.raceFirst(epochs, Deferred.await(session.fatal))
})
