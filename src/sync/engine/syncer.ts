/**
 * The Syncer: from a look around to the running machinery. One pass (`syncOnce`) ends when everything is in step; `follow`
 * goes on until it is interrupted.
 */
import { Clock, Deferred, Duration, Effect, Schedule } from "effect"
import type { Scope } from "effect"
import { forkLoop, forkTask, supervised } from "../../effects/controller/supervision.ts"
import { crdName, foreignCrd, wantedPlurals } from "../kinds/custom-resource-definition/ensure.ts"
import type { Engine } from "./controller.ts"
import { makeEngine } from "./controller.ts"
import type { OpenCaches } from "./informers.ts"
import { openCaches } from "./informers.ts"
import type { Change, ObjectReport } from "./report.ts"
import { allowMassDeleteAnnotation } from "../tenancy/labels.ts"
import type { Session, SyncFailure, SyncObserver, SyncOptions } from "./run.ts"
import { begin, unlessFenced, waitingFor } from "./run.ts"
import { leaseName } from "./preflight.ts"
import { fencedClient } from "../../effects/client/fenced-client.ts"
import { VclusterGone } from "./errors.ts"
import type { Caches } from "./caches.ts"
import type { SyncContext } from "./context.ts"
import { vclusterService } from "./vcluster-service.ts"
import { contextOf, isOutdated, rfc3339 } from "./target.ts"
import type { SyncTarget } from "./target.ts"

export interface SyncResult {
  readonly reports: ReadonlyArray<ObjectReport>
  readonly changes: ReadonlyArray<Change>
  /** Some objects were still waiting for somebody else's move when the time was over. */
  readonly timedOut: boolean
}

/** @param waits for one that is being deleted: whoever is told when it is gone (by a cache) need not */
const followCrd = Effect.fnUntraced(function* (session: Session, plural: string, waits: boolean) {
  const { target, observer, pairs, crds } = session
  const { clients, settings } = target
  if (!wantedPlurals(settings).includes(plural) || !session.lease.isHeld()) return
  const before = pairs.get(plural)
  const pair = yield* waits ? crds.ensure(clients, plural) : crds.keep(clients, plural)
  pairs.set(plural, pair)
  const foreign = foreignCrd(pair)
  const isTold = before !== undefined && foreign?.usable === foreignCrd(before)?.usable
  if (foreign !== undefined && !isTold)
    observer.onWarning(
      `CRD ${pair.host.metadata.name} in the virtual cluster was installed by somebody else (an External Secrets Operator of its own?); it is left alone${foreign.usable ? "" : `, but it does not serve ${pair.version}, so nothing of this kind can be synced`}`,
    )
})

const allowedOnLease = (session: Session): boolean =>
  session.lease.current().metadata.annotations?.[allowMassDeleteAnnotation] === "true"

const massDeleteAllowed = (session: Session) => (): boolean =>
  session.options.allowMassDelete || allowedOnLease(session)

/**
 * Whether the vCluster's Service, which owns the Lease and all of ours, is gone or another one: the vCluster is being uninstalled, or installed anew
 * under its name. What we wrote now would have no owner and stay for ever, or be the old tenant's in the new one's place.
 */
const isOrphaned = (session: Session, context: SyncContext, caches: Caches): boolean => {
  const owners = session.lease.current().metadata.ownerReferences ?? []
  const service = vclusterService(caches, context)
  return owners.length > 0 && !owners.some(({ uid }) => uid === service?.metadata.uid)
}

interface Epoch {
  readonly engine: Engine
  readonly opened: OpenCaches
  readonly changes: Array<Change>
  /** Completes when the host's CRDs are others, in the version that is stored or in a schema: everything starts anew. */
  readonly outdated: Effect.Effect<void>
}

const openEpoch = Effect.fnUntraced(function* (session: Session): Effect.fn.Return<Epoch, SyncFailure, Scope.Scope> {
  const { target, observer, pairs } = session
  const clock = yield* Clock.Clock
  yield* Effect.forEach(wantedPlurals(target.settings), (plural) => followCrd(session, plural, true), {
    concurrency: "unbounded",
    discard: true,
  })
  const built = new Map(pairs)
  const version = built.get("externalsecrets")?.version ?? "v1"
  const context = contextOf(target, session.survey.virtualUid, version, built, () =>
    rfc3339(clock.currentTimeMillisUnsafe()),
  )
  const outdated = yield* Deferred.make<void>()
  const changes: Array<Change> = []
  const opened = yield* openCaches({
    clients: target.clients,
    context,
    guard: session.guard,
    onHintsMissing: (error) => {
      if (error._tag === "ApiError")
        observer.onWarning(`ESO's events are not shown in the virtual cluster: ${error.message}`)
    },
    onRefused: observer.onWarning,
    onGuardFailure: (error) =>
      error._tag === "IdentityMismatch" ? Effect.asVoid(Deferred.fail(session.fatal, error)) : Effect.void,
  })
  /** A cache that is behind shows what is to come: then the next event leads here again. */
  const isKnown = (plural: string) => {
    const { hostCrds, virtualCrds } = opened.caches
    const name = crdName(plural)
    return session.crds.isKnown(plural, { host: hostCrds.get(name), virtual: virtualCrds.get(name) })
  }
  const { name, namespace } = target.vcluster
  const gone = Effect.andThen(
    Deferred.fail(session.fatal, new VclusterGone({ service: `${namespace}/${name}` })),
    Effect.never,
  )
  const isOwned = () => !isOrphaned(session, context, opened.caches)
  const { host, virtual } = target.clients
  const engine = yield* makeEngine({
    clients: { host: fencedClient(host, isOwned), virtual: fencedClient(virtual, isOwned) },
    context,
    opened,
    workers: session.options.workers,
    whenFenced: Effect.suspend(() => (isOwned() ? session.whenFenced : gone)),
    massDeleteAllowed: massDeleteAllowed(session),
    hostCrdUid: (plural) => pairs.get(plural)?.host.metadata.uid,
    followCrd: (plural) =>
      Effect.suspend(() => (isKnown(plural) ? Effect.void : followCrd(session, plural, false))).pipe(
        unlessFenced(session.whenFenced),
        Effect.andThen(
          Effect.suspend(() => (isOutdated(built, pairs) ? Deferred.succeed(outdated, undefined) : Effect.void)),
        ),
        Effect.asVoid,
      ),
    onChange: (change) => {
      if (session.counting.on) changes.push(change)
      observer.onChange(change)
    },
    ready: observer.ready ?? Effect.void,
    notify: session.events.record,
    onFailure: (id, cause) => observer.onWarning(`${id.replace("|", " ")}: ${cause}; trying again`),
  })
  yield* opened.start(engine.listener)
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
  const session = yield* begin(target, options, observer, undefined)
  const pass = Effect.gen(function* () {
    const { engine, opened, changes } = yield* openEpoch(session)
    yield* opened.synced
    const stop = engine.massDeletion()
    if (stop !== undefined && !massDeleteAllowed(session)()) return yield* stop
    session.allowance.spent = stop !== undefined
    engine.resync()
    yield* forkLoop("the workers", engine.run)
    const done = yield* untilSettled(session, engine).pipe(
      Effect.as(true),
      Effect.timeoutOrElse({ duration: Duration.millis(timeoutMs), orElse: () => Effect.succeed(false) }),
    )
    return { reports: [...engine.reports.values()], changes, timedOut: !done }
  })
  return yield* Effect.raceFirst(unlessFenced(session.whenFenced)(pass), Deferred.await(session.fatal))
}, supervised)

const resyncEvery = Duration.minutes(10)
/** ESO may be down for long: then the first pass is told as it stands. */
const firstPassLimit = Duration.seconds(30)

/**
 * Lets go of held deletions when the operator allows them, and says on the Lease what is held. The allowance is for these
 * deletions, not for all that will ever come: once they are over, it is taken off the Lease.
 */
const watchHeld = (session: Session, engine: Engine) => {
  let letGo = false
  const look = () => {
    const { held, allowance, target, observer } = session
    const pending = engine.massDeletion()
    const allowed = massDeleteAllowed(session)()
    if (pending !== undefined && allowed && !letGo) engine.resync()
    if (pending !== undefined && !allowed && held.message === "")
      observer.onWarning(
        `${pending.message}; to allow it: kubectl annotate lease ${leaseName(target.vcluster)} -n ${target.vcluster.namespace} ${allowMassDeleteAnnotation}=true`,
      )
    allowance.spent = allowedOnLease(session) && letGo && pending === undefined
    letGo = allowed && (letGo || pending !== undefined)
    held.message = pending === undefined || allowed ? "" : `${pending.wouldDelete}/${pending.managed}`
  }
  return Effect.repeat(Effect.sync(look), Schedule.spaced(Duration.seconds(5)))
}

/**
 * For ever. @param onFirstPass called once: when everything is in step, or after half a minute with what is not yet
 */
export const follow = Effect.fnUntraced(function* (
  target: SyncTarget,
  options: SyncOptions,
  observer: SyncObserver,
  onFirstPass: (result: SyncResult) => Effect.Effect<void>,
): Effect.fn.Return<never, SyncFailure, Scope.Scope> {
  const patience = waitingFor(observer)
  const session = yield* begin(target, options, observer, patience)
  let first = true
  const tellFirstPass = ({ engine, changes }: Epoch) =>
    untilSettled(session, engine).pipe(
      Effect.as(false),
      Effect.timeoutOrElse({ duration: firstPassLimit, orElse: () => Effect.succeed(true) }),
      Effect.flatMap((timedOut) => {
        first = false
        session.counting.on = false
        // Thousands of them: nobody reads them after this.
        const result = { reports: [...engine.reports.values()], changes: changes.splice(0), timedOut }
        return onFirstPass(result)
      }),
    )
  const epoch = Effect.scoped(
    Effect.gen(function* () {
      const opened = yield* openEpoch(session)
      const { engine } = opened
      yield* opened.opened.synced
      engine.resync()
      yield* forkLoop("the workers", engine.run)
      yield* forkLoop("the watch over held deletions", watchHeld(session, engine))
      yield* forkLoop("the resync", Effect.repeat(Effect.sync(engine.resync), Schedule.spaced(resyncEvery)))
      if (first) yield* forkTask("the report of the first pass", tellFirstPass(opened))
      yield* opened.outdated
      observer.onWarning(
        "the version or the schema of external-secrets.io on the host has changed; starting anew with it",
      )
    }),
  )
  const epochs = Effect.forever(patience(unlessFenced(session.whenFenced)(epoch)))
  return yield* Effect.raceFirst(epochs, Deferred.await(session.fatal))
}, supervised)
