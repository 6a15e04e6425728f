/** The test ground is what the other tests take it for. */
import { readFile, stat } from "node:fs/promises"
import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { parse } from "yaml"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { byAgent, describeEntry, isWrite } from "../clusters/audit-log.ts"
import type { ControlPlane } from "../clusters/control-plane.ts"
import { Ground } from "../clusters/ground.ts"
import { makeKube } from "../support/kube.ts"
import { onGround } from "../support/on-ground.ts"
import {
  clusterSecretStores,
  configMaps,
  externalSecrets,
  externalSecretsV1beta1,
  namespaces,
  secrets,
  serviceAccounts,
} from "../support/resources.ts"

const configMap = (name: string, extra: object = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default", ...extra },
})

const uidOf = (cluster: ControlPlane) =>
  Effect.map(cluster.kube.get(namespaces, { name: "kube-system" }), (found) => found.metadata.uid)

onGround("the test ground", (it) => {
  it.effect("is two clusters, each with a private kubeconfig", () =>
    Effect.gen(function* () {
      const { host, virtual, kubectl } = yield* Ground
      for (const cluster of [host, virtual]) {
        const mode = yield* Effect.promise(() => stat(cluster.kubeconfig))
        assert.strictEqual(mode.mode & 0o777, 0o600)
        const text = yield* Effect.promise(() => readFile(cluster.kubeconfig, "utf8"))
        assert.strictEqual(parse(text)["current-context"], cluster.name)
        const listed = yield* kubectl(cluster, ["--context", cluster.name, "get", "namespaces", "-o", "name"])
        assert.strictEqual(listed.code, 0, listed.stderr)
        assert.include(listed.stdout, "namespace/kube-system")
      }
      assert.notStrictEqual(yield* uidOf(host), yield* uidOf(virtual))
    }),
  )

  it.effect("has a garbage collector", () =>
    Effect.gen(function* () {
      const { kube } = (yield* Ground).virtual
      const owner = yield* kube.create(configMaps, configMap("owner"))
      const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: owner.metadata.uid }]
      yield* kube.create(configMaps, configMap("dependent", { ownerReferences }))
      yield* kube.delete(configMaps, { namespace: "default", name: "owner" })
      yield* kube.waitUntilGone(configMaps, { namespace: "default", name: "dependent" })
    }),
  )

  it.effect("empties and removes a deleted namespace", () =>
    Effect.gen(function* () {
      const { kube } = (yield* Ground).host
      yield* kube.create(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: "short-lived" } })
      yield* kube.waitFor(serviceAccounts, { namespace: "short-lived", name: "default" })
      yield* kube.delete(namespaces, { name: "short-lived" })
      yield* kube.waitUntilGone(namespaces, { name: "short-lived" })
    }),
  )

  it.effect("counts requests by user agent", () =>
    Effect.gen(function* () {
      const { host, kubectl } = yield* Ground
      const ours = makeKube({ ...host.kube.connection, userAgent: "counted/1 (linux)" })
      const mark = yield* host.audit.mark
      yield* ours.create(configMaps, configMap("counted"))
      yield* ours.get(configMaps, { namespace: "default", name: "counted" })
      yield* kubectl(host, ["delete", "configmap", "counted"])
      const entries = yield* host.audit.since(mark)
      assert.deepStrictEqual(entries.filter(byAgent("counted/1")).map(describeEntry), [
        "create configmaps/counted in default: 201",
        "get configmaps/counted in default: 200",
      ])
      const writes = entries.filter(byAgent("kubectl/")).filter(isWrite)
      assert.deepStrictEqual(writes.map(describeEntry), ["delete configmaps/counted in default: 200"])
    }),
  )

  it.effect("keeps its data and address when the API server is killed, and waiting goes on", () =>
    Effect.gen(function* () {
      const { virtual } = yield* Ground
      yield* virtual.kube.create(configMaps, configMap("kept"))
      const waiting = yield* Effect.forkChild(
        virtual.kube.waitFor(
          configMaps,
          { namespace: "default", name: "kept" },
          (found) => found["data"] !== undefined,
        ),
      )
      yield* virtual.stopApiServer("SIGKILL")
      const refused = yield* Effect.flip(virtual.kube.get(configMaps, { namespace: "default", name: "kept" }))
      assert.include(["ECONNREFUSED", "ECONNRESET"], refused.reason)
      yield* virtual.startApiServer()
      yield* virtual.kube.patch(configMaps, { namespace: "default", name: "kept" }, { data: { a: "b" } })
      assert.deepStrictEqual((yield* Fiber.join(waiting))["data"], { a: "b" })
    }),
  )

  it.effect("restores a backup: old objects, the same identity", () =>
    Effect.gen(function* () {
      const { virtual } = yield* Ground
      const before = yield* uidOf(virtual)
      yield* virtual.kube.create(configMaps, configMap("in-backup"))
      yield* virtual.backup("one")
      const newer = yield* virtual.kube.create(configMaps, configMap("after-backup"))
      yield* virtual.restore("one")
      assert.strictEqual(yield* uidOf(virtual), before)
      yield* virtual.kube.get(configMaps, { namespace: "default", name: "in-backup" })
      const gone = yield* virtual.kube.find(configMaps, { namespace: "default", name: "after-backup" })
      assert.isUndefined(gone)
      const again = yield* virtual.kube.create(configMaps, configMap("again"))
      assert.isBelow(Number(again.metadata.resourceVersion), Number(newer.metadata.resourceVersion) + 1000)
      yield* virtual.wipe
      assert.notStrictEqual(yield* uidOf(virtual), before)
    }),
  )

  it.effect("serves with the certificate of another authority on demand", () =>
    Effect.gen(function* () {
      const { virtual, run, tools, kubectl } = yield* Ground
      yield* virtual.stopApiServer()
      yield* virtual.startApiServer("other")
      const distrustful = yield* kubectl(virtual, ["get", "namespaces"])
      assert.notStrictEqual(distrustful.code, 0)
      assert.include(distrustful.stderr, "certificate")
      const user = { user: "admin", groups: ["system:masters"], trusts: "other" } as const
      const trusting = yield* virtual.kubeconfigAs("trusting.kubeconfig", user)
      const { code } = yield* run({ file: tools.kubectl, args: [`--kubeconfig=${trusting}`, "get", "namespaces"] })
      assert.strictEqual(code, 0)
      yield* virtual.stopApiServer()
      yield* virtual.startApiServer("usual")
    }),
  )

  it.effect("knows users by their client certificates", () =>
    Effect.gen(function* () {
      const { host } = yield* Ground
      const alice = makeKube(host.connectionAs({ user: "alice", groups: ["developers"] }))
      const error = yield* Effect.flip(alice.list(secrets, { namespace: "default" }))
      assert.strictEqual(error.status, 403)
      assert.include(error.message, 'User "alice" cannot list resource "secrets"')
    }),
  )

  it.effect("fails a wait with the last state that it saw", () =>
    Effect.gen(function* () {
      const { kube } = (yield* Ground).host
      yield* kube.create(configMaps, configMap("unchanged", { labels: { colour: "red" } }))
      const wait = { timeout: "300 millis", what: "turning blue" } as const
      const error = yield* Effect.flip(
        kube.waitFor(configMaps, { namespace: "default", name: "unchanged" }, () => false, wait),
      )
      assert.match(error.message, /turning blue not met within 300ms on configmaps .*"colour":"red"/)
    }),
  )

  it.effect("looks like the host of a vCluster", () =>
    Effect.gen(function* () {
      const { host, seedVcluster, kubectl } = yield* Ground
      yield* seedVcluster({ name: "my-vcluster", namespace: "team-x" })
      const found = yield* kubectl(host, ["-n", "team-x", "get", "statefulset", "-l", "app=vcluster", "-o", "name"])
      assert.strictEqual(found.stdout.trim(), "statefulset.apps/my-vcluster")
      const config = yield* host.kube.get(secrets, { namespace: "team-x", name: "vc-config-my-vcluster" })
      const text = JSON.stringify(config["data"])
      assert.include(Buffer.from(text.split('"')[3] ?? "", "base64").toString(), "externalSecrets")
    }),
  )
})

const useFakeStore = Effect.fnUntraced(function* (host: ControlPlane, version: "v1" | "v1beta1") {
  const apiVersion = `external-secrets.io/${version}`
  yield* host.kube.create(clusterSecretStores, {
    apiVersion: "external-secrets.io/v1",
    kind: "ClusterSecretStore",
    metadata: { name: "fake" },
    spec: { provider: { fake: { data: [{ key: "/a", value: "from the store" }] } } },
  })
  yield* host.kube.create(version === "v1" ? externalSecrets : externalSecretsV1beta1, {
    apiVersion,
    kind: "ExternalSecret",
    metadata: { name: "wanted", namespace: "default" },
    spec: {
      secretStoreRef: { name: "fake", kind: "ClusterSecretStore" },
      data: [{ secretKey: "password", remoteRef: { key: "/a" } }],
    },
  })
  const secret = yield* host.kube.waitFor(secrets, { namespace: "default", name: "wanted" })
  const value = Buffer.from("from the store").toString("base64")
  assert.deepStrictEqual(secret["data"], { password: value })
})

onGround("ESO 0.20 on the test ground", (it) => {
  it.effect("makes Secrets, stops, and starts again", () =>
    Effect.gen(function* () {
      const { host, startEso } = yield* Ground
      const eso = yield* startEso()
      yield* useFakeStore(host, "v1")
      const old = yield* Effect.exit(host.kube.list(externalSecretsV1beta1, { namespace: "default" }))
      assert.strictEqual(old._tag, "Failure", "0.20 must not serve v1beta1")
      yield* eso.stop("SIGTERM")
      yield* host.kube.delete(secrets, { namespace: "default", name: "wanted" })
      yield* eso.start
      yield* host.kube.waitFor(secrets, { namespace: "default", name: "wanted" })
    }),
  )
})

onGround("ESO 0.16 on the test ground", (it) => {
  it.effect("serves v1beta1 and makes Secrets", () =>
    Effect.gen(function* () {
      const { host, startEso } = yield* Ground
      yield* startEso({ version: "0.16" })
      yield* useFakeStore(host, "v1beta1")
    }),
  )
})
