/** What a tenant may write but not decide: statuses, and the imported stores (attacks 31, 32). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { stringAt } from "../../src/effects/client/unstructured.ts"
import { assertServesOthers, assertUntouched, awaitRefusal, copyOf, inVirtual } from "../support/attack.ts"
import { clusterSecretStores, externalSecrets } from "../support/resources.ts"
import { createReady, externalSecret, fakeStore, isReady, readyOf, SyncedPair } from "../support/synced-pair.ts"

const forged = {
  status: {
    binding: { name: "forged" },
    refreshTime: "2031-01-01T00:00:00Z",
    conditions: [
      {
        type: "Ready",
        status: "True",
        reason: "Forged",
        message: "all is well",
        lastTransitionTime: "2020-01-01T00:00:00Z",
      },
    ],
  },
}

layer(SyncedPair.layer(), { excludeTestServices: true, timeout: "10 minutes" })("statuses", (it) => {
  it.effect("32: the forged status of a refused object is written over", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { virtual } = pair.ground
      const object = yield* virtual.kube.create(externalSecrets, externalSecret("refused", { store: "nowhere" }))
      yield* awaitRefusal(pair, object, "StoreNotImported", "nowhere")
      yield* virtual.kube.patch(externalSecrets, inVirtual("refused"), forged, "status")
      const told = yield* awaitRefusal(pair, object, "StoreNotImported", "nowhere")
      assert.isUndefined(stringAt(told, "status", "binding", "name"))
      assert.isUndefined(stringAt(told, "status", "refreshTime"))
      yield* assertServesOthers(pair, "refused")
    }),
  )

  it.effect("32: so is that of an accepted one, in both directions", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const before = yield* createReady(pair, externalSecret("accepted"))
      const copy = yield* host.kube.get(externalSecrets, copyOf("accepted"))
      const failed = { conditions: [{ type: "Ready", status: "False", reason: "Forged", message: "broken" }] }
      for (const status of [forged, { status: failed }]) {
        yield* virtual.kube.patch(externalSecrets, inVirtual("accepted"), status, "status")
        yield* virtual.kube.waitFor(
          externalSecrets,
          before.metadata,
          (object) => readyOf(object)?.reason === "SecretSynced",
        )
      }
      const after = yield* virtual.kube.get(externalSecrets, before.metadata)
      assert.deepStrictEqual(after["status"], before["status"])
      yield* assertUntouched(pair, "host", externalSecrets, copy)
    }),
  )

  it.effect(
    "31: an imported store that a tenant edits, spec or status, is put right, and ExternalSecrets do not notice",
    () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host, virtual } = pair.ground
        const store = { name: "imported" }
        yield* host.kube.create(clusterSecretStores, fakeStore(store.name, { "/database/password": "s3cret" }))
        const right = yield* virtual.kube.waitFor(clusterSecretStores, store, isReady)
        const onHost = yield* host.kube.get(clusterSecretStores, store)
        yield* createReady(pair, externalSecret("uses-imported", { store: store.name }))
        const edited = yield* virtual.kube.patch(clusterSecretStores, store, {
          metadata: { labels: { "vcluster-accessible": null, added: "by-tenant" } },
          spec: { provider: { fake: { data: [{ key: "/database/password", value: "forged" }] } }, conditions: [] },
        })
        const restored = yield* virtual.kube.waitFor(
          clusterSecretStores,
          store,
          (object) => (object.metadata.generation ?? 0) > (edited.metadata.generation ?? 0),
        )
        assert.deepStrictEqual([restored["spec"], restored.metadata.labels], [right["spec"], right.metadata.labels])
        yield* virtual.kube.patch(
          clusterSecretStores,
          store,
          { status: { conditions: [{ type: "Ready", status: "False", reason: "Forged", message: "" }] } },
          "status",
        )
        yield* virtual.kube.waitFor(clusterSecretStores, store, isReady)
        yield* assertUntouched(pair, "host", clusterSecretStores, onHost)
        assert.isTrue(isReady(yield* virtual.kube.get(externalSecrets, inVirtual("uses-imported"))))
      }),
  )

  it.effect("31: one that a tenant unmarks is theirs from then on, and opens nothing", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const store = { name: "unmarked" }
      yield* host.kube.create(clusterSecretStores, fakeStore(store.name, { "/database/password": "s3cret" }))
      yield* virtual.kube.waitFor(clusterSecretStores, store, isReady)
      yield* virtual.kube.patch(clusterSecretStores, store, {
        metadata: { labels: { "vcluster-es.io/managed": null } },
      })
      yield* host.kube.patch(clusterSecretStores, store, { metadata: { labels: { "vcluster-accessible": null } } })
      const object = yield* virtual.kube.create(externalSecrets, externalSecret("uses-unmarked", { store: store.name }))
      yield* awaitRefusal(pair, object, "StoreNotImported", "unmarked")
      yield* assertServesOthers(pair, "unmarked")
    }),
  )

  it.effect("31: one that is deleted, and held by a tenant's finalizer, blocks nothing on the host", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const store = { name: "held" }
      yield* host.kube.create(clusterSecretStores, fakeStore(store.name, { "/database/password": "s3cret" }))
      const first = yield* virtual.kube.waitFor(clusterSecretStores, store, isReady)
      const onHost = yield* host.kube.get(clusterSecretStores, store)
      yield* virtual.kube.patch(clusterSecretStores, store, { metadata: { finalizers: ["example.com/stay"] } })
      yield* virtual.kube.delete(clusterSecretStores, store)
      yield* createReady(pair, externalSecret("uses-held", { store: store.name }))
      yield* assertUntouched(pair, "host", clusterSecretStores, onHost)
      yield* host.kube.delete(clusterSecretStores, store)
      yield* host.kube.waitUntilGone(clusterSecretStores, store)
      const late = yield* virtual.kube.create(externalSecrets, externalSecret("comes-late", { store: store.name }))
      yield* awaitRefusal(pair, late, "StoreNotImported", store.name)
      yield* host.kube.create(clusterSecretStores, fakeStore(store.name, { "/database/password": "s3cret" }))
      yield* virtual.kube.patch(clusterSecretStores, store, { metadata: { finalizers: null } })
      const again = yield* virtual.kube.waitFor(
        clusterSecretStores,
        store,
        (object) => object.metadata.uid !== first.metadata.uid,
      )
      assert.isUndefined(again.metadata.finalizers)
      yield* virtual.kube.waitFor(externalSecrets, inVirtual("uses-held"), isReady)
    }),
  )
})
