/**
 * The running machinery of one Syncer: caches of both clusters, the queue, the workers. It is built for one pair of
 * versions; when ESO's change, the Syncer builds another.
 */
import { Cause, Clock, Effect, Exit, Option, Queue } from "effect"
import type { Scope } from "effect"
import { ApiError, isTransient } from "../../effects/client/api-error.ts"
import { runController } from "../../effects/controller/worker-pool.ts"
import type { KubeClient } from "../../effects/client/kube-client.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { LruMap } from "../../effects/controller/lru-cache.ts"
import type { Delta } from "../../effects/informer/store.ts"
import { makeWorkQueue } from "../../effects/controller/work-queue.ts"
import { monotonicMillis } from "../../effects/monotonic-time.ts"
import type { Cache, Caches } from "./caches.ts"
import type { SyncContext } from "./context.ts"
import { hostCrds, virtualCrds } from "../kinds/custom-resource-definition/caches.ts"
import type { Clients } from "./executor.ts"
import { makeMassDeleteGate } from "./mass-deletion-guard.ts"
import type { Listener, OpenCaches } from "./informers.ts"
import { orUndefined } from "../../effects/client/ignore-not-found.ts"
import { makeReconciler, reportOf } from "./reconciler.ts"
import type { Change, ObjectReport } from "./report.ts"
import type { Notice } from "./actions.ts"
import type { MassDeletion } from "./mass-deletion.ts"
import { originOf } from "../tenancy/ownership.ts"
import { crdName, customResourceDefinitions, esoGroup } from "../resources.ts"
import type { Source, SyncedKind } from "./synced-kind.ts"
import { makeWriteBrake } from "./write-limiter.ts"

export interface EngineOptions {
  readonly clients: Clients
  readonly context: SyncContext
  readonly kinds: ReadonlyArray<SyncedKind>
  readonly opened: Pick<OpenCaches, "caches" | "observe">
  readonly workers: number
  /** A write was held back by a fence: ends the run, and does not return. Nobody is told of the key. */
  readonly whenFenced: Effect.Effect<never>
  readonly massDeleteAllowed: () => boolean
  /** UID of the host's CRD that we last looked at. */
  readonly hostCrdUid: (plural: string) => string | undefined
  /** A CRD changed on either side. Its failure means "again later". */
  readonly followCrd: (plural: string) => Effect.Effect<void, unknown>
  readonly onChange: (change: Change) => void
  /** Awaited before work on each object that may bring a change to tell. */
  readonly ready: Effect.Effect<void>
  readonly notify: (notice: Notice) => void
  /** A key goes on failing; it will be tried again. `id` is `KIND|KEY`. Told once. */
  readonly onFailure: (id: string, cause: string) => void
}

export interface Engine {
  /** To be told of all that happens to the caches. */
  readonly listener: Listener
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

const crdKind = "CustomResourceDefinition"
const crdSuffix = `.${esoGroup}`

/** Both states: a label or a target that is no more leads to keys, too. */
const objectsOf = (delta: Delta): ReadonlyArray<KubeObject> =>
  delta._tag === "Upserted" && delta.previous !== undefined ? [delta.object, delta.previous] : [delta.object]

/** From a change in a cache to the ids, of all kinds, that it concerns. */
const makeIdsOf = (kinds: ReadonlyArray<SyncedKind>, caches: Caches, context: SyncContext) => {
  const listeners = new Map<Cache, Array<{ readonly kind: string; readonly keys: Source["keys"] }>>()
  for (const { kind, sources } of kinds)
    for (const { cache, keys } of sources) {
      const listener = { kind, keys }
      const others = listeners.get(cache)
      if (others === undefined) listeners.set(cache, [listener])
      else others.push(listener)
    }
  return (cache: Cache, delta: Delta): Iterable<string> => {
    if (cache === hostCrds || cache === virtualCrds) {
      const crd = delta.object.metadata.name
      return crd.endsWith(crdSuffix) ? [`${crdKind}|${crd}`] : []
    }
    const ids = new Set<string>()
    for (const { kind, keys } of listeners.get(cache) ?? [])
      for (const object of objectsOf(delta)) for (const key of keys(object, caches, context)) ids.add(`${kind}|${key}`)
    return ids
  }
}

/** A CRD as it stands now; no cache is asked. */
const readCrd = (client: KubeClient, plural: string) =>
  client.get(customResourceDefinitions, { name: crdName(plural) }, { metadataOnly: true }).pipe(orUndefined)

/** The first tries lose races that the next one wins (a cache behind by one event); what goes on failing is worth a word. */
const worthAWord = 4

/** No key that an outage keeps waits longer for its next try, in milliseconds: when the outage is over, users are waiting. */
const longestOutageDelay = 30_000

const passesByItself = (cause: Cause.Cause<unknown>): boolean => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  return Cause.hasInterruptsOnly(cause) || (error instanceof ApiError && isTransient(error))
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

/** `KIND|KEY` */
const splitId = (id: string) => {
  const separator = id.indexOf("|")
  return { name: id.slice(0, separator), key: id.slice(separator + 1) }
}

/** A hint is not worth more tries, unless what keeps it passes by itself. */
const triesForHint = 5
/** Hints whose last decision is remembered; of more than these, some may come a little too often. */
const rememberedHints = 4096

const terminal = (report: ObjectReport | undefined): string =>
  report === undefined ? "" : JSON.stringify([report.health, report.reason, report.message])

export const makeEngine = Effect.fnUntraced(function* (
  options: EngineOptions,
): Effect.fn.Return<Engine, never, Scope.Scope> {
  const { clients, context, opened } = options
  const { caches } = opened
  const kinds = new Map(options.kinds.map((kind) => [kind.kind, kind]))
  const kindOf = (id: string): SyncedKind | undefined => kinds.get(splitId(id).name)
  const idsOf = makeIdsOf(options.kinds, caches, context)
  const clock = yield* Clock.Clock
  const now = () => monotonicMillis(clock)
  const stuck = new Set<string>()
  const queue = yield* makeWorkQueue({
    // Nobody waits for a hint.
    isStuck: (id) => stuck.has(id) || kindOf(id)?.hint !== undefined,
    maxHopefulDelayMs: longestOutageDelay,
  })
  const changed = yield* Queue.sliding<void>(1)
  const reports = new Map<string, ObjectReport>()

  const gates = options.kinds.flatMap(({ kind, mirrored }) =>
    mirrored === undefined
      ? []
      : [
          {
            kind,
            mirrored,
            gate: makeMassDeleteGate({
              kind,
              mirrored,
              caches,
              context,
              allowed: options.massDeleteAllowed,
              virtualCrd: readCrd(clients.virtual, mirrored.plural),
            }),
          },
        ],
  )

  /** What a gate must know is told before any worker can act on it. */
  const tellGates = (cache: Cache, delta: Delta) => {
    for (const { gate, mirrored } of gates) {
      if (cache === mirrored.virtual) {
        if (delta._tag === "Upserted" && delta.object.metadata.deletionTimestamp === undefined) gate.forget(delta.key)
        else if (delta._tag === "Upserted" || delta.seen) gate.sawDeletion(delta.key)
        else gate.judgeAnew()
      }
      if (cache === mirrored.host && delta._tag === "Deleted") {
        const origin = originOf(delta.object, context.tenancy)
        if (origin !== undefined) gate.forget(origin.key)
        gate.judgeAnew()
      }
    }
  }

  const onReport = (id: string, report: ObjectReport | undefined) => {
    if (terminal(reports.get(id)) === terminal(report)) return
    if (report === undefined) reports.delete(id)
    else reports.set(id, report)
    Queue.offerUnsafe(changed, undefined)
  }

  const hintedAt = new LruMap<string, number>(rememberedHints)

  /** Of hints that come fast, the first is given at once and the next ones together, some seconds later. */
  const add = (id: string) => {
    const spacing = kindOf(id)?.hint?.spacing
    const before = spacing === undefined ? undefined : hintedAt.get(id)
    if (spacing === undefined) return queue.add(id)
    // Behind all that carries a Secret.
    if (before === undefined) return queue.add(id, "background")
    return queue.addAfter(id, before + spacing - now(), "background")
  }

  const listener: Listener = {
    onDelta: (cache, delta) => {
      tellGates(cache, delta)
      for (const id of idsOf(cache, delta)) add(id)
    },
    onVirtualList: (cache) =>
      Effect.forEach(
        gates.filter(({ mirrored }) => mirrored.virtual === cache),
        ({ gate }) => gate.listed,
        { discard: true },
      ),
  }

  const reconciler = makeReconciler({
    clients,
    caches,
    context,
    gateOf: (kind) => gates.find((candidate) => candidate.kind === kind)?.gate,
    brake: makeWriteBrake(now),
    isKnownOnHost: (plural) =>
      Effect.map(
        readCrd(clients.host, plural),
        (crd) =>
          crd !== undefined &&
          crd.metadata.deletionTimestamp === undefined &&
          crd.metadata.uid === options.hostCrdUid(plural),
      ),
    observe: (action, stored) => {
      const change = stored === undefined ? undefined : opened.observe(action, stored)
      if (change !== undefined) listener.onDelta(change.cache, change.delta)
    },
    onChange: options.onChange,
    onReport,
    notify: options.notify,
  })

  const reconcileKey = (kind: SyncedKind, key: string) =>
    Effect.catchReason(reconciler.reconcile(kind, key), "ApiError", "Fenced", () => options.whenFenced)

  const giveHint = (kind: SyncedKind, id: string, key: string): Effect.Effect<void, unknown> => {
    hintedAt.set(id, now())
    return reconcileKey(kind, key).pipe(
      Effect.catch((error) =>
        error instanceof ApiError && !isTransient(error) && queue.failures(id) >= triesForHint
          ? Effect.logDebug(`${id}: given up: ${error.message}`)
          : Effect.fail(error),
      ),
    )
  }

  const reconcileOne = (id: string): Effect.Effect<void, unknown> => {
    const { name, key } = splitId(id)
    if (name === crdKind)
      return Effect.andThen(
        options.followCrd(key.slice(0, -crdSuffix.length)),
        Effect.sync(() => onReport(id, undefined)),
      )
    const kind = kindOf(id)
    if (kind === undefined) return Effect.die(new Error(`no synced kind ${name}`))
    return kind.hint === undefined ? Effect.andThen(options.ready, reconcileKey(kind, key)) : giveHint(kind, id, key)
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
    if (attempts === worthAWord) options.onFailure(id, cause)
    // A refusal says more than the error behind it.
    if (reports.get(id)?.health === "refused") return
    const { name, key } = splitId(id)
    onReport(id, reportOf(name, key, { health: "broken", reason: "SyncFailed", message: cause }))
  }

  let resynced = false

  return {
    listener,
    reports,
    reportChanged: Queue.take(changed),
    massDeletion: () => gates.map(({ gate }) => gate.judge()).find((stop) => stop !== undefined),
    resync: () => {
      for (const kind of options.kinds.filter(({ hint }) => hint === undefined || !resynced))
        for (const key of kind.keys(caches, context)) queue.add(`${kind.kind}|${key}`, "background")
      resynced = true
    },
    idle: queue.idle,
    run: runController({
      queue,
      workers: options.workers,
      reconcile,
      retryAfterMs,
      onError,
    }),
  }
})
