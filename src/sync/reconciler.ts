/**
 * Imperative shell of one key: decide, carry out, remember, report. Everything that decides is in the pure modules; this
 * one knows only the order: actions one after the other, and none after one that failed or was held.
 */
import { Effect } from "effect"
import type { ApiError } from "../effects/api-error.ts"
import type { KubeObject, ObjectKey } from "../effects/kube-object.ts"
import { splitKey } from "../effects/kube-object.ts"
import type { Caches } from "./caches.ts"
import type { SyncContext } from "./context.ts"
import type { Clients } from "./executor.ts"
import { carryOut, changeOf } from "./executor.ts"
import type { MassDeleteGate } from "./mass-delete-gate.ts"
import type { Change, ObjectReport } from "./report.ts"
import type { Action, Notice, Verdict } from "./rules/actions.ts"
import type { Refusal } from "./rules/refusals.ts"
import { refusalReasonOf, refusedWrite } from "./rules/refused-write.ts"
import type { Memory, SyncedKind } from "./synced-kind.ts"

export interface ReconcilerOptions {
  readonly clients: Clients
  readonly caches: Caches
  readonly context: SyncContext
  readonly gate: MassDeleteGate
  /** Whether we may write at all (the Lease). Asked before every write. */
  readonly mayWrite: () => boolean
  /** What the server stored, so that caches need not wait for their watch. */
  readonly observe: (action: Action, stored: KubeObject | undefined) => void
  readonly onChange: (change: Change) => void
  /** Called when a key's report is new or different; undefined: the key is none of our business any more. */
  readonly onReport: (id: string, report: ObjectReport | undefined) => void
  readonly notify: (notice: Notice) => void
}

export const reportOf = (kind: string, key: ObjectKey, verdict: Verdict): ObjectReport => {
  const { namespace, name } = splitKey(key)
  return { kind, ...(namespace === undefined ? {} : { namespace }), name, ...verdict }
}

const held = (message: string): Verdict => ({
  health: "waiting",
  reason: "MassDeletionHeld",
  message,
  fix: { text: "if that is meant, run again with --allow-mass-delete" },
})

export interface Reconciler {
  readonly reconcile: (kind: SyncedKind, key: ObjectKey) => Effect.Effect<void, ApiError>
}

export const makeReconciler = (options: ReconcilerOptions): Reconciler => {
  const { clients, caches, context, gate } = options
  const refusedWrites = new Map<string, Refusal>()

  const memoryOf = (id: string): Memory => ({ refusedWrite: refusedWrites.get(id) })

  const perform = Effect.fnUntraced(function* (id: string, action: Action) {
    if (!options.mayWrite()) return
    const stored = yield* carryOut(action, clients).pipe(
      Effect.tapError((error) =>
        Effect.sync(() => {
          const refusal = refusedWrite(action, error)
          if (refusal !== undefined) refusedWrites.set(id, refusal)
        }),
      ),
    )
    if (refusedWrites.get(id)?.reason === refusalReasonOf(action)) refusedWrites.delete(id)
    options.observe(action, stored)
    options.onChange(changeOf(action))
  }, Effect.uninterruptible)

  const reconcile = Effect.fnUntraced(function* (kind: SyncedKind, key: ObjectKey) {
    const id = `${kind.kind}|${key}`
    const { actions, verdict, notice } = kind.decide(key, caches, context, memoryOf(id))
    options.onReport(id, verdict === undefined ? undefined : reportOf(kind.kind, key, verdict))
    if (notice !== undefined) options.notify(notice)
    for (const action of actions) {
      if (action._tag === "Delete" && action.becauseAbsent) {
        const stop = yield* gate.admit(key)
        if (stop !== undefined) {
          options.onReport(id, reportOf(kind.kind, key, held(stop.message)))
          return
        }
      }
      yield* perform(id, action)
    }
  })

  return { reconcile }
}
