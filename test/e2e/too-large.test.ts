/** What is as large as an API server takes, and what is larger: told where it belongs, and nobody else's trouble. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { stringMapAt, valueAt } from "../../src/effects/client/unstructured.ts"
import { assertServesOthers, copyOf, inVirtual } from "../support/attack.ts"
import { clusterSecretStores, events, externalSecrets, secrets, secretStores } from "../support/resources.ts"
import { referenceOf, secretStore, tokenRef, valuesWithStores } from "../support/secret-stores.ts"
import { externalSecret, fakeStore, readyOf, SyncedPair, vcluster } from "../support/synced-pair.ts"

const vaultOf = (store: KubeObject, field: string): unknown => valueAt(store, "spec", "provider", "vault", field)
const bundleOf = (store: KubeObject): unknown => vaultOf(store, "caBundle")

/** `MaxSecretSize` of Kubernetes: all values of a Secret together, in bytes. */
const limit = 1024 * 1024

layer(SyncedPair.layer({ values: valuesWithStores }), { excludeTestServices: true, timeout: "10 minutes" })(
  "sizes",
  (it) => {
    it.effect("a Secret of just a mebibyte follows the store that refers to it", () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host, virtual } = pair.ground
        yield* virtual.kube.create(secrets, {
          apiVersion: "v1",
          kind: "Secret",
          metadata: { name: "large", namespace: "default" },
          data: { token: Buffer.alloc(limit, 97).toString("base64") },
        })
        yield* virtual.kube.create(secretStores, secretStore("large", tokenRef({ name: "large" })))
        const copy = yield* host.kube.waitFor(secrets, referenceOf("large"))
        assert.strictEqual(Buffer.from(stringMapAt(copy, "data")["token"] ?? "", "base64").length, limit)
      }),
    )

    it.effect(
      "a SecretStore with a whole CA bundle goes to the host, and edits of both sides are still put together",
      () =>
        Effect.gen(function* () {
          const pair = yield* SyncedPair
          const { host, virtual } = pair.ground
          const ref = inVirtual("bundle")
          // As large as Debian's, and no certificate: who reads it is ESO, when it uses the store.
          const caBundle = Buffer.alloc(220_000, 97).toString("base64")
          const vault = {
            server: "https://vault.invalid",
            path: "secret",
            auth: { tokenSecretRef: { name: "t", key: "t" } },
          }
          const withBundle = secretStore("bundle", { vault: { ...vault, caBundle } })
          yield* virtual.kube.create(secretStores, withBundle)
          yield* host.kube.waitFor(secretStores, copyOf("bundle"), (store) => bundleOf(store) === caBundle)
          yield* host.kube.patch(secretStores, copyOf("bundle"), { spec: { provider: { vault: { path: "kv" } } } })
          yield* virtual.kube.waitFor(secretStores, ref, (store) => vaultOf(store, "path") === "kv")
          const edited = `YWFi${caBundle.slice(4)}`
          yield* virtual.kube.patch(secretStores, ref, { spec: { provider: { vault: { caBundle: edited } } } })
          const copy = yield* host.kube.waitFor(secretStores, copyOf("bundle"), (store) => bundleOf(store) === edited)
          assert.strictEqual(vaultOf(copy, "path"), "kv")
        }),
    )

    it.effect("a Secret that would be larger is no Secret: condition and event say so in the tenant's names", () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host, virtual } = pair.ground
        const half = "x".repeat(600 * 1024)
        for (const name of ["half-one", "half-two"])
          yield* host.kube.create(clusterSecretStores, fakeStore(name, { "/half": half }))
        const entry = (store: string) => ({
          secretKey: store,
          remoteRef: { key: "/half" },
          sourceRef: { storeRef: { name: store, kind: "ClusterSecretStore" } },
        })
        const made = yield* virtual.kube.create(
          externalSecrets,
          externalSecret("too-large", { store: "half-one", spec: { data: [entry("half-one"), entry("half-two")] } }),
        )
        const told = yield* virtual.kube.waitFor(
          externalSecrets,
          inVirtual("too-large"),
          (object) => readyOf(object)?.reason === "SecretSyncedError",
        )
        assert.strictEqual(readyOf(told)?.status, "False")
        const found = yield* virtual.kube.waitForList(
          events,
          { namespace: "default", fieldSelector: `involvedObject.uid=${made.metadata.uid},reason=UpdateFailed` },
          (list) => list.some((event) => JSON.stringify(event["message"]).includes("1048576")),
        )
        assert.notInclude(JSON.stringify(found.map((event) => event["message"])), vcluster.name)
        assert.isUndefined(yield* virtual.kube.find(secrets, inVirtual("too-large")))
        yield* assertServesOthers(pair, "too-large")
      }),
    )
  },
)
