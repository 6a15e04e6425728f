/** Stores that are not the tenant's to use (attacks 1 to 4). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { recordAt } from "../../src/effects/client/unstructured.ts"
import {
  assertNothingOnHost,
  assertRefused,
  assertServesOthers,
  assertUntouched,
  awaitRefusal,
  copyOf,
  createNamespace,
  hiddenSecretOf,
  inVirtual,
} from "../support/attack.ts"
import { clusterSecretStores, externalSecrets, namespaces, secrets } from "../support/resources.ts"
import {
  awaitSecret,
  createReady,
  externalSecret,
  fakeStore,
  isReady,
  readyOf,
  SyncedPair,
  valueOf,
} from "../support/synced-pair.ts"

const values = { "/database/password": "s3cret" }

const conditioned = (name: string, conditions: ReadonlyArray<unknown>): KubeObject => {
  const store = fakeStore(name, values)
  return { ...store, spec: { ...recordAt(store, "spec"), conditions } }
}

const privateRef = { kind: "ClusterSecretStore", name: "private" }

layer(SyncedPair.layer(), { excludeTestServices: true, timeout: "10 minutes" })("stores", (it) => {
  it.effect("1: a ClusterSecretStore of the host that is not imported is refused, wherever it is named", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      yield* pair.ground.host.kube.create(clusterSecretStores, fakeStore("private", values, {}))
      const remoteRef = { key: "/database/password" }
      const ways: Readonly<Record<string, KubeObject>> = {
        "spec.secretStoreRef": externalSecret("by-store", { store: "private" }),
        "spec.data[0].sourceRef.storeRef": externalSecret("by-data", {
          spec: { data: [{ secretKey: "password", remoteRef, sourceRef: { storeRef: privateRef } }] },
        }),
        "spec.dataFrom[1].sourceRef.storeRef": externalSecret("by-data-from", {
          spec: {
            dataFrom: [
              { extract: remoteRef },
              { find: { name: { regexp: ".*" } }, sourceRef: { storeRef: privateRef } },
            ],
          },
        }),
      }
      for (const [path, body] of Object.entries(ways)) {
        const refused = yield* assertRefused(pair, body, "StoreNotImported", path)
        assert.include(readyOf(refused)?.message, "ClusterSecretStore private")
        assert.include(readyOf(refused)?.message, "kubectl get clustersecretstores -l vcluster-es.io/managed=true")
      }
    }),
  )

  it.effect("2: a tenant's own ClusterSecretStore of that name is left alone and opens nothing", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      yield* host.kube.create(clusterSecretStores, fakeStore("shadowed", values, {}))
      const own = yield* virtual.kube.create(clusterSecretStores, fakeStore("shadowed", { mine: "1" }))
      yield* assertRefused(pair, externalSecret("shadow", { store: "shadowed" }), "StoreNotImported", "shadowed")
      yield* assertUntouched(pair, "virtual", clusterSecretStores, own)
    }),
  )

  it.effect("2: nor does one that bears our marks", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      yield* host.kube.create(clusterSecretStores, fakeStore("forged", values, {}))
      const theirs = yield* host.kube.waitFor(clusterSecretStores, { name: "forged" }, isReady)
      const store = fakeStore("forged", values)
      const marked = {
        ...store.metadata,
        labels: { "vcluster-es.io/managed": "true", "vcluster-accessible": "true" },
        annotations: { "vcluster-es.io/host-uid": theirs.metadata.uid ?? "" },
      }
      yield* virtual.kube.create(clusterSecretStores, { ...store, metadata: marked })
      yield* assertRefused(pair, externalSecret("forger", { store: "forged" }), "StoreNotImported", "forged")
      yield* virtual.kube.waitUntilGone(clusterSecretStores, { name: "forged" })
      yield* assertUntouched(pair, "host", clusterSecretStores, theirs)
    }),
  )

  it.effect("1: a SecretStore is refused while SecretStores are not synced", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const body = externalSecret("own-store", { spec: { secretStoreRef: { kind: "SecretStore", name: "store" } } })
      yield* assertRefused(pair, body, "StoreKindDisabled", "SecretStore store (spec.secretStoreRef)")
    }),
  )

  it.effect(
    "3: a store that loses its label takes the host object along, and yields no new value until it has it again",
    () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host, virtual } = pair.ground
        yield* host.kube.create(clusterSecretStores, fakeStore("fickle", values))
        const object = yield* createReady(pair, externalSecret("left", { store: "fickle" }))
        const secret = yield* awaitSecret(pair, "left")
        const label = (value: string | null) =>
          host.kube.patch(
            clusterSecretStores,
            { name: "fickle" },
            { metadata: { labels: { "vcluster-accessible": value } } },
          )
        yield* label(null)
        yield* awaitRefusal(
          pair,
          object,
          "StoreNotImported",
          /fickle.*; Secret left stays as it is, without a new value since /,
        )
        yield* host.kube.waitUntilGone(externalSecrets, copyOf("left"))
        yield* host.kube.waitUntilGone(secrets, hiddenSecretOf("left"))
        yield* host.kube.apply(clusterSecretStores, fakeStore("fickle", { "/database/password": "new" }, {}))
        yield* assertServesOthers(pair, "left")
        yield* assertUntouched(pair, "virtual", secrets, secret)
        yield* label("true")
        yield* virtual.kube.waitFor(secrets, inVirtual("left"), (found) => valueOf(found, "password") === "new")
      }),
  )

  it.effect("4: a store's conditions are held against the virtual namespace, as it is now", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const conditions = [{ namespaces: ["team-x"] }, { namespaceSelector: { matchLabels: { tier: "gold" } } }]
      yield* host.kube.create(clusterSecretStores, conditioned("gold", conditions))
      yield* createNamespace(pair, "gold-team", { tier: "gold" })
      yield* createNamespace(pair, "poor-team", { tier: "iron" })
      yield* assertRefused(
        pair,
        externalSecret("no-gold", { store: "gold" }),
        "StoreConditionsNotMet",
        "namespace default",
      )
      yield* createReady(pair, externalSecret("has-gold", { store: "gold", namespace: "gold-team" }))

      const poor = yield* virtual.kube.create(
        externalSecrets,
        externalSecret("poor", { store: "gold", namespace: "poor-team" }),
      )
      yield* awaitRefusal(pair, poor, "StoreConditionsNotMet", "namespace poor-team")
      yield* virtual.kube.patch(namespaces, { name: "poor-team" }, { metadata: { labels: { tier: "gold" } } })
      yield* virtual.kube.waitFor(externalSecrets, poor.metadata, isReady)
      yield* virtual.kube.patch(namespaces, { name: "poor-team" }, { metadata: { labels: { tier: null } } })
      yield* awaitRefusal(pair, poor, "StoreConditionsNotMet", "namespace poor-team")
      yield* host.kube.waitUntilGone(externalSecrets, copyOf("poor", "poor-team"))
    }),
  )

  it.effect("4: a virtual namespace named like an allowed host namespace gains nothing", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      yield* host.kube.create(clusterSecretStores, conditioned("prod-only", [{ namespaces: ["prod"] }]))
      yield* createNamespace(pair, "prod")
      const posing = yield* virtual.kube.create(
        externalSecrets,
        externalSecret("posing", { store: "prod-only", namespace: "prod" }),
      )
      const told = yield* virtual.kube.waitFor(
        externalSecrets,
        posing.metadata,
        (object) => readyOf(object)?.status === "False",
      )
      assert.strictEqual(readyOf(told)?.reason, "SecretSyncedError")
      yield* assertServesOthers(pair, "posing")
      assert.isUndefined(yield* host.kube.find(secrets, hiddenSecretOf("posing", "prod")))
      assert.isUndefined(yield* virtual.kube.find(secrets, inVirtual("posing", "prod")))
    }),
  )

  it.effect("4: conditions that are added later close the store", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host } = pair.ground
      yield* host.kube.create(clusterSecretStores, fakeStore("closing", values))
      const object = yield* createReady(pair, externalSecret("closed-out", { store: "closing" }))
      yield* host.kube.patch(
        clusterSecretStores,
        { name: "closing" },
        { spec: { conditions: [{ namespaces: ["elsewhere"] }] } },
      )
      yield* awaitRefusal(pair, object, "StoreConditionsNotMet", "closing")
      yield* host.kube.waitUntilGone(externalSecrets, copyOf("closed-out"))
      yield* assertNothingOnHost(pair, "closed-out")
    }),
  )
})
