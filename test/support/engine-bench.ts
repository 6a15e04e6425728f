/** A Syncer's engine over caches that a test fills, and clients over Maps: no API server, no ESO, time under a test clock. */
import { hostClusterSecretStores } from "../../src/sync/external-secrets/store-caches.ts"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeClient } from "../../src/effects/client/kube-client.ts"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { makeMemoryStore, type MemoryStore } from "../../src/effects/informer/memory-store.ts"
import type { Delta } from "../../src/effects/informer/store.ts"
import { type Cache, cachesFrom, wantedCaches, whereWritesLand } from "../../src/sync/engine/caches.ts"
import { syncedCaches, syncedKinds } from "../../src/sync/kinds/kinds.ts"
import type { SyncContext } from "../../src/sync/engine/context.ts"
import { makeEngine } from "../../src/sync/engine/controller.ts"
import type { Listener, OpenCaches } from "../../src/sync/engine/informers.ts"
import type { SyncedKind } from "../../src/sync/engine/synced-kind.ts"
import type { Change } from "../../src/sync/engine/report.ts"
import type { Notice } from "../../src/sync/engine/actions.ts"
import { testContext } from "../model/world.ts"
import { makeMemoryClient, type MemoryClient } from "./memory-client.ts"

/** Caches without reflectors behind them: `see` is what a watch would tell. */
const makeCaches = (context: SyncContext, kinds: ReadonlyArray<SyncedKind>) => {
  let listener: Listener | undefined
  const wanted = wantedCaches([...syncedCaches, ...kinds.flatMap(({ caches }) => caches)], context)
  const stores = new Map<Cache, MemoryStore>(wanted.map(({ cache, spec }) => [cache, makeMemoryStore(spec.indexes)]))
  const landing = whereWritesLand(wanted)
  const storeOf = (cache: Cache): MemoryStore => stores.get(cache) ?? assert.fail(`${cache.name} is not kept`)
  const tell = (cache: Cache, delta: Delta | undefined) => {
    if (delta !== undefined) listener?.onDelta(cache, delta)
  }
  const see = (cache: Cache, object: KubeObject) => tell(cache, storeOf(cache).upsert(object))
  const seeDeleted = (cache: Cache, key: string) => tell(cache, storeOf(cache).remove(key, true))
  const opened: OpenCaches = {
    caches: cachesFrom((cache) => stores.get(cache)),
    observe: (action, stored) => {
      const cache = landing(action)
      const delta = cache === undefined ? undefined : storeOf(cache).upsert(stored)
      return cache === undefined || delta === undefined ? undefined : { cache, delta }
    },
    start: (next) =>
      Effect.sync(() => {
        listener = next
        return { reflectors: new Map(), synced: Effect.void }
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
    readonly kinds?: ReadonlyArray<SyncedKind>
  } = {},
) {
  const context = testContext(changes)
  const kinds = more.kinds ?? syncedKinds
  const { opened, see, seeDeleted } = makeCaches(context, kinds)
  const clients = { host: makeMemoryClient(), virtual: makeMemoryClient() }
  const told = { changes: new Array<Change>(), notices: new Array<Notice>(), failures: new Array<string>() }
  const engine = yield* makeEngine({
    clients: { host: more.hostAnswers?.(clients.host) ?? clients.host, virtual: virtualAnswers(clients.virtual) },
    context,
    kinds,
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
  see(hostClusterSecretStores, store)
  yield* Effect.forkScoped(engine.run, { startImmediately: true })
  return { engine, clients, told, see, seeDeleted }
})
