/** A Syncer's engine over caches that a test fills, and clients over Maps: no API server, no ESO, time under a test clock. */
import { Effect } from "effect"
import type { KubeClient } from "../../src/effects/client/kube-client.ts"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { makeMemoryStore, type MemoryStore } from "../../src/effects/informer/memory-store.ts"
import type { Delta } from "../../src/effects/informer/store.ts"
import { cacheSpecs } from "../../src/sync/engine/cache-specs.ts"
import { buildCaches, type CacheName } from "../../src/sync/engine/caches.ts"
import type { SyncContext } from "../../src/sync/engine/context.ts"
import { makeEngine } from "../../src/sync/engine/controller.ts"
import type { Listener, OpenCaches } from "../../src/sync/engine/informers.ts"
import type { Change } from "../../src/sync/engine/report.ts"
import type { Notice } from "../../src/sync/engine/actions.ts"
import { testContext } from "../model/world.ts"
import { makeMemoryClient, type MemoryClient } from "./memory-client.ts"

/** Caches without reflectors behind them: `see` is what a watch would tell. */
const makeCaches = (context: SyncContext) => {
  let listener: Listener | undefined
  const stores = new Map<CacheName, MemoryStore>(
    cacheSpecs(context).map((spec) => [spec.name, makeMemoryStore(spec.indexes)]),
  )
  const storeOf = (name: CacheName): MemoryStore => stores.get(name) ?? makeMemoryStore()
  const tell = (name: CacheName, delta: Delta | undefined) => {
    if (delta !== undefined) listener?.onDelta(name, delta)
  }
  const see = (name: CacheName, object: KubeObject) => tell(name, storeOf(name).upsert(object))
  const seeDeleted = (name: CacheName, key: string) => tell(name, storeOf(name).remove(key, true))
  const reflectorOf = (name: CacheName) => ({
    name,
    store: storeOf(name),
    isSynced: () => true,
    synced: Effect.void,
    syncedOrFailed: Effect.void,
    state: () => ({ connected: true, resourceMissing: false }),
    resourceVersion: () => "1",
    observe: (object: KubeObject) => see(name, object),
    observeDeleted: (key: string) => seeDeleted(name, key),
  })
  const opened: OpenCaches = {
    caches: buildCaches(storeOf),
    reflectors: new Map([...stores.keys()].map((name) => [name, reflectorOf(name)])),
    synced: Effect.void,
    start: (next) =>
      Effect.sync(() => {
        listener = next
      }),
  }
  return { opened, see, seeDeleted }
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
  } = {},
) {
  const context = testContext(changes)
  const { opened, see, seeDeleted } = makeCaches(context)
  const clients = { host: makeMemoryClient(), virtual: makeMemoryClient() }
  const told = { changes: new Array<Change>(), notices: new Array<Notice>(), failures: new Array<string>() }
  const engine = yield* makeEngine({
    clients: { host: more.hostAnswers?.(clients.host) ?? clients.host, virtual: virtualAnswers(clients.virtual) },
    context,
    opened,
    ready: more.ready ?? Effect.void,
    workers: 2,
    hostCrdUid: () => undefined,
    whenFenced: more.whenFenced ?? Effect.never,
    massDeleteAllowed: () => false,
    followCrd: () => Effect.void,
    onChange: (change) => void told.changes.push(change),
    notify: (notice) => void told.notices.push(notice),
    onFailure: (id, cause) => void told.failures.push(`${id}: ${cause}`),
  })
  yield* opened.start(engine.listener)
  see("hostClusterSecretStores", store)
  yield* Effect.forkScoped(engine.run, { startImmediately: true })
  return { engine, clients, told, see, seeDeleted }
})
