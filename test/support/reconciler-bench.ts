/** A reconciler alone, over caches that a test has filled and clients over Maps; what it says is kept. */
import { Context, Effect, Layer } from "effect"
import type { Caches } from "../../src/sync/engine/caches.ts"
import { clientsLayer } from "../../src/sync/engine/clients.ts"
import type { SyncContext } from "../../src/sync/engine/context.ts"
import { KeptCaches } from "../../src/sync/engine/informers.ts"
import { KeyQueue } from "../../src/sync/engine/key-queue.ts"
import { MassDeleteGates } from "../../src/sync/engine/mass-deletion-gates.ts"
import { Reconciler } from "../../src/sync/engine/reconciler.ts"
import type { Change, ObjectReport } from "../../src/sync/engine/report.ts"
import { reporterLayer } from "../../src/sync/engine/reporter.ts"
import { Reports } from "../../src/sync/engine/reports.ts"
import { TenantEvents } from "../../src/sync/engine/tenant-events.ts"
import { makeMemoryClient } from "./memory-client.ts"
import { emptyRegistry, epochLayer } from "./sync-layers.ts"

export const makeReconcilerBench = Effect.fnUntraced(function* (caches: Caches, context: SyncContext) {
  const clients = { host: makeMemoryClient(), virtual: makeMemoryClient() }
  const changes = new Array<Change>()
  const reports = new Array<ObjectReport | undefined>()
  const start = () => Effect.die(new Error("a test fills its caches itself"))
  const given = Layer.mergeAll(
    clientsLayer(clients),
    emptyRegistry,
    epochLayer(context),
    reporterLayer({ onChange: (change) => void changes.push(change) }),
    Layer.succeed(KeptCaches, { caches, observe: () => undefined, start }),
    Layer.succeed(MassDeleteGates, {
      of: () => undefined,
      tell: () => {},
      listed: () => Effect.void,
      stop: () => undefined,
    }),
    Layer.succeed(Reports, { all: new Map(), set: (_id, report) => void reports.push(report), changed: Effect.never }),
    Layer.succeed(TenantEvents, { record: () => {} }),
  )
  const services = yield* Layer.build(Layer.provide(Layer.provide(Reconciler.layer, KeyQueue.layer), given))
  const { reconcile } = Context.get(services, Reconciler)
  return { clients, changes, reports, reconcile }
})
