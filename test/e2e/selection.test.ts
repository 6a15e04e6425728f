/** Selectors: what is chosen is synced, what stops being chosen goes from the other side as if it had been deleted. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { clusterSecretStores, externalSecrets, secrets } from "../support/resources.ts"
import {
  awaitSecret,
  createReady,
  externalSecret,
  fakeStore,
  hostRef,
  isRefused,
  readyOf,
  SyncedPair,
} from "../support/synced-pair.ts"

const values = {
  integrations: {
    externalSecrets: {
      enabled: true,
      sync: {
        toHost: {
          externalSecrets: {
            selector: {
              matchLabels: { sync: "true" },
              matchExpressions: [{ key: "stage", operator: "NotIn", values: ["draft"] }],
            },
          },
        },
        fromHost: {
          clusterStores: { enabled: true, selector: { matchLabels: { "vcluster-accessible": "true" } } },
        },
      },
    },
  },
}

const chosen = { sync: "true" }

layer(SyncedPair.layer({ values }), { excludeTestServices: true, timeout: "10 minutes" })("selection", (it) => {
  it.effect("an ExternalSecret that does not match is not touched, and synced once it matches", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const plain = yield* virtual.kube.create(externalSecrets, externalSecret("plain"))
      yield* virtual.kube.create(externalSecrets, externalSecret("draft", { labels: { ...chosen, stage: "draft" } }))
      // The one that matches was created last: when it is ready, the others have been looked at.
      yield* createReady(pair, externalSecret("match", { labels: chosen }))
      assert.isUndefined(yield* host.kube.find(externalSecrets, hostRef("plain")))
      assert.isUndefined(yield* host.kube.find(externalSecrets, hostRef("draft")))
      const untouched = yield* virtual.kube.get(externalSecrets, plain.metadata)
      assert.strictEqual(untouched.metadata.resourceVersion, plain.metadata.resourceVersion)
      yield* virtual.kube.patch(externalSecrets, plain.metadata, { metadata: { labels: chosen } })
      yield* awaitSecret(pair, "plain")
    }),
  )

  it.effect("one that stops matching is removed on the host, and its Secret in the virtual cluster", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const object = yield* createReady(pair, externalSecret("leaves", { labels: chosen }))
      yield* awaitSecret(pair, "leaves")
      yield* virtual.kube.patch(externalSecrets, object.metadata, { metadata: { labels: { sync: "false" } } })
      yield* host.kube.waitUntilGone(externalSecrets, hostRef("leaves"))
      yield* virtual.kube.waitUntilGone(secrets, object.metadata)
      const told = yield* virtual.kube.waitFor(externalSecrets, object.metadata, isRefused("NotSelected"))
      assert.include(readyOf(told)?.message, "sync=true")
    }),
  )

  it.effect("a ClusterSecretStore is imported, put right when edited or deleted, and goes with its label", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      // Case 30: what says what it is comes along; by what others claim it does not.
      const labels = { app: "vault", owner: "platform", release: "stores", "vcluster-accessible": "true" }
      const claims = { "app.kubernetes.io/instance": "stores", "argocd.argoproj.io/instance": "stores" }
      yield* host.kube.create(clusterSecretStores, fakeStore("shared", { a: "1" }, { ...labels, ...claims }))
      yield* host.kube.create(clusterSecretStores, fakeStore("private", { a: "1" }, {}))
      const imported = yield* virtual.kube.waitFor(
        clusterSecretStores,
        { name: "shared" },
        (store) => readyOf(store)?.status === "True",
      )
      assert.deepStrictEqual(imported.metadata.labels, { ...labels, "vcluster-es.io/managed": "true" })
      assert.isUndefined(yield* virtual.kube.find(clusterSecretStores, { name: "private" }))
      yield* virtual.kube.patch(
        clusterSecretStores,
        { name: "shared" },
        { spec: { provider: { fake: { data: [{ key: "a", value: "forged" }] } } } },
      )
      yield* virtual.kube.waitFor(
        clusterSecretStores,
        { name: "shared" },
        (store) => store.metadata.generation === 3 && JSON.stringify(store["spec"]).includes('"1"'),
      )
      yield* virtual.kube.delete(clusterSecretStores, { name: "shared" })
      yield* virtual.kube.waitFor(
        clusterSecretStores,
        { name: "shared" },
        (store) => store.metadata.uid !== imported.metadata.uid,
      )
      yield* host.kube.patch(
        clusterSecretStores,
        { name: "shared" },
        { metadata: { labels: { "vcluster-accessible": null } } },
      )
      yield* virtual.kube.waitUntilGone(clusterSecretStores, { name: "shared" })
    }),
  )
})
