/** A Syncer's engine over caches that a test fills, and clients over Maps: no API server, no ESO, time under a test clock. */
import { hostClusterSecretStores } from "../../src/sync/external-secrets/store-caches.ts"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import type { RecordedEvent } from "../../src/effects/client/event-recorder.ts"
import type { KubeClient } from "../../src/effects/client/kube-client.ts"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { makeMemoryStore, type MemoryStore } from "../../src/effects/informer/memory-store.ts"
import type { Delta } from "../../src/effects/informer/store.ts"
import { type Cache, cachesFrom, wantedCaches, whereWritesLand } from "../../src/sync/engine/caches.ts"
import { clusterSecretStores } from "../../src/sync/resources.ts"
import { crdPrerequisites } from "../../src/sync/kinds/custom-resource-definition/prerequisites.ts"
import { syncedKinds } from "../../src/sync/kinds/kinds.ts"
import type { SyncContext } from "../../src/sync/engine/context.ts"
import { clientsLayer } from "../../src/sync/engine/clients.ts"
import { KeptCaches, type Listener } from "../../src/sync/engine/informers.ts"
import { KeyQueue } from "../../src/sync/engine/key-queue.ts"
import { reconciling } from "../../src/sync/engine/machinery.ts"
import { OwnerFence } from "../../src/sync/engine/owner-fence.ts"
import { ReconcileLoop } from "../../src/sync/engine/reconcile-loop.ts"
import { reporterLayer } from "../../src/sync/engine/reporter.ts"
import { TenantEvents } from "../../src/sync/engine/tenant-events.ts"
import { readCaches, Registry } from "../../src/sync/engine/registry.ts"
import type { SyncedKind } from "../../src/sync/engine/synced-kind.ts"
import type { Change } from "../../src/sync/engine/report.ts"
import { testContext } from "../model/world.ts"
import { epochLayer, leadershipLayer, optionsLayer } from "./sync-layers.ts"
import { makeMemoryClient, type MemoryClient } from "./memory-client.ts"

/** Caches without reflectors behind them: `see` is what a watch would tell. */
const makeCaches = (context: SyncContext, caches: ReadonlyArray<Cache>) => {
  let listener: Listener | undefined
  const wanted = wantedCaches(caches, context)
  const stores = new Map<Cache, MemoryStore>(wanted.map(({ cache, spec }) => [cache, makeMemoryStore(spec.indexes)]))
  const landing = whereWritesLand(wanted)
  const storeOf = (cache: Cache): MemoryStore => stores.get(cache) ?? assert.fail(`${cache.name} is not kept`)
  const tell = (cache: Cache, delta: Delta | undefined) => {
    if (delta !== undefined) listener?.onDelta(cache, delta)
  }
  const see = (cache: Cache, object: KubeObject) => tell(cache, storeOf(cache).upsert(object))
  const seeDeleted = (cache: Cache, key: string) => tell(cache, storeOf(cache).remove(key, true))
  const kept: KeptCaches["Service"] = {
    caches: cachesFrom((cache) => stores.get(cache)),
    observe: (action, stored) => {
      const cache = landing(action)
      const delta = cache === undefined ? undefined : storeOf(cache).upsert(stored)
      return cache === undefined || delta === undefined ? undefined : { cache, delta }
    },
    start: () => Effect.die(new Error("a test tells of changes itself")),
  }
  const tellTo = (next: Listener) => {
    listener = next
  }
  return { kept, see, seeDeleted, tellTo }
}

export const store: KubeObject = {
  apiVersion: "external-secrets.io/v1",
  kind: "ClusterSecretStore",
  metadata: { name: "store", uid: "store", resourceVersion: "1" },
}

export const externalSecret = (name: string, uid = name): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name, namespace: "default", uid, resourceVersion: "1" },
  spec: {
    secretStoreRef: { name: "store", kind: "ClusterSecretStore" },
    data: [{ secretKey: "a", remoteRef: { key: "a" } }],
  },
})

/** A running engine with one imported store; it works when the test clock moves. */
export const makeEngineBench = Effect.fnUntraced(function* (
  changes: Partial<SyncContext> = {},
  virtualAnswers: (client: MemoryClient) => KubeClient = (client) => client,
  more: {
    readonly hostAnswers?: (client: MemoryClient) => KubeClient
    readonly whenFenced?: Effect.Effect<never>
    readonly ready?: Effect.Effect<void>
    readonly kinds?: ReadonlyArray<SyncedKind>
  } = {},
) {
  const context = testContext(changes)
  const registry = { kinds: more.kinds ?? syncedKinds, prerequisites: crdPrerequisites }
  const { kept, see, seeDeleted, tellTo } = makeCaches(context, readCaches(registry))
  const clients = { host: makeMemoryClient(), virtual: makeMemoryClient() }
  const told = { changes: new Array<Change>(), notices: new Array<RecordedEvent>(), failures: new Array<string>() }
  const given = Layer.mergeAll(
    clientsLayer({ host: more.hostAnswers?.(clients.host) ?? clients.host, virtual: virtualAnswers(clients.virtual) }),
    Layer.succeed(Registry, registry),
    optionsLayer,
    leadershipLayer,
    epochLayer(context),
    Layer.succeed(KeptCaches, kept),
    Layer.succeed(OwnerFence, { whenFenced: more.whenFenced ?? Effect.never }),
    Layer.succeed(TenantEvents, { record: (notice) => void told.notices.push(notice) }),
    reporterLayer({
      onChange: (change) => void told.changes.push(change),
      onWarning: (message) => void told.failures.push(message),
      ...(more.ready === undefined ? {} : { ready: more.ready }),
    }),
  )
  const services = yield* Layer.build(Layer.provide(reconciling, given))
  const engine = Context.get(services, ReconcileLoop)
  tellTo(Context.get(services, KeyQueue).listener)
  see(hostClusterSecretStores, clients.host.put(clusterSecretStores("v1"), store))
  yield* Effect.forkScoped(engine.run, { startImmediately: true })
  return { engine, clients, told, see, seeDeleted }
})
