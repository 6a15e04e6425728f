/**
 * The Syncer: from a look around to the running machinery. One pass (`syncOnce`) ends when everything is in step; `follow`
 * goes on until it is interrupted.
 */
import { Duration, Effect, Layer, Ref, Schedule } from "effect"
import { forkLoop, forkTask, supervised } from "../../effects/controller/supervision.ts"
import { allowMassDeleteAnnotation } from "../tenancy/labels.ts"
import type { ClientServices } from "./clients.ts"
import type { Engine } from "./controller.ts"
import { openEpoch } from "./epoch.ts"
import type { SyncFailure } from "./errors.ts"
import { FollowedCrds } from "./followed-crds.ts"
import { Leadership, unlessFenced, whileLeading } from "./leadership.ts"
import { Patience } from "./patience.ts"
import { leaseName } from "./preflight.ts"
import type { Registry } from "./registry.ts"
import type { Change, ObjectReport, SyncResult } from "./report.ts"
import { Reporter } from "./reporter.ts"
import type { SyncOptions } from "./sync-options.ts"
import type { ActivePolicy } from "./target.ts"
import { VclusterTarget } from "./target.ts"
import { TenantEvents } from "./tenant-events.ts"
import { VirtualIdentity } from "./virtual-identity.ts"

/** What a Syncer is made of. */
export type SyncServices = ActivePolicy | ClientServices | Registry | Reporter | SyncOptions | VclusterTarget

/**
 * What one run holds from its first look to its end, in the order in which it is taken: the right to write, clients that have no
 * other, the identity of the virtual cluster. Each run has its own: nothing of it is shared by two vClusters of one process.
 */
const run = TenantEvents.layer.pipe(
  Layer.provideMerge(VirtualIdentity.layer),
  Layer.provideMerge(Leadership.fencedClients),
  Layer.provideMerge(Leadership.layer),
  Layer.provideMerge(FollowedCrds.layer),
)
const provideRun = Effect.provide(run, { local: true })

const isSettled = (report: ObjectReport): boolean => report.health !== "waiting"

/** Until nothing is left to do for us, and nothing that we wait for is outstanding. */
const untilSettled = (engine: Engine): Effect.Effect<void, never, Reporter> =>
  Effect.gen(function* () {
    const { onProgress } = yield* Reporter
    for (;;) {
      yield* engine.idle
      const all = [...engine.reports.values()]
      onProgress(all.filter(isSettled).length, all.length)
      if (all.every(isSettled)) return
      yield* engine.reportChanged
    }
  })

/** What the first pass has brought: its changes are kept for its result, and no later ones. */
const makeFirstPass = Effect.map(Reporter, (reporter) => {
  const changes: Array<Change> = []
  let isOver = false
  const onChange = (change: Change) => {
    if (!isOver) changes.push(change)
    reporter.onChange(change)
  }
  return {
    isOver: () => isOver,
    end: (engine: Engine, timedOut: boolean): SyncResult => {
      isOver = true
      return { reports: [...engine.reports.values()], changes, timedOut }
    },
    reporter: { ...reporter, onChange },
  }
})

/** @returns whether everything was in step in time */
const settledWithin = (engine: Engine, limit: Duration.Input) =>
  untilSettled(engine).pipe(
    Effect.as(true),
    Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.succeed(false) }),
  )

const onePass = Effect.fnUntraced(function* (timeoutMs: number) {
  const leadership = yield* Leadership
  const firstPass = yield* makeFirstPass
  const { engine, synced } = yield* Effect.provideService(openEpoch, Reporter, firstPass.reporter)
  yield* synced
  const stop = engine.massDeletion()
  if (stop !== undefined && !leadership.massDeleteAllowed()) return yield* stop
  yield* Ref.set(leadership.allowanceSpent, stop !== undefined)
  engine.resync()
  yield* forkLoop("the workers", engine.run)
  return firstPass.end(engine, !(yield* settledWithin(engine, Duration.millis(timeoutMs))))
})

/** One pass. @param timeoutMs how long ESO may take to answer; what is not in step by then is reported as it stands */
export const syncOnce = (timeoutMs: number): Effect.Effect<SyncResult, SyncFailure, SyncServices> =>
  whileLeading(Effect.scoped(onePass(timeoutMs))).pipe(provideRun, Effect.provide(Patience.none), supervised)

const resyncEvery = Duration.minutes(10)
/** ESO may be down for long: then the first pass is told as it stands. */
const firstPassLimit = Duration.seconds(30)

/**
 * Lets go of held deletions when the operator allows them, and says on the Lease what is held. The allowance is for these
 * deletions, not for all that will ever come: once they are over, it is taken off the Lease.
 */
const watchHeld = Effect.fnUntraced(function* (engine: Engine) {
  const { allowanceSpent, heldDeletions, massDeleteAllowed, massDeleteAllowedOnLease } = yield* Leadership
  const { onWarning } = yield* Reporter
  const { vcluster } = yield* VclusterTarget
  let letGo = false
  const look = Effect.gen(function* () {
    const pending = engine.massDeletion()
    const allowed = massDeleteAllowed()
    if (pending !== undefined && allowed && !letGo) engine.resync()
    if (pending !== undefined && !allowed && (yield* Ref.get(heldDeletions)) === "")
      onWarning(
        `${pending.message}; to allow it: kubectl annotate lease ${leaseName(vcluster)} -n ${vcluster.namespace} ${allowMassDeleteAnnotation}=true`,
      )
    yield* Ref.set(allowanceSpent, massDeleteAllowedOnLease() && letGo && pending === undefined)
    letGo = allowed && (letGo || pending !== undefined)
    yield* Ref.set(heldDeletions, pending === undefined || allowed ? "" : `${pending.wouldDelete}/${pending.managed}`)
  })
  return yield* Effect.repeat(look, Schedule.spaced(Duration.seconds(5)))
})

const followOn = Effect.gen(function* () {
  const reporter = yield* Reporter
  const { patiently } = yield* Patience
  const { whenFenced } = yield* Leadership
  const firstPass = yield* makeFirstPass
  const tellFirstPass = (engine: Engine) =>
    Effect.flatMap(settledWithin(engine, firstPassLimit), (inTime) =>
      Effect.suspend(() => reporter.onFirstPass(firstPass.end(engine, !inTime))),
    )
  const epoch = Effect.scoped(
    Effect.gen(function* () {
      const { engine, synced, outdated } = yield* openEpoch
      yield* synced
      engine.resync()
      yield* forkLoop("the workers", engine.run)
      yield* forkLoop("the watch over held deletions", watchHeld(engine))
      yield* forkLoop("the resync", Effect.repeat(Effect.sync(engine.resync), Schedule.spaced(resyncEvery)))
      if (!firstPass.isOver()) yield* forkTask("the report of the first pass", tellFirstPass(engine))
      yield* outdated
      reporter.onWarning(
        "the version or the schema of external-secrets.io on the host has changed; starting anew with it",
      )
    }),
  ).pipe(Effect.provideService(Reporter, firstPass.reporter))
  return yield* Effect.forever(patiently(unlessFenced(whenFenced)(epoch)))
})

/** For ever. */
export const follow: Effect.Effect<never, SyncFailure, SyncServices> = whileLeading(followOn).pipe(
  provideRun,
  Effect.provide(Patience.unlimited),
  supervised,
)
