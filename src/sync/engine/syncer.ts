/**
 * The Syncer: from a look around to the running machinery. One pass (`syncOnce`) ends when everything is in step; `follow`
 * goes on until it is interrupted.
 */
import { Duration, Effect, Layer, Ref, Schedule } from "effect"
import { forkLoop, forkTask, supervised } from "../../effects/controller/supervision.ts"
import { allowMassDeleteAnnotation } from "../tenancy/labels.ts"
import type { ClientServices } from "./clients.ts"
import { Epoch } from "./epoch.ts"
import type { SyncFailure } from "./errors.ts"
import { FollowedCrds } from "./followed-crds.ts"
import { Informers } from "./informers.ts"
import { Leadership, unlessFenced, whileLeading } from "./leadership.ts"
import { withMachinery } from "./machinery.ts"
import { Patience } from "./patience.ts"
import { leaseName } from "./preflight.ts"
import { ReconcileLoop } from "./reconcile-loop.ts"
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
const untilSettled = (loop: ReconcileLoop["Service"]): Effect.Effect<void, never, Reporter> =>
  Effect.gen(function* () {
    const { onProgress } = yield* Reporter
    for (;;) {
      yield* loop.idle
      const all = [...loop.reports.values()]
      onProgress(all.filter(isSettled).length, all.length)
      if (all.every(isSettled)) return
      yield* loop.reportChanged
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
    end: (loop: ReconcileLoop["Service"], timedOut: boolean): SyncResult => {
      isOver = true
      // Thousands of them: nobody reads them after this.
      return { reports: [...loop.reports.values()], changes: changes.splice(0), timedOut }
    },
    reporter: { ...reporter, onChange },
  }
})

type FirstPass = Effect.Success<typeof makeFirstPass>

/** @returns whether everything was in step in time */
const settledWithin = (loop: ReconcileLoop["Service"], limit: Duration.Input) =>
  untilSettled(loop).pipe(
    Effect.as(true),
    Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.succeed(false) }),
  )

const onePass = Effect.fnUntraced(function* (firstPass: FirstPass, timeoutMs: number) {
  const { allowanceSpent, massDeleteAllowed } = yield* Leadership
  const loop = yield* ReconcileLoop
  const { synced } = yield* Informers
  yield* synced
  const stop = loop.massDeletion()
  if (stop !== undefined && !massDeleteAllowed()) return yield* stop
  yield* Ref.set(allowanceSpent, stop !== undefined)
  loop.resync()
  yield* forkLoop("the workers", loop.run)
  return firstPass.end(loop, !(yield* settledWithin(loop, Duration.millis(timeoutMs))))
}, Effect.scoped)

/** One pass. @param timeoutMs how long ESO may take to answer; what is not in step by then is reported as it stands */
export const syncOnce = (timeoutMs: number): Effect.Effect<SyncResult, SyncFailure, SyncServices> =>
  Effect.flatMap(makeFirstPass, (firstPass) =>
    whileLeading(withMachinery(onePass(firstPass, timeoutMs))).pipe(
      Effect.provideService(Reporter, firstPass.reporter),
    ),
  ).pipe(provideRun, Effect.provide(Patience.none), supervised)

const resyncEvery = Duration.minutes(10)
/** ESO may be down for long: then the first pass is told as it stands. */
const firstPassLimit = Duration.seconds(30)

/**
 * Lets go of held deletions when the operator allows them, and says on the Lease what is held. The allowance is for these
 * deletions, not for all that will ever come: once they are over, it is taken off the Lease.
 */
const watchHeld = Effect.fnUntraced(function* (loop: ReconcileLoop["Service"]) {
  const { allowanceSpent, heldDeletions, massDeleteAllowed, massDeleteAllowedOnLease } = yield* Leadership
  const { onWarning } = yield* Reporter
  const { vcluster } = yield* VclusterTarget
  let letGo = false
  const look = Effect.gen(function* () {
    const pending = loop.massDeletion()
    const allowed = massDeleteAllowed()
    if (pending !== undefined && allowed && !letGo) loop.resync()
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

const oneEpoch = Effect.fnUntraced(function* (firstPass: FirstPass) {
  const { outdated } = yield* Epoch
  const loop = yield* ReconcileLoop
  const { synced } = yield* Informers
  const { onFirstPass, onWarning } = yield* Reporter
  const tellFirstPass = Effect.flatMap(settledWithin(loop, firstPassLimit), (inTime) =>
    Effect.suspend(() => onFirstPass(firstPass.end(loop, !inTime))),
  )
  yield* synced
  loop.resync()
  yield* forkLoop("the workers", loop.run)
  yield* forkLoop("the watch over held deletions", watchHeld(loop))
  yield* forkLoop("the resync", Effect.repeat(Effect.sync(loop.resync), Schedule.spaced(resyncEvery)))
  if (!firstPass.isOver()) yield* forkTask("the report of the first pass", tellFirstPass)
  yield* outdated
  onWarning("the version or the schema of external-secrets.io on the host has changed; starting anew with it")
}, Effect.scoped)

const followOn = Effect.gen(function* () {
  const { patiently } = yield* Patience
  const { whenFenced } = yield* Leadership
  const firstPass = yield* makeFirstPass
  const epoch = withMachinery(oneEpoch(firstPass)).pipe(
    unlessFenced(whenFenced),
    Effect.provideService(Reporter, firstPass.reporter),
  )
  return yield* Effect.forever(patiently(epoch))
})

/** For ever. */
export const follow: Effect.Effect<never, SyncFailure, SyncServices> = whileLeading(followOn).pipe(
  provideRun,
  Effect.provide(Patience.unlimited),
  supervised,
)
