/**
 * The documented examples against backends that answer: AWS Secrets Manager and Parameter Store (moto), the host's own API server, ESO's
 * `fake`. The YAML is the documentation's (`../support/documented.ts`); what is changed in it: IRSA, which needs Amazon, gives way to
 * `auth.secretRef`; and on a host whose ESO serves `v1` only (0.17 and later), the ClusterSecretStores there are applied as `v1`.
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { isDeepStrictEqual } from "node:util"
import { stringify } from "yaml"
import { arrayAt, recordAt, stringAt, stringMapAt, valueAt } from "../../src/effects/client/unstructured.ts"
import type { Moto } from "../clusters/moto.ts"
import type { EsoVersion } from "../clusters/tool-sets.ts"
import {
  applyText,
  awsAuth,
  awsStore,
  createAwsKeys,
  createBackend,
  createNamespace,
  grantReader,
  kubernetesStore,
  objectsOf,
  opaque,
  specWithDefaults,
} from "../support/backends.ts"
import { documented } from "../support/documented.ts"
import { clusterSecretStores, externalSecrets, secrets } from "../support/resources.ts"
import {
  awaitSecret,
  createReady,
  externalSecret,
  fakeStore,
  isReady,
  readyOf,
  SyncedPair,
  type SyncedPairShape,
  valueOf,
} from "../support/synced-pair.ts"

const motoOf = (pair: SyncedPairShape): Effect.Effect<Moto> =>
  pair.moto === undefined ? Effect.die(new Error("the pair was made without moto")) : Effect.succeed(pair.moto)

/** The documentation writes `v1beta1`. */
const apiVersionFor: Readonly<Record<EsoVersion, string>> = {
  "0.16": "external-secrets.io/v1beta1",
  "0.20": "external-secrets.io/v1",
}

/** The documented store with keys in place of IRSA. */
const documentedAwsStore = (version: EsoVersion): string =>
  stringify(
    objectsOf(documented.awsClusterStore).map((store) => ({
      ...store,
      apiVersion: apiVersionFor[version],
      spec: { provider: { aws: { ...recordAt(store, "spec", "provider", "aws"), auth: awsAuth } } },
    }))[0],
  )

const database = (password: string): string => JSON.stringify({ username: "app", password })

const awaitValue = (pair: SyncedPairShape, ref: { namespace: string; name: string }, key: string, value: string) =>
  pair.ground.virtual.kube.waitFor(secrets, ref, (secret) => valueOf(secret, key) === value)

/** "Issue: Secrets Not Refreshing", step 3, with the virtual cluster's kubectl. */
const forceSync = Effect.fnUntraced(function* (pair: SyncedPairShape, namespace: string, name: string) {
  const stamp = `force-sync=${Math.floor(Date.now() / 1000)}`
  const args = ["annotate", "externalsecret", name, "-n", namespace, stamp, "--overwrite"]
  const annotated = yield* pair.ground.kubectl(pair.ground.virtual, args)
  assert.strictEqual(annotated.code, 0, annotated.stderr)
})

/** "Complete Example: AWS Secrets Manager", step by step. */
const completeExample = (version: EsoVersion) =>
  Effect.gen(function* () {
    const pair = yield* SyncedPair
    const moto = yield* motoOf(pair)
    const { host, virtual } = pair.ground
    const target = { namespace: "production", name: "db-credentials" }
    yield* createAwsKeys(pair)
    yield* moto.putSecret("production/database", database("first"))
    yield* applyText(pair, host, documentedAwsStore(version))
    yield* host.kube.waitFor(clusterSecretStores, { name: "aws-secrets-manager" }, isReady)
    yield* virtual.kube.waitFor(clusterSecretStores, { name: "aws-secrets-manager" }, isReady)
    yield* createNamespace(virtual, "production")
    yield* applyText(pair, virtual, documented.awsExternalSecret)
    const secret = yield* awaitValue(pair, target, "password", "first")
    assert.deepStrictEqual(Object.keys(stringMapAt(secret, "data")).toSorted(), ["password", "username"])
    const shown = yield* pair.ground.kubectl(virtual, [
      "get",
      "externalsecret",
      "database-credentials",
      "-n",
      "production",
    ])
    assert.match(shown.stdout, /database-credentials .*15m.* SecretSynced +True/)
    const got = yield* pair.ground.kubectl(virtual, ["get", "secret", "db-credentials", "-n", "production"])
    assert.match(got.stdout, /db-credentials +Opaque +2 /)

    yield* moto.putSecret("production/database", database("second"))
    yield* forceSync(pair, "production", "database-credentials")
    yield* awaitValue(pair, target, "password", "second")
  })

/** Applies the stores on the host; in the virtual cluster they have every field that is written there, and no other. */
const importsStores = Effect.fnUntraced(function* (text: string, version: EsoVersion) {
  const pair = yield* SyncedPair
  const { host, virtual } = pair.ground
  const stores = objectsOf(text).map((store) => ({ ...store, apiVersion: apiVersionFor[version] }))
  yield* applyText(pair, host, stores.map((store) => stringify(store)).join("---\n"))
  for (const store of stores) {
    const { name } = store.metadata
    const expected = specWithDefaults(store, version)
    // A store of this name may be there already, as another example has it.
    const imported = yield* virtual.kube.waitFor(
      clusterSecretStores,
      { name },
      (object) => isDeepStrictEqual(valueAt(object, "spec"), expected),
      { what: `the spec ${JSON.stringify(expected)}` },
    )
    assert.deepInclude(imported.metadata.labels, store.metadata.labels)
  }
})

layer(SyncedPair.layer({ moto: true }), { excludeTestServices: true, timeout: "10 minutes" })("real backends", (it) => {
  it.effect("AWS Secrets Manager: the complete example, and a rotation", () => completeExample("0.20"))

  it.effect("AWS Secrets Manager: a rotation arrives with the refresh interval", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const moto = yield* motoOf(pair)
      yield* moto.putSecret("interval/key", "one")
      const body = externalSecret("interval", {
        store: "aws-secrets-manager",
        key: "interval/key",
        spec: { refreshInterval: "1s" },
      })
      yield* createReady(pair, body)
      const ref = { namespace: "default", name: "interval" }
      yield* awaitValue(pair, ref, "password", "one")
      yield* moto.putSecret("interval/key", "two")
      yield* awaitValue(pair, ref, "password", "two")
    }),
  )

  it.effect("AWS Secrets Manager: dataFrom.find, property and a secret that is not there", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const moto = yield* motoOf(pair)
      yield* moto.putSecret("shop/a", "1")
      yield* moto.putSecret("shop/b", "2")
      yield* moto.putSecret("elsewhere", "3")
      const storeRef = { name: "aws-secrets-manager", kind: "ClusterSecretStore" }
      const body = externalSecret("found")
      yield* createReady(pair, {
        ...body,
        spec: { secretStoreRef: storeRef, dataFrom: [{ find: { name: { regexp: "^shop/.*" } } }] },
      })
      const found = yield* awaitSecret(pair, "found")
      assert.deepStrictEqual(Object.keys(stringMapAt(found, "data")).toSorted(), ["shop_a", "shop_b"])
      assert.strictEqual(valueOf(found, "shop_b"), "2")

      yield* moto.putSecret("shop/json", database("deep"))
      yield* createReady(
        pair,
        externalSecret("property", {
          store: "aws-secrets-manager",
          spec: { data: [{ secretKey: "pw", remoteRef: { key: "shop/json", property: "password" } }] },
        }),
      )
      assert.strictEqual(valueOf(yield* awaitSecret(pair, "property"), "pw"), "deep")

      const { kube } = pair.ground.virtual
      yield* kube.create(externalSecrets, externalSecret("absent", { store: "aws-secrets-manager", key: "no/such" }))
      const refused = yield* kube.waitFor(
        externalSecrets,
        { namespace: "default", name: "absent" },
        (object) => readyOf(object)?.status === "False",
      )
      assert.deepInclude(readyOf(refused), { reason: "SecretSyncedError" })
      yield* moto.putSecret("no/such", "now")
      yield* forceSync(pair, "default", "absent")
      assert.strictEqual(valueOf(yield* awaitSecret(pair, "absent"), "password"), "now")
    }),
  )

  it.effect("Parameter Store: the first documented example, and a rotation", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const moto = yield* motoOf(pair)
      const { host, virtual } = pair.ground
      const target = { namespace: "default", name: "my-app-secret" }
      yield* moto.putParameter("/production/database/password", "first")
      yield* host.kube.create(clusterSecretStores, awsStore("aws-parameter-store", "ParameterStore"))
      yield* virtual.kube.waitFor(clusterSecretStores, { name: "aws-parameter-store" }, isReady)
      const listed = yield* pair.ground.kubectl(virtual, ["get", "clustersecretstores"])
      assert.match(listed.stdout, /aws-parameter-store +\S+ +Valid +ReadWrite +True/)
      yield* applyText(pair, virtual, documented.clusterStoreExample)
      yield* awaitValue(pair, target, "password", "first")
      yield* moto.putParameter("/production/database/password", "second")
      yield* forceSync(pair, "default", "aws-secret")
      yield* awaitValue(pair, target, "password", "second")
    }),
  )

  it.effect("kubernetes: Secrets of another namespace of the host, and a rotation", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host } = pair.ground
      yield* createBackend(host, "backend")
      yield* grantReader(host, "backend")
      yield* host.kube.create(secrets, opaque("backend", "database", { password: "one", user: "app" }))
      yield* host.kube.create(clusterSecretStores, kubernetesStore(host, "backend", "backend"))
      yield* createReady(pair, {
        ...externalSecret("from-kubernetes"),
        spec: {
          refreshInterval: "1s",
          secretStoreRef: { name: "backend", kind: "ClusterSecretStore" },
          dataFrom: [{ extract: { key: "database" } }],
        },
      })
      const ref = { namespace: "default", name: "from-kubernetes" }
      const secret = yield* awaitValue(pair, ref, "password", "one")
      assert.strictEqual(valueOf(secret, "user"), "app")
      yield* host.kube.patch(secrets, { namespace: "backend", name: "database" }, { data: { password: btoa("two") } })
      yield* awaitValue(pair, ref, "password", "two")
    }),
  )

  it.effect("Vault, AWS, Azure and GCP: the documented stores, as v1, are imported field by field", () =>
    Effect.forEach([documented.vaultClusterStore, documented.multiCloud], (text) => importsStores(text, "0.20")),
  )

  it.effect("fake: extract and a rotation", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host } = pair.ground
      yield* host.kube.create(clusterSecretStores, fakeStore("exact", { "/json": database("one") }))
      yield* createReady(pair, {
        ...externalSecret("from-fake"),
        spec: {
          refreshInterval: "1h",
          secretStoreRef: { name: "exact", kind: "ClusterSecretStore" },
          dataFrom: [{ extract: { key: "/json" } }],
        },
      })
      const ref = { namespace: "default", name: "from-fake" }
      yield* awaitValue(pair, ref, "password", "one")
      yield* host.kube.apply(clusterSecretStores, fakeStore("exact", { "/json": database("two") }))
      yield* forceSync(pair, "default", "from-fake")
      yield* awaitValue(pair, ref, "password", "two")
    }),
  )
})

layer(SyncedPair.layer({ moto: true, eso: { version: "0.16" } }), {
  excludeTestServices: true,
  timeout: "10 minutes",
})("an ESO that serves v1beta1", (it) => {
  it.effect("AWS Secrets Manager: the complete example, with no other change than the keys", () =>
    completeExample("0.16"),
  )

  for (const [what, text] of [
    ["the Vault example", documented.vaultClusterStore],
    ["the multi-cloud example", documented.multiCloud],
    ["the AWS example, with IRSA", documented.awsClusterStore],
  ] as const)
    it.effect(`the stores of ${what}, word for word, are imported field by field`, () => importsStores(text, "0.16"))

  it.effect("the ExternalSecret of the Vault example stands on the host field by field, under its host names", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      yield* virtual.kube.waitFor(clusterSecretStores, { name: "vault-backend" })
      yield* applyText(pair, virtual, documented.vaultExternalSecret)
      const [written] = objectsOf(documented.vaultExternalSecret)
      const ref = { namespace: "team-x", name: "api-keys-x-default-x-my-vcluster" }
      const copy = yield* host.kube.waitFor(externalSecrets, ref)
      assert.match(
        stringAt(copy, "spec", "target", "name") ?? "",
        /^api-credentials-x-default-x-my-vcluster-[0-9a-f]{32}\.es$/,
      )
      assert.deepStrictEqual(valueAt(copy, "spec", "secretStoreRef"), valueAt(written, "spec", "secretStoreRef"))
      assert.match(stringAt(copy, "spec", "refreshInterval") ?? "", /^10m(0s)?$/)
      const references = [
        { secretKey: "apiKey", key: "apps/my-app", property: "api_key" },
        { secretKey: "apiSecret", key: "apps/my-app", property: "api_secret" },
      ]
      for (const [index, { secretKey, ...remoteRef }] of references.entries()) {
        const entry = arrayAt(copy, "spec", "data")[index]
        assert.strictEqual(stringAt(entry, "secretKey"), secretKey)
        assert.deepInclude(recordAt(entry, "remoteRef"), remoteRef)
      }
    }),
  )
})
