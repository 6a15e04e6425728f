/**
 * Imperative shell of one key: decide, carry out, remember, report. Everything that decides is in the pure modules; this
 * one knows only the order: actions one after the other, and none after one that failed, was held or was braked.
 */
import { Effect } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import type { KubeObject, ObjectKey } from "../../effects/client/kube-object.ts"
import { LruMap } from "../../effects/controller/lru-cache.ts"
import { splitKey } from "../../effects/client/kube-object.ts"
import { orUndefined } from "../../effects/client/ignore-not-found.ts"
import type { ObjectRef } from "../../effects/client/kube-client.ts"
import { secrets } from "../resources.ts"
import { finishSent } from "../../effects/transport/finish-sent.ts"
import type { Caches } from "./caches.ts"
import type { SyncContext } from "./context.ts"
import type { Clients } from "./executor.ts"
import { carryOut, changeOf } from "./executor.ts"
import type { MassDeleteGate } from "./mass-deletion-guard.ts"
import type { Change, ObjectReport } from "./report.ts"
import type { Action, Notice, Verdict } from "./actions.ts"
import { standingOf } from "./actions.ts"
import type { Refusal } from "../tenancy/refusals.ts"
import { refusedWrite } from "./refused-write.ts"
import { refusalReasonOf } from "./synced-kind.ts"
import type { Memory, SyncedKind } from "./synced-kind.ts"
import type { Contested, WriteBrake } from "./write-limiter.ts"

export interface ReconcilerOptions {
  readonly clients: Clients
  readonly caches: Caches
  readonly context: SyncContext
  /** Of the kinds whose host copies go with their virtual objects. */
  readonly gateOf: (kind: string) => MassDeleteGate | undefined
  readonly brake: WriteBrake
  /** Whether the host serves objects of this plural, by the CRD that we know: only then is an absent one really absent. */
  readonly isKnownOnHost: (plural: string) => Effect.Effect<boolean, ApiError>
  /** What the server stored, so that caches need not wait for their watch. */
  readonly observe: (action: Action, stored: KubeObject | undefined) => void
  readonly onChange: (change: Change) => void
  /** How a key stands after a try that did not fail; undefined: it is none of our business any more. */
  readonly onReport: (id: string, report: ObjectReport | undefined) => void
  readonly notify: (notice: Notice) => void
}

export const reportOf = (kind: string, key: ObjectKey, verdict: Verdict): ObjectReport => {
  const { namespace, name } = splitKey(key)
  return { kind, ...(namespace === undefined ? {} : { namespace }), name, ...verdict }
}

const isDeletion = (action: Action): boolean => action._tag === "Delete"

const rememberedDeletions = 4096

/**
 * For the answer to a write that has left when we are told to stop. A process has two seconds to end; one of them is for giving
 * back the Lease. Milliseconds.
 */
const answerGraceMs = 800

const finishWrite = <A, E, R>(write: Effect.Effect<A, E, R>) => finishSent(write, answerGraceMs)

const held = (message: string): Verdict => ({
  health: "waiting",
  reason: "MassDeletionHeld",
  message,
  fix: { text: "if that is meant, run again with --allow-mass-delete" },
})

const secretIsThere: Verdict = {
  health: "waiting",
  reason: "SecretUnknown",
  message: "the Secret changes hands just now: it is there, and about to be seen",
}

const withoutEffect = (action: Action): Verdict => {
  const { kind, name } = changeOf(action)
  return {
    health: "broken",
    reason: "WriteWithoutEffect",
    message: `the ${action.side} API server takes our change of ${kind} ${name}, but does not keep it: its CRD, or an admission webhook, drops what it does not know`,
  }
}

/** A copy asks for a write only when its source has been read: that may be gone, or be what the copy holds already. */
const wasIdle = (action: Action, stored: KubeObject | undefined): boolean =>
  action._tag === "Copy" && (stored === undefined || stored === action.current)

/** undefined: the action makes or removes an object. */
const versionBefore = (action: Action): string | undefined => standingOf(action)?.metadata.resourceVersion

export interface Reconciler {
  readonly reconcile: (kind: SyncedKind, key: ObjectKey) => Effect.Effect<void, ApiError | Contested>
}

export const makeReconciler = (options: ReconcilerOptions): Reconciler => {
  const { clients, caches, context } = options
  const refusedWrites = new Map<string, Refusal>()
  /** By UID. What is deleted is gone or will be, though a cache may show it as it was for a while. */
  const deleted = new LruMap<string, true>(rememberedDeletions)

  const memoryOf = (id: string): Memory => ({ refusedWrite: refusedWrites.get(id) })

  /** @returns whether the server stored anything new, where it was asked to */
  const perform = Effect.fnUntraced(function* (kind: SyncedKind, id: string, action: Action) {
    const doomed = action._tag === "Delete" ? action.current.metadata.uid : undefined
    if (doomed !== undefined && deleted.get(doomed) === true) return true
    const write = carryOut(action, clients).pipe(
      Effect.tapError((error) =>
        Effect.sync(() => {
          const refusal = refusedWrite(kind, action, error)
          if (refusal !== undefined) refusedWrites.set(id, refusal)
        }),
      ),
    )
    const stored = yield* options.brake.allow(id, action, write)
    if (refusedWrites.get(id)?.reason === refusalReasonOf(kind, action)) refusedWrites.delete(id)
    if (doomed !== undefined) deleted.set(doomed, true)
    if (wasIdle(action, stored)) return true
    options.observe(action, stored)
    if (kind.hint === undefined) options.onChange(changeOf(action))
    return stored === undefined || stored.metadata.resourceVersion !== versionBefore(action)
  }, finishWrite)

  const isThere = (secret: ObjectRef) =>
    clients.virtual.get(secrets, secret, { metadataOnly: true }).pipe(
      orUndefined,
      Effect.map((found) => found !== undefined),
    )

  /** Nothing is left of the key on either side: a name that tenants come and go with must not stay with us for ever. */
  const forget = (kind: SyncedKind, id: string, key: ObjectKey) => {
    refusedWrites.delete(id)
    options.gateOf(kind.kind)?.forget(key)
  }

  const reconcile = Effect.fnUntraced(function* (kind: SyncedKind, key: ObjectKey) {
    const id = `${kind.kind}|${key}`
    const decision = kind.decide(key, caches, context, memoryOf(id))
    const { actions, verdict, notice, restsOnAbsent, restsOnAbsentSecret } = decision
    const isDoubtful =
      restsOnAbsent !== undefined && actions.some(isDeletion) && !(yield* options.isKnownOnHost(restsOnAbsent.plural))
    if (isDoubtful) {
      options.onReport(id, reportOf(kind.kind, key, restsOnAbsent.otherwise))
      return
    }
    if (restsOnAbsentSecret !== undefined && actions.some(isDeletion) && (yield* isThere(restsOnAbsentSecret))) {
      // The event that brings it into the one cache or the other brings the key back.
      if (verdict !== undefined) options.onReport(id, reportOf(kind.kind, key, secretIsThere))
      return
    }
    if (verdict === undefined && actions.length === 0) forget(kind, id, key)
    const report = verdict === undefined ? undefined : reportOf(kind.kind, key, verdict)
    // Of a refusal the writes that it brings may fail: it stands all the same.
    if (verdict?.health === "refused") options.onReport(id, report)
    if (notice !== undefined) options.notify(notice)
    const futile: Array<Action> = []
    for (const action of actions) {
      if (action._tag === "Delete" && action.becauseAbsent) {
        const stop = yield* options.gateOf(kind.kind)?.admit(key) ?? Effect.undefined
        if (stop !== undefined) {
          options.onReport(id, reportOf(kind.kind, key, held(stop.message)))
          return
        }
      }
      if (!(yield* perform(kind, id, action))) futile.push(action)
    }
    if (kind.hint !== undefined) return
    // Nothing changed, so nothing will bring the key back: without a word it would be waited for until a resync.
    const [first] = futile.length === actions.length ? futile : []
    options.onReport(id, first === undefined ? report : reportOf(kind.kind, key, withoutEffect(first)))
  })

  return { reconcile }
}
