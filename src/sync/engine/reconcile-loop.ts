/**
 * The running machinery of one Syncer: the workers that take keys from the queue and have them reconciled. It is built for one epoch;
 * when ESO's CRDs change, the Syncer builds another.
 */
import { Cause, Context, Effect, Exit, Layer, Option } from "effect"
import { ApiError, isTransient } from "../../effects/client/api-error.ts"
import { runController } from "../../effects/controller/worker-pool.ts"
import { pluralOfCrd } from "../resources.ts"
import { Epoch } from "./epoch.ts"
import { KeptCaches } from "./informers.ts"
import { crdKind, KeyQueue } from "./key-queue.ts"
import type { MassDeletion } from "./mass-deletion.ts"
import { MassDeleteGates } from "./mass-deletion-gates.ts"
import { OwnerFence } from "./owner-fence.ts"
import { Reconciler, reportOf } from "./reconciler.ts"
import type { ObjectReport } from "./report.ts"
import { Reporter } from "./reporter.ts"
import { Reports } from "./reports.ts"
import { SyncOptions } from "./sync-options.ts"
import type { SyncedKind } from "./synced-kind.ts"
import { splitId } from "./work-id.ts"

interface Loop {
  readonly reports: ReadonlyMap<string, ObjectReport>
  /** Completes at the next change of a report (or at once, when one changed since it was last awaited). */
  readonly reportChanged: Effect.Effect<void>
  /** The mass deletion that has to be asked for, as things stand, whether or not it is allowed. */
  readonly massDeletion: () => MassDeletion | undefined
  /** Puts all keys into the queue, behind live changes. */
  readonly resync: () => void
  /** Works until interrupted. */
  readonly run: Effect.Effect<never>
  /** Completes when nothing is left to do, but for what fails in a way that does not pass by itself: that is reported. */
  readonly idle: Effect.Effect<void>
}

/** The first tries lose races that the next one wins (a cache behind by one event); what goes on failing is worth a word. */
const worthAWord = 4

/** A hint is not worth more tries, unless what keeps it passes by itself. */
const triesForHint = 5

/** A CRD that is gone, or going: ESO is being reinstalled. */
const isAwaited = ({ reason }: ApiError): boolean => reason._tag === "NotFound" && reason.resourceMissing

const passesByItself = (cause: Cause.Cause<unknown>): boolean => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  return Cause.hasInterruptsOnly(cause) || (error instanceof ApiError && (isTransient(error) || isAwaited(error)))
}

/** No server's word makes a key wait for longer: an hour is a mistake, or malice. */
const maxWaitMs = 60_000

/** A server that asks for patience gets it: the key waits in the queue, and no worker with it. */
const retryAfterMs = (cause: Cause.Cause<unknown>): number => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  return error instanceof ApiError && error.reason._tag === "Throttled"
    ? Math.min(error.reason.retryAfterMs, maxWaitMs)
    : 0
}

const makeReconcileLoop = Effect.gen(function* () {
  const { crdChanged } = yield* Epoch
  const { caches } = yield* KeptCaches
  const keys = yield* KeyQueue
  const gates = yield* MassDeleteGates
  const { whenFenced } = yield* OwnerFence
  const reconciler = yield* Reconciler
  const reports = yield* Reports
  const { onWarning, ready } = yield* Reporter
  const { workers } = yield* SyncOptions
  const { kindOf, queue, stuck } = keys

  const reconcileKey = (kind: SyncedKind, key: string) =>
    Effect.catchReason(reconciler.reconcile(kind, key), "ApiError", "Fenced", () => whenFenced)

  const giveHint = (kind: SyncedKind, id: string, key: string): Effect.Effect<void, unknown> => {
    keys.hinting(id)
    return reconcileKey(kind, key).pipe(
      Effect.catch((error) =>
        error instanceof ApiError && !isTransient(error) && queue.failures(id) >= triesForHint
          ? Effect.logDebug(`${id}: given up: ${error.message}`)
          : Effect.fail(error),
      ),
    )
  }

  const followCrd = (id: string, name: string) =>
    Effect.andThen(
      crdChanged(pluralOfCrd(name) ?? "", caches),
      Effect.sync(() => reports.set(id, undefined)),
    )

  const reconcileOne = (id: string): Effect.Effect<void, unknown> => {
    const { kind: name, key } = splitId(id)
    if (name === crdKind) return followCrd(id, key)
    const kind = kindOf(id)
    if (kind === undefined) return Effect.die(new Error(`no synced kind ${name}`))
    return kind.hint === undefined ? Effect.andThen(ready, reconcileKey(kind, key)) : giveHint(kind, id, key)
  }

  const reconcile = (id: string) =>
    Effect.onExit(
      Effect.suspend(() => reconcileOne(id)),
      (exit) =>
        Effect.sync(() => {
          if (Exit.isSuccess(exit) || passesByItself(exit.cause)) stuck.delete(id)
          else if (queue.failures(id) + 1 >= worthAWord) stuck.add(id)
        }),
    )

  const onError = (id: string, cause: string, attempts: number) => {
    if (attempts < worthAWord || kindOf(id)?.hint !== undefined) return
    if (attempts === worthAWord) onWarning(`${id.replace("|", " ")}: ${cause}; trying again`)
    // A refusal says more than the error behind it.
    if (reports.all.get(id)?.health === "refused") return
    const { kind, key } = splitId(id)
    reports.set(id, reportOf(kind, key, { health: "broken", reason: "SyncFailed", message: cause }))
  }

  return {
    reports: reports.all,
    reportChanged: reports.changed,
    massDeletion: gates.stop,
    resync: keys.resync,
    idle: keys.idle,
    run: runController({ queue, workers, reconcile, retryAfterMs, onError }),
  }
})

export class ReconcileLoop extends Context.Service<ReconcileLoop, Loop>()("vcluster-es/sync/engine/ReconcileLoop") {
  /** Does nothing before it is run. */
  static readonly layer = Layer.effect(ReconcileLoop, makeReconcileLoop)
}
