/**
 * The running machinery of one Syncer: caches of both clusters, the queue, the workers. It is built for one pair of
 * versions; when ESO's change, the Syncer builds another.
 */
import { Effect, Queue } from "effect"
import type { Scope } from "effect"
import { runController } from "../effects/controller.ts"
import type { KubeObject } from "../effects/kube-object.ts"
import type { Delta } from "../effects/store.ts"
import { makeWorkQueue } from "../effects/work-queue.ts"
import type { CacheName, Caches } from "./caches.ts"
import type { SyncContext } from "./context.ts"
import { crdName } from "./crd-to-virtual.ts"
import type { Clients } from "./executor.ts"
import { syncedKinds } from "./kinds.ts"
import { makeMassDeleteGate } from "./mass-delete-gate.ts"
import type { OpenCaches } from "./open-caches.ts"
import { makeReconciler } from "./reconciler.ts"
import type { Change, ObjectReport } from "./report.ts"
import type { Action, Notice } from "./rules/actions.ts"
import type { MassDeletion } from "./rules/mass-delete.ts"
import { originOf } from "./rules/ownership.ts"
import { customResourceDefinitions, esoGroup } from "./resources.ts"

export interface EngineOptions {
  readonly clients: Clients
  readonly context: SyncContext
  readonly opened: OpenCaches
  readonly workers: number
  readonly mayWrite: () => boolean
  readonly massDeleteAllowed: () => boolean
  /** A CRD changed on either side. Its failure means "again later". */
  readonly followCrd: (plural: string) => Effect.Effect<void, unknown>
  readonly onChange: (change: Change) => void
  readonly notify: (notice: Notice) => void
  /** A try at a key failed; it will be tried again. `id` is `KIND|KEY`. */
  readonly onFailure: (id: string, cause: string, attempts: number) => void
}

export interface Engine {
  readonly reports: ReadonlyMap<string, ObjectReport>
  /** Completes at the next change of a report (or at once, when one changed since it was last awaited). */
  readonly reportChanged: Effect.Effect<void>
  /** The mass-deletion stop, as things stand. */
  readonly judgeMassDeletion: () => MassDeletion | undefined
  /** Puts all keys into the queue, behind live changes. */
  readonly resync: () => void
  /** Works until interrupted. */
  readonly run: Effect.Effect<never>
  /** Completes when nothing is queued, in work or waiting for another try. */
  readonly idle: Effect.Effect<void>
}

const crdKind = "CustomResourceDefinition"
const crdSuffix = `.${esoGroup}`

/** Which cache holds the objects of an action, so that it need not wait for its watch to tell it. */
const cacheOf = (action: Action): CacheName | undefined => {
  switch (`${action.side}/${action.resource.plural}`) {
    case "host/externalsecrets":
      return "hostExternalSecrets"
    case "virtual/externalsecrets":
      return "virtualExternalSecrets"
    case "virtual/secrets":
      return "virtualSecrets"
    case "virtual/clustersecretstores":
      return "virtualClusterSecretStores"
    default:
      return undefined
  }
}

/** Both states: a label or a target that is no more leads to keys, too. */
const objectsOf = (delta: Delta): ReadonlyArray<KubeObject> =>
  delta._tag === "Upserted" && delta.previous !== undefined ? [delta.object, delta.previous] : [delta.object]

/** The keys, of all kinds, that a change concerns. */
const keysOf = (name: CacheName, delta: Delta, caches: Caches, context: SyncContext): ReadonlyArray<string> => {
  if (name === "hostCrds" || name === "virtualCrds") {
    const crd = delta.object.metadata.name
    return crd.endsWith(crdSuffix) ? [`${crdKind}|${crd}`] : []
  }
  return syncedKinds.flatMap((kind) =>
    objectsOf(delta).flatMap((object) =>
      [...(kind.sources[name]?.(object, caches, context) ?? [])].map((key) => `${kind.kind}|${key}`),
    ),
  )
}

/** The virtual CRD as it stands now; no cache is asked. */
const readCrd = (clients: Clients, plural: string) =>
  clients.virtual
    .get(customResourceDefinitions, { name: crdName(plural) }, { metadataOnly: true })
    .pipe(Effect.catchReason("ApiError", "NotFound", () => Effect.succeed(undefined)))

const terminal = (report: ObjectReport | undefined): string =>
  report === undefined ? "" : JSON.stringify([report.health, report.reason, report.message])

export const makeEngine = Effect.fnUntraced(function* (
  options: EngineOptions,
): Effect.fn.Return<Engine, never, Scope.Scope> {
  const { clients, context, opened } = options
  const { caches, reflectors } = opened
  const queue = yield* makeWorkQueue()
  const changed = yield* Queue.sliding<void>(1)
  const reports = new Map<string, ObjectReport>()

  const gate = makeMassDeleteGate({
    caches,
    context,
    allowed: options.massDeleteAllowed,
    virtualCrd: readCrd(clients, "externalsecrets"),
  })

  /** What the gate must know is told before any worker can act on it. */
  const tellGate = (name: CacheName, delta: Delta) => {
    if (name === "virtualExternalSecrets") {
      if (delta._tag === "Upserted" && delta.object.metadata.deletionTimestamp === undefined) gate.forget(delta.key)
      else if (delta._tag === "Upserted" || delta.seen) gate.sawDeletion(delta.key)
      else gate.judgeAnew()
    }
    if (name === "hostExternalSecrets" && delta._tag === "Deleted") {
      const origin = originOf(delta.object, context.tenancy)
      if (origin !== undefined) gate.forget(origin.key)
      gate.judgeAnew()
    }
  }

  const observe = (action: Action, stored: KubeObject | undefined) => {
    const name = cacheOf(action)
    if (name === undefined || stored === undefined) return
    reflectors.get(name)?.observe(stored)
  }

  const onReport = (id: string, report: ObjectReport | undefined) => {
    if (terminal(reports.get(id)) === terminal(report)) return
    if (report === undefined) reports.delete(id)
    else reports.set(id, report)
    Queue.offerUnsafe(changed, undefined)
  }

  const reconciler = makeReconciler({
    clients,
    caches,
    context,
    gate,
    mayWrite: options.mayWrite,
    observe,
    onChange: options.onChange,
    onReport,
    notify: options.notify,
  })

  const reconcile = (id: string): Effect.Effect<void, unknown> => {
    const separator = id.indexOf("|")
    const name = id.slice(0, separator)
    const key = id.slice(separator + 1)
    if (name === crdKind) return options.followCrd(key.slice(0, -crdSuffix.length))
    const kind = syncedKinds.find((candidate) => candidate.kind === name)
    return kind === undefined ? Effect.die(new Error(`no synced kind ${name}`)) : reconciler.reconcile(kind, key)
  }

  opened.listen({
    onDelta: (name, delta) => {
      tellGate(name, delta)
      for (const id of keysOf(name, delta, caches, context)) queue.add(id)
    },
    onVirtualList: gate.listed,
  })

  return {
    reports,
    reportChanged: Queue.take(changed),
    judgeMassDeletion: gate.judge,
    resync: () => {
      for (const kind of syncedKinds)
        for (const key of kind.keys(caches, context)) queue.add(`${kind.kind}|${key}`, "background")
    },
    idle: queue.idle,
    run: runController({
      queue,
      workers: options.workers,
      reconcile,
      onError: options.onFailure,
    }),
  }
})
