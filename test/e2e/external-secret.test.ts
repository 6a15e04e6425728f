/** The life of an ExternalSecret, with the built binary and the real ESO. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { arrayAt, stringAt, stringMapAt } from "../../src/effects/client/unstructured.ts"
import { hostName, hostSecretName } from "../../src/sync/tenancy/names.ts"
import { metadataHashAnnotation } from "../../src/sync/tenancy/labels.ts"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { clusterSecretStores, externalSecrets, namespaces, secrets } from "../support/resources.ts"
import {
  awaitSecret,
  createReady,
  externalSecret,
  fakeStore,
  hostRef,
  isReady,
  readyOf,
  SyncedPair,
  valueOf,
  vcluster,
} from "../support/synced-pair.ts"

const inVirtual = (name: string) => ({ namespace: "default", name })

const namespace = (name: string): KubeObject => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } })

const newUid = (before: KubeObject) => (object: KubeObject) => object.metadata.uid !== before.metadata.uid

layer(SyncedPair.layer(), { excludeTestServices: true, timeout: "10 minutes" })("an ExternalSecret", (it) => {
  it.effect("is created on the host, and status and Secret come back in the tenant's names", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host } = pair.ground
      const virtual = yield* createReady(
        pair,
        externalSecret("create", { target: { name: "app-secret" }, labels: { team: "a", app: "web" } }),
      )
      const secret = yield* awaitSecret(pair, "app-secret")
      assert.strictEqual(valueOf(secret, "password"), "s3cret")
      assert.strictEqual(secret.metadata.ownerReferences?.[0]?.uid, virtual.metadata.uid)
      assert.strictEqual(secret.metadata.ownerReferences?.[0]?.controller, true)
      assert.deepInclude(secret.metadata.labels, { team: "a", app: "web", "vcluster-es.io/managed": "true" })
      assert.strictEqual(stringAt(virtual, "status", "binding", "name"), "app-secret")
      assert.deepInclude(readyOf(virtual), { reason: "SecretSynced", message: "secret synced" })

      const copy = yield* host.kube.get(externalSecrets, hostRef("create"))
      assert.deepStrictEqual(copy.metadata.labels, { "vcluster-es.io/managed-by": vcluster.name })
      assert.strictEqual(copy.metadata.annotations?.["vcluster-es.io/virtual-uid"], virtual.metadata.uid)
      assert.deepInclude(copy.metadata.ownerReferences?.[0], {
        kind: "Service",
        name: vcluster.name,
        controller: false,
      })
      const hidden = hostSecretName("app-secret", "default", vcluster.name)
      assert.strictEqual(stringAt(copy, "spec", "target", "name"), hidden)
      assert.isDefined(yield* host.kube.find(secrets, { namespace: vcluster.namespace, name: hidden }))
    }),
  )

  it.effect("is updated on the host when its spec, labels or annotations change", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      yield* createReady(pair, externalSecret("update"))
      const first = yield* host.kube.get(externalSecrets, hostRef("update"))
      yield* virtual.kube.patch(externalSecrets, inVirtual("update"), {
        metadata: { labels: { tier: "one" }, annotations: { note: "hello" } },
        spec: { refreshInterval: "30m" },
      })
      const changed = yield* host.kube.waitFor(externalSecrets, hostRef("update"), (copy) =>
        /^30m(0s)?$/.test(stringAt(copy, "spec", "refreshInterval") ?? ""),
      )
      const [before, after] = [first, changed].map(({ metadata }) => metadata.annotations?.[metadataHashAnnotation])
      assert.notStrictEqual(before, after)
      assert.notInclude(JSON.stringify(changed.metadata), "tier")
      assert.notInclude(JSON.stringify(changed.metadata), "hello")
      yield* virtual.kube.waitFor(
        secrets,
        inVirtual("update"),
        ({ metadata }) => metadata.labels?.["tier"] === "one" && metadata.annotations?.["note"] === "hello",
      )
      yield* virtual.kube.patch(externalSecrets, inVirtual("update"), { metadata: { labels: { tier: null } } })
      yield* virtual.kube.waitFor(
        secrets,
        inVirtual("update"),
        ({ metadata }) => metadata.labels?.["tier"] === undefined,
      )
    }),
  )

  it.effect("takes its host object and both Secrets along when it is deleted", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      yield* createReady(pair, externalSecret("delete"))
      yield* awaitSecret(pair, "delete")
      // The Secret is Kubernetes' to collect.
      yield* virtual.restartControllerManager
      yield* virtual.kube.delete(externalSecrets, inVirtual("delete"))
      yield* host.kube.waitUntilGone(externalSecrets, hostRef("delete"))
      yield* host.kube.waitUntilGone(secrets, {
        namespace: vcluster.namespace,
        name: hostSecretName("delete", "default", vcluster.name),
      })
      yield* virtual.kube.waitUntilGone(secrets, inVirtual("delete"))
    }),
  )

  it.effect("deleted and recreated, is fetched anew: the host object is another one", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      yield* createReady(pair, externalSecret("again"))
      const before = yield* host.kube.get(externalSecrets, hostRef("again"))
      yield* virtual.kube.delete(externalSecrets, inVirtual("again"))
      const recreated = yield* createReady(pair, externalSecret("again"))
      const after = yield* host.kube.waitFor(externalSecrets, hostRef("again"), newUid(before))
      assert.strictEqual(after.metadata.annotations?.["vcluster-es.io/virtual-uid"], recreated.metadata.uid)
      yield* virtual.kube.waitFor(
        secrets,
        inVirtual("again"),
        (secret) => secret.metadata.ownerReferences?.[0]?.uid === recreated.metadata.uid,
      )
    }),
  )

  it.effect("fetches at once when it is annotated with force-sync, and a rotated value arrives", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      yield* host.kube.create(clusterSecretStores, fakeStore("rotating", { "/database/password": "one" }))
      yield* createReady(pair, externalSecret("rotate", { store: "rotating" }))
      assert.strictEqual(valueOf(yield* awaitSecret(pair, "rotate"), "password"), "one")
      yield* host.kube.patch(
        clusterSecretStores,
        { name: "rotating" },
        {
          spec: { provider: { fake: { data: [{ key: "/database/password", value: "two" }] } } },
        },
      )
      yield* virtual.kube.patch(externalSecrets, inVirtual("rotate"), {
        metadata: { annotations: { "force-sync": "1" } },
      })
      const rotated = yield* virtual.kube.waitFor(
        secrets,
        inVirtual("rotate"),
        (secret) => valueOf(secret, "password") === "two",
      )
      assert.deepStrictEqual(Object.keys(stringMapAt(rotated, "data")), ["password"])
    }),
  )

  it.effect("with a renamed target moves its Secret", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      yield* createReady(pair, externalSecret("move", { target: { name: "old-name" } }))
      yield* awaitSecret(pair, "old-name")
      yield* virtual.kube.patch(externalSecrets, inVirtual("move"), { spec: { target: { name: "new-name" } } })
      yield* awaitSecret(pair, "new-name")
      yield* virtual.kube.waitUntilGone(secrets, inVirtual("old-name"))
      yield* host.kube.waitUntilGone(secrets, {
        namespace: vcluster.namespace,
        name: hostSecretName("old-name", "default", vcluster.name),
      })
      yield* virtual.kube.waitFor(
        externalSecrets,
        inVirtual("move"),
        (object) => stringAt(object, "status", "binding", "name") === "new-name",
      )
    }),
  )

  it.effect("edited on the host by hand is put right, but for what others add to its labels", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host } = pair.ground
      yield* createReady(pair, externalSecret("edited"))
      yield* host.kube.patch(externalSecrets, hostRef("edited"), {
        metadata: { labels: { "vcluster-es.io/managed-by": null, by: "hand" } },
        spec: { data: [{ secretKey: "other", remoteRef: { key: "/other" } }] },
      })
      yield* host.kube.waitFor(externalSecrets, hostRef("edited"), (copy) => {
        return (
          stringAt(arrayAt(copy, "spec", "data")[0], "secretKey") === "password" &&
          copy.metadata.labels?.["vcluster-es.io/managed-by"] === vcluster.name &&
          copy.metadata.labels?.["by"] === "hand"
        )
      })
    }),
  )

  it.effect("deleted on the host by hand comes back, and the tenant keeps the Secret meanwhile", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      yield* createReady(pair, externalSecret("host-gone"))
      const secret = yield* awaitSecret(pair, "host-gone")
      const before = yield* host.kube.get(externalSecrets, hostRef("host-gone"))
      yield* host.kube.delete(externalSecrets, hostRef("host-gone"))
      yield* host.kube.waitFor(externalSecrets, hostRef("host-gone"), (copy) => newUid(before)(copy) && isReady(copy))
      const kept = yield* virtual.kube.get(secrets, inVirtual("host-gone"))
      assert.strictEqual(kept.metadata.uid, secret.metadata.uid)
    }),
  )

  it.effect("gives back a virtual Secret that was deleted, and undoes edits of its data", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { virtual } = pair.ground
      yield* createReady(pair, externalSecret("secret-gone"))
      const before = yield* awaitSecret(pair, "secret-gone")
      yield* virtual.kube.delete(secrets, inVirtual("secret-gone"))
      const back = yield* virtual.kube.waitFor(secrets, inVirtual("secret-gone"), newUid(before))
      assert.strictEqual(valueOf(back, "password"), "s3cret")
      yield* virtual.kube.patch(secrets, inVirtual("secret-gone"), {
        data: { password: btoa("hacked"), own: btoa("mine") },
      })
      const healed = yield* virtual.kube.waitFor(
        secrets,
        inVirtual("secret-gone"),
        (secret) => valueOf(secret, "password") === "s3cret" && valueOf(secret, "own") === undefined,
      )
      assert.deepStrictEqual(Object.keys(stringMapAt(healed, "data")), ["password"])
    }),
  )

  it.effect(
    "takes over a Secret that nobody controls, labels of others included, and clears its data as ESO does",
    () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { virtual } = pair.ground
        yield* virtual.kube.create(secrets, {
          apiVersion: "v1",
          kind: "Secret",
          metadata: { name: "was-there", namespace: "default", labels: { theirs: "yes" } },
          type: "Opaque",
          data: { mine: btoa("x") },
        })
        const ready = yield* createReady(pair, externalSecret("was-there"))
        const secret = yield* virtual.kube.waitFor(
          secrets,
          inVirtual("was-there"),
          (object) => valueOf(object, "password") === "s3cret",
        )
        assert.isUndefined(valueOf(secret, "mine"))
        assert.strictEqual(secret.metadata.labels?.["theirs"], "yes")
        assert.strictEqual(secret.metadata.ownerReferences?.[0]?.uid, ready.metadata.uid)
      }),
  )

  it.effect("keeps two namespaces with the same names apart", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      yield* host.kube.create(clusterSecretStores, fakeStore("other", { "/database/password": "other" }))
      yield* virtual.kube.create(namespaces, namespace("twin"))
      yield* createReady(pair, externalSecret("same"))
      yield* createReady(pair, externalSecret("same", { namespace: "twin", store: "other" }))
      assert.strictEqual(valueOf(yield* awaitSecret(pair, "same"), "password"), "s3cret")
      assert.strictEqual(valueOf(yield* awaitSecret(pair, "same", "twin"), "password"), "other")
      assert.isDefined(yield* host.kube.find(externalSecrets, hostRef("same", "twin")))
    }),
  )

  for (const length of [63, 64, 253])
    it.effect(`can have a name of ${length} characters`, () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host } = pair.ground
        const name = "n".repeat(length)
        yield* createReady(pair, externalSecret(name))
        assert.strictEqual(valueOf(yield* awaitSecret(pair, name), "password"), "s3cret")
        const copy = yield* host.kube.get(externalSecrets, {
          namespace: vcluster.namespace,
          name: hostName(name, "default", vcluster.name),
        })
        assert.strictEqual(stringAt(copy, "spec", "target", "name"), hostSecretName(name, "default", vcluster.name))
      }),
    )

  it.effect("applies as the documentation writes it, in v1beta1", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { ground } = pair
      const example = `apiVersion: external-secrets.io/v1beta1
kind: ExternalSecret
metadata:
  name: documented
  namespace: default
spec:
  refreshInterval: 1h
  secretStoreRef:
    name: store
    kind: ClusterSecretStore
  target:
    name: my-app-secret
    creationPolicy: Owner
  data:
  - secretKey: password
    remoteRef:
      key: /database/password
`
      const applied = yield* ground.kubectl(ground.virtual, ["apply", "-f", "-"], example)
      assert.strictEqual(applied.code, 0, applied.stderr)
      assert.strictEqual(valueOf(yield* awaitSecret(pair, "my-app-secret"), "password"), "s3cret")
      const shown = yield* ground.kubectl(ground.virtual, [
        "get",
        "externalsecrets.v1beta1.external-secrets.io",
        "documented",
      ])
      assert.include(shown.stdout, "SecretSynced")
    }),
  )
})
