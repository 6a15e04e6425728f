/**
 * Imperative shell of one key: decide, carry out, remember, report. Everything that decides is in the pure modules; this
 * one knows only the order: actions one after the other, and none after one that failed, was held or was braked.
 */
import { Clock, Context, Effect, Layer } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import type { KubeObject, ObjectKey } from "../../effects/client/kube-object.ts"
import { LruMap } from "../../effects/controller/lru-cache.ts"
import { splitKey } from "../../effects/client/kube-object.ts"
import { orUndefined } from "../../effects/client/ignore-not-found.ts"
import type { ObjectRef } from "../../effects/client/kube-client.ts"
import { secrets } from "../resources.ts"
import { finishSent } from "../../effects/transport/finish-sent.ts"
import { monotonicMillis } from "../../effects/monotonic-time.ts"
import { bothClients } from "./clients.ts"
import { makeConfirmations } from "./confirmations.ts"
import { Epoch } from "./epoch.ts"
import { contestOver, makeContests } from "./contests.ts"
import { carryOut, changeOf } from "./executor.ts"
import { KeptCaches } from "./informers.ts"
import { KeyQueue } from "./key-queue.ts"
import { MassDeleteGates } from "./mass-deletion-gates.ts"
import { readCrd } from "./read-crd.ts"
import type { ObjectReport } from "./report.ts"
import { Reporter } from "./reporter.ts"
import { Reports } from "./reports.ts"
import { TenantEvents } from "./tenant-events.ts"
import { workId } from "./work-id.ts"
import type { Action, Verdict } from "./actions.ts"
import { standingOf } from "./actions.ts"
import type { Refusal } from "../tenancy/refusals.ts"
import { refusedWrite } from "./refused-write.ts"
import { refusalReasonOf } from "./synced-kind.ts"
import type { Memory, SyncedKind } from "./synced-kind.ts"
import { Contested, describeWrite, makeWriteBrake } from "./write-limiter.ts"

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

const changesJustNow: Verdict = {
  health: "waiting",
  reason: "Pending",
  message: "what it rests on changes just now",
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

const makeReconciler = Effect.gen(function* () {
  const clients = yield* bothClients
  const kept = yield* KeptCaches
  const { context, hostCrdUid } = yield* Epoch
  const gates = yield* MassDeleteGates
  const { listener, queue } = yield* KeyQueue
  const reports = yield* Reports
  const { onChange } = yield* Reporter
  const { record } = yield* TenantEvents
  const clock = yield* Clock.Clock
  const now = () => monotonicMillis(clock)
  const brake = makeWriteBrake(now)
  const contests = makeContests(now)
  const { caches } = kept
  const { confirm } = makeConfirmations(clients.host)
  const refusedWrites = new Map<string, Refusal>()
  /** By UID. What is deleted is gone or will be, though a cache may show it as it was for a while. */
  const deleted = new LruMap<string, true>(rememberedDeletions)

  /** So that caches need not wait for their watch. */
  const observe = (action: Action, stored: KubeObject | undefined) => {
    const change = stored === undefined ? undefined : kept.observe(action, stored)
    if (change !== undefined) listener.onDelta(change.cache, change.delta)
  }

  /** Whether the host serves objects of this plural, by the CRD that we know: only then is an absent one really absent. */
  const isKnownOnHost = (plural: string) =>
    Effect.map(
      readCrd(clients.host, plural, { metadataOnly: true }),
      (crd) =>
        crd !== undefined && crd.metadata.deletionTimestamp === undefined && crd.metadata.uid === hostCrdUid(plural),
    )

  const memoryOf = (id: string): Memory => ({ refusedWrite: contests.of(id)?.told ?? refusedWrites.get(id) })

  /** A write did not last. */
  const noteContest = (kind: SyncedKind, id: string, action: Action) => {
    const contest = contestOver(kind, action)
    if (contest !== undefined) contests.fought(id, contest)
    return contest !== undefined
  }

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
    const stored = yield* brake
      .allow(id, action, write)
      .pipe(Effect.tapErrorTag("Contested", () => Effect.sync(() => noteContest(kind, id, action))))
    if (contests.of(id) !== undefined) noteContest(kind, id, action)
    if (refusedWrites.get(id)?.reason === refusalReasonOf(kind, action)) refusedWrites.delete(id)
    if (doomed !== undefined) deleted.set(doomed, true)
    if (wasIdle(action, stored)) return true
    observe(action, stored)
    if (kind.hint === undefined) onChange(changeOf(action))
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
    contests.forget(id)
    gates.of(kind.kind)?.forget(key)
  }

  const reconcile = Effect.fnUntraced(function* (kind: SyncedKind, key: ObjectKey) {
    const id = workId(kind.kind, key)
    const decision = kind.decide(key, caches, context, memoryOf(id))
    const { actions, verdict, notice, restsOnAbsent, restsOnAbsentSecret } = decision
    const isDoubtful =
      restsOnAbsent !== undefined && actions.some(isDeletion) && !(yield* isKnownOnHost(restsOnAbsent.plural))
    if (isDoubtful) {
      reports.set(id, reportOf(kind.kind, key, restsOnAbsent.otherwise))
      return
    }
    if (restsOnAbsentSecret !== undefined && actions.some(isDeletion) && (yield* isThere(restsOnAbsentSecret))) {
      // The event that brings it into the one cache or the other brings the key back.
      if (verdict !== undefined) reports.set(id, reportOf(kind.kind, key, secretIsThere))
      return
    }
    if (verdict === undefined && actions.length === 0) forget(kind, id, key)
    const report = verdict === undefined ? undefined : reportOf(kind.kind, key, verdict)
    // Of a refusal the writes that it brings may fail: it stands all the same.
    if (verdict?.health === "refused") reports.set(id, report)
    if (notice !== undefined) record(notice)
    const futile: Array<Action> = []
    for (const action of actions) {
      if (action._tag === "Delete" && action.becauseAbsent) {
        const stop = yield* gates.of(kind.kind)?.admit(key) ?? Effect.undefined
        if (stop !== undefined) {
          reports.set(id, reportOf(kind.kind, key, held(stop.message)))
          return
        }
      }
      // The event that tells how they stand now brings the key back.
      if (action.provided !== undefined && !(yield* confirm(action.provided))) {
        reports.set(id, reportOf(kind.kind, key, changesJustNow))
        return
      }
      if (!(yield* perform(kind, id, action))) futile.push(action)
    }
    if (kind.hint !== undefined) return
    // Nothing changed, so nothing will bring the key back: without a word it would be waited for until a resync.
    const [first] = futile.length === actions.length ? futile : []
    if (first !== undefined && noteContest(kind, id, first)) return yield* new Contested({ what: describeWrite(first) })
    reports.set(id, first === undefined ? report : reportOf(kind.kind, key, withoutEffect(first)))
    const contest = contests.of(id)
    if (contest !== undefined) return yield* new Contested({ what: contest.what })
  })

  /** A fight is over when nothing happens, and nothing that happens would bring its key back then. */
  const thenLookAgain = (id: string) =>
    Effect.sync(() => {
      if (contests.of(id) !== undefined) queue.addAfter(id, contests.remaining(id))
    })

  return {
    reconcile: (kind: SyncedKind, key: ObjectKey) =>
      Effect.ensuring(reconcile(kind, key), thenLookAgain(workId(kind.kind, key))),
  }
})

export class Reconciler extends Context.Service<
  Reconciler,
  { readonly reconcile: (kind: SyncedKind, key: ObjectKey) => Effect.Effect<void, ApiError | Contested> }
>()("vcluster-es/sync/engine/Reconciler") {
  static readonly layer = Layer.effect(Reconciler, makeReconciler)
}
