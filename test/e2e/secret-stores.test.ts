/** SecretStores of the tenant's own: to the host with what they refer to, and back (DESIGN §2, §5). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { stringAt, valueAt } from "../../src/effects/client/unstructured.ts"
import { hostReferenceName } from "../../src/sync/tenancy/names.ts"
import { configMaps, events, externalSecrets, secretStores, secrets } from "../support/resources.ts"
import type { SyncedPairShape } from "../support/synced-pair.ts"
import {
  createReady,
  externalSecret,
  hostRef,
  isReady,
  isRefused,
  onHost,
  readyOf,
  SyncedPair,
  valueOf,
  vcluster,
} from "../support/synced-pair.ts"

const withStores = {
  integrations: {
    externalSecrets: {
      enabled: true,
      sync: {
        toHost: {
          stores: { enabled: true, selector: { matchExpressions: [{ key: "private", operator: "DoesNotExist" }] } },
        },
        fromHost: { clusterStores: { enabled: true } },
      },
    },
  },
}

const store = (name: string, provider: object, more: object = {}, namespace = "default"): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "SecretStore",
  metadata: { name, namespace, ...more },
  spec: { provider },
})

const fake = (value: string, key = "/k") => ({ fake: { data: [{ key, value }] } })

const vault = (token: string) => ({
  vault: {
    server: "https://vault.invalid",
    path: "secret",
    version: "v2",
    auth: { tokenSecretRef: { name: token, key: "token" } },
  },
})

const from = (storeName: string, more: object = {}) => ({
  secretStoreRef: { name: storeName, kind: "SecretStore" },
  data: [{ secretKey: "password", remoteRef: { key: "/k" } }],
  ...more,
})

const secret = (name: string, data: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "default" },
  stringData: data,
})

const copyRef = (name: string) => ({
  namespace: vcluster.namespace,
  name: hostReferenceName(name, "default", vcluster.name),
})

const onPair =
  <A, E>(run: (pair: SyncedPairShape) => Effect.Effect<A, E>) =>
  (): Effect.Effect<A, E, SyncedPair> =>
    Effect.flatMap(SyncedPair, run)

layer(SyncedPair.layer({ values: withStores }), { excludeTestServices: true, timeout: "10 minutes" })(
  "SecretStore",
  (it) => {
    it.effect(
      "goes to the host, its status comes back, and an ExternalSecret of its namespace uses it by its own name",
      onPair((pair) =>
        Effect.gen(function* () {
          const { host, virtual } = pair.ground
          yield* virtual.kube.create(secretStores, store("mine", fake("first")))
          yield* virtual.kube.waitFor(secretStores, { namespace: "default", name: "mine" }, isReady)
          yield* createReady(pair, externalSecret("uses-mine", { target: { name: "from-mine" }, spec: from("mine") }))
          const made = yield* virtual.kube.waitFor(secrets, { namespace: "default", name: "from-mine" })
          assert.strictEqual(valueOf(made, "password"), "first")
          const copy = yield* host.kube.get(externalSecrets, hostRef("uses-mine"))
          assert.deepStrictEqual(valueAt(copy, "spec", "secretStoreRef"), { name: onHost("mine"), kind: "SecretStore" })
          const hostStore = yield* host.kube.get(secretStores, hostRef("mine"))
          assert.deepStrictEqual(valueAt(hostStore, "spec", "provider"), fake("first"))
          assert.strictEqual(hostStore.metadata.ownerReferences?.[0]?.name, vcluster.name)
        }),
      ),
    )

    it.effect(
      "an edit of the tenant reaches the host, one of the operator the tenant; the tenant wins a conflict and is told",
      onPair((pair) =>
        Effect.gen(function* () {
          const { host, virtual } = pair.ground
          const ref = { namespace: "default", name: "both" }
          yield* virtual.kube.create(secretStores, store("both", { fake: { data: [{ key: "/k", value: "v" }] } }))
          yield* host.kube.waitFor(secretStores, hostRef("both"))
          yield* host.kube.patch(secretStores, hostRef("both"), { spec: { refreshInterval: 77 } })
          yield* virtual.kube.waitFor(secretStores, ref, (each) => valueAt(each, "spec", "refreshInterval") === 77)
          yield* virtual.kube.patch(secretStores, ref, { spec: { provider: fake("new") } })
          const hostStore = yield* host.kube.waitFor(
            secretStores,
            hostRef("both"),
            (each) => JSON.stringify(valueAt(each, "spec", "provider")) === JSON.stringify(fake("new")),
          )
          assert.strictEqual(valueAt(hostStore, "spec", "refreshInterval"), 77)
        }),
      ),
    )

    it.effect(
      "edits on both sides while no syncer runs are put together; the tenant's stands where they conflict, and an event says so",
      onPair((pair) =>
        Effect.gen(function* () {
          const { host, virtual } = pair.ground
          const ref = { namespace: "default", name: "apart" }
          yield* virtual.kube.create(secretStores, store("apart", fake("v")))
          yield* host.kube.waitFor(secretStores, hostRef("apart"))
          const { syncer } = pair
          assert.isDefined(syncer)
          yield* syncer?.signal("SIGTERM") ?? Effect.void
          yield* syncer?.finished ?? Effect.void
          yield* host.kube.patch(secretStores, hostRef("apart"), {
            spec: { refreshInterval: 55, controller: "of-the-operator" },
          })
          yield* virtual.kube.patch(secretStores, ref, {
            spec: { provider: fake("edited"), controller: "of-the-tenant" },
          })
          yield* pair.startFollow()
          const merged = yield* host.kube.waitFor(
            secretStores,
            hostRef("apart"),
            (each) => valueAt(each, "spec", "controller") === "of-the-tenant",
          )
          assert.deepInclude(merged["spec"], {
            provider: fake("edited"),
            refreshInterval: 55,
            controller: "of-the-tenant",
          })
          const own = yield* virtual.kube.get(secretStores, ref)
          assert.deepInclude(own["spec"], {
            provider: fake("edited"),
            refreshInterval: 55,
            controller: "of-the-tenant",
          })
          const [event] = yield* virtual.kube.waitForList(
            events,
            { namespace: "default", fieldSelector: "involvedObject.name=apart,reason=HostEditOverruled" },
            (found) => found.length > 0,
          )
          assert.include(stringAt(event, "message"), "spec.controller")
        }),
      ),
    )

    it.effect(
      "what it refers to is copied under a name that vCluster never gives, kept up to date, and goes with the last reference",
      onPair((pair) =>
        Effect.gen(function* () {
          const { host, virtual } = pair.ground
          yield* virtual.kube.create(secrets, secret("vault-token", { token: "t0k3n", other: "x" }))
          yield* virtual.kube.create(secretStores, store("vault", vault("vault-token")))
          const copy = yield* host.kube.waitFor(secrets, copyRef("vault-token"))
          assert.strictEqual(valueOf(copy, "token"), "t0k3n")
          const hostStore = yield* host.kube.waitFor(secretStores, hostRef("vault"))
          assert.deepStrictEqual(valueAt(hostStore, "spec", "provider", "vault", "auth", "tokenSecretRef"), {
            name: copyRef("vault-token").name,
            key: "token",
          })
          yield* virtual.kube.patch(
            secrets,
            { namespace: "default", name: "vault-token" },
            { stringData: { token: "new" } },
          )
          yield* host.kube.waitFor(secrets, copyRef("vault-token"), (each) => valueOf(each, "token") === "new")
          yield* host.kube.patch(secrets, copyRef("vault-token"), { stringData: { token: "by hand" } })
          yield* host.kube.waitFor(secrets, copyRef("vault-token"), (each) => valueOf(each, "token") === "new")
          yield* virtual.kube.create(secretStores, store("second", vault("vault-token")))
          yield* host.kube.waitFor(secretStores, hostRef("second"))
          yield* virtual.kube.delete(secretStores, { namespace: "default", name: "vault" })
          yield* host.kube.waitUntilGone(secretStores, hostRef("vault"))
          assert.isDefined(yield* host.kube.find(secrets, copyRef("vault-token")))
          yield* virtual.kube.delete(secretStores, { namespace: "default", name: "second" })
          yield* host.kube.waitUntilGone(secrets, copyRef("vault-token"))
        }),
      ),
    )

    it.effect(
      "ESO's word about a Secret that is not there comes back in the tenant's names",
      onPair((pair) =>
        Effect.gen(function* () {
          const { virtual } = pair.ground
          yield* virtual.kube.create(secretStores, store("dangling", vault("nowhere")))
          const told = yield* virtual.kube.waitFor(
            secretStores,
            { namespace: "default", name: "dangling" },
            (each) => readyOf(each)?.status === "False",
          )
          assert.strictEqual(readyOf(told)?.reason, "InvalidProviderConfig")
          assert.notInclude(JSON.stringify(told["status"]), vcluster.name)
          assert.notInclude(JSON.stringify(told["status"]), vcluster.namespace)
          assert.notInclude(JSON.stringify(told["status"]), ".ref")
        }),
      ),
    )

    it.effect(
      "templates come from Secrets and ConfigMaps of the namespace",
      onPair((pair) =>
        Effect.gen(function* () {
          const { virtual } = pair.ground
          yield* virtual.kube.create(secretStores, store("for-templates", fake("p4ss")))
          yield* virtual.kube.create(configMaps, {
            apiVersion: "v1",
            kind: "ConfigMap",
            metadata: { name: "template", namespace: "default" },
            data: { "app.conf": "password={{ .password }}" },
          })
          const template = { templateFrom: [{ configMap: { name: "template", items: [{ key: "app.conf" }] } }] }
          yield* createReady(pair, externalSecret("templated", { target: { template }, spec: from("for-templates") }))
          const made = yield* virtual.kube.waitFor(secrets, { namespace: "default", name: "templated" })
          assert.strictEqual(valueOf(made, "app.conf"), "password=p4ss")
          yield* virtual.kube.delete(externalSecrets, { namespace: "default", name: "templated" })
          yield* pair.ground.host.kube.waitUntilGone(configMaps, copyRef("template"))
        }),
      ),
    )

    it.effect(
      "a store that is missing, refused or not selected is named at the ExternalSecret, which comes to life with it",
      onPair((pair) =>
        Effect.gen(function* () {
          const { virtual } = pair.ground
          const ref = { namespace: "default", name: "early" }
          yield* virtual.kube.create(externalSecrets, externalSecret("early", { spec: from("late") }))
          yield* virtual.kube.waitFor(externalSecrets, ref, isRefused("SecretStoreNotFound"))
          yield* virtual.kube.create(secretStores, store("late", fake("v"), { labels: { private: "yes" } }))
          yield* virtual.kube.patch(
            secretStores,
            { namespace: "default", name: "late" },
            { metadata: { labels: { private: null } } },
          )
          yield* virtual.kube.waitFor(externalSecrets, ref, isReady)
          yield* virtual.kube.patch(
            secretStores,
            { namespace: "default", name: "late" },
            {
              spec: {
                provider: {
                  fake: null,
                  kubernetes: { remoteNamespace: "kube-system", auth: { serviceAccount: { name: "x" } } },
                },
              },
            },
          )
          const before = yield* pair.ground.host.kube.get(secretStores, hostRef("late"))
          const told = yield* virtual.kube.waitFor(
            secretStores,
            { namespace: "default", name: "late" },
            isRefused("ProviderNotAllowed"),
          )
          // A mistake in an edit changes nothing: what was accepted before serves.
          assert.match(readyOf(told)?.message ?? "", /generation \d+ of it stays on the host/)
          const after = yield* pair.ground.host.kube.get(secretStores, hostRef("late"))
          assert.deepStrictEqual([after.metadata.uid, after["spec"]], [before.metadata.uid, before["spec"]])
          assert.isDefined(yield* virtual.kube.find(secrets, { namespace: "default", name: "early" }))
        }),
      ),
    )
  },
)
