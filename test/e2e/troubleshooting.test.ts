/** "Validation" and "Common Issues and Solutions" of the documentation: the commands that it prints, and what they show. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { stringAt } from "../../src/effects/client/unstructured.ts"
import type { ControlPlane } from "../clusters/control-plane.ts"
import { applyText, createBackend, createNamespace, grantReader, kubernetesStore, opaque } from "../support/backends.ts"
import { documented, documentedConfigs } from "../support/documented.ts"
import { clusterSecretStores, externalSecrets, secrets } from "../support/resources.ts"
import {
  awaitSecret,
  externalSecret,
  fakeStore,
  hostRef,
  isReady,
  isRefused,
  readyOf,
  SyncedPair,
  type SyncedPairShape,
  valueOf,
  vcluster,
} from "../support/synced-pair.ts"

const kubectl = Effect.fnUntraced(function* ({ ground }: SyncedPairShape, cluster: ControlPlane, line: string) {
  const finished = yield* ground.kubectl(cluster, line.split(" "))
  assert.strictEqual(finished.code, 0, finished.stderr)
  return finished.stdout
})

const key = "/production/database/password"
const example = { namespace: "default", name: "aws-secret" }
const exampleSecret = { namespace: "default", name: "my-app-secret" }

const putValue = ({ ground }: SyncedPairShape, value: string) =>
  ground.host.kube.apply(clusterSecretStores, fakeStore("aws-parameter-store", { [key]: value }))

const awaitValue = ({ ground }: SyncedPairShape, value: string) =>
  ground.virtual.kube.waitFor(secrets, exampleSecret, (secret) => valueOf(secret, "password") === value)

layer(SyncedPair.layer(), { excludeTestServices: true, timeout: "10 minutes" })("the documentation", (it) => {
  it.effect("Validation 1 to 3: kubectl shows the ExternalSecret, its Secret, and both on the host", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      yield* putValue(pair, "first")
      yield* virtual.kube.waitFor(clusterSecretStores, { name: "aws-parameter-store" })
      yield* applyText(pair, virtual, documented.clusterStoreExample)
      const ready = yield* virtual.kube.waitFor(externalSecrets, example, isReady)
      yield* awaitValue(pair, "first")

      assert.match(yield* kubectl(pair, virtual, "get externalsecrets"), /aws-secret .*SecretSynced +True/)
      const described = yield* kubectl(pair, virtual, "describe externalsecret aws-secret")
      assert.match(described, /Reason: +SecretSynced\n +Status: +True\n +Type: +Ready/)
      assert.match(described, /Refresh Time: +\d{4}-\d\d-\d\dT/)
      assert.match(described, /Synced Resource Version: +\d+-[0-9a-f]+/)
      assert.match(stringAt(ready, "status", "syncedResourceVersion") ?? "", /^\d+-[0-9a-f]+$/)
      assert.match(yield* kubectl(pair, virtual, "get secret my-app-secret"), /my-app-secret +Opaque +1 /)
      assert.match(yield* kubectl(pair, virtual, "describe secret my-app-secret"), /password: +5 bytes/)

      const { namespace, name } = hostRef("aws-secret")
      assert.match(yield* kubectl(pair, host, `get externalsecrets -n ${namespace}`), new RegExp(`^${name} `, "m"))
      assert.match(
        yield* kubectl(pair, host, `get secrets -n ${namespace}`),
        new RegExp(`^my-app-secret-x-default-x-${vcluster.name}-[0-9a-f]{32}\\.es +Opaque `, "m"),
      )
    }),
  )

  it.effect("Monitor ExternalSecret Health: ESO's metrics on the host count it under its host name", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { namespace, name } = hostRef("aws-secret")
      const { metrics } = pair.eso ?? { metrics: () => "about:blank" }
      const text = yield* Effect.promise(async () => (await fetch(metrics())).text())
      const line = text
        .split("\n")
        .find(
          (found) =>
            found.startsWith("externalsecret_status_condition{") &&
            found.includes(`name="${name}"`) &&
            found.includes('status="True"'),
        )
      assert.include(line ?? text.slice(0, 500), `namespace="${namespace}"`)
      assert.match(line ?? "", / 1$/)
    }),
  )

  it.effect("Validation 4: deleting and recreating forces a refresh", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { virtual } = pair.ground
      yield* putValue(pair, "second")
      yield* kubectl(pair, virtual, "delete externalsecret aws-secret")
      yield* applyText(pair, virtual, documented.clusterStoreExample)
      yield* awaitValue(pair, "second")
      yield* virtual.kube.waitFor(externalSecrets, example, isReady)
    }),
  )

  it.effect("Secrets Not Refreshing: annotating with force-sync refreshes, and again with another stamp", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { virtual } = pair.ground
      for (const [stamp, value] of [
        ["1764028800", "third"],
        ["1764028801", "fourth"],
      ] as const) {
        yield* putValue(pair, value)
        yield* kubectl(pair, virtual, `annotate externalsecret aws-secret force-sync=${stamp} --overwrite`)
        yield* awaitValue(pair, value)
      }
    }),
  )

  it.effect("ExternalSecrets Not Creating Secrets: describe tells why, and the status of the store is there", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { virtual } = pair.ground
      yield* virtual.kube.create(externalSecrets, externalSecret("lost", { store: "nowhere" }))
      yield* virtual.kube.waitFor(
        externalSecrets,
        { namespace: "default", name: "lost" },
        isRefused("StoreNotImported"),
      )
      const described = yield* kubectl(pair, virtual, "describe externalsecret lost")
      assert.include(described, "ClusterSecretStore nowhere (spec.secretStoreRef) is not imported into this vCluster")
      const store = yield* kubectl(pair, virtual, "get clustersecretstore aws-parameter-store -o yaml")
      assert.match(store, /\n {2}conditions:\n(?: {2}.*\n)+? {4}reason: Valid\n/)
    }),
  )

  it.effect("Permission Denied Errors: the statuses of store and ExternalSecret show them, and how they pass", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const ref = { namespace: "default", name: "denied" }
      yield* createBackend(host, "closed")
      yield* host.kube.create(secrets, opaque("closed", "database", { password: "open sesame" }))
      yield* host.kube.create(clusterSecretStores, kubernetesStore(host, "closed", "closed"))
      yield* virtual.kube.create(
        externalSecrets,
        externalSecret("denied", {
          store: "closed",
          spec: { data: [{ secretKey: "password", remoteRef: { key: "database", property: "password" } }] },
        }),
      )
      const denied = yield* virtual.kube.waitFor(
        externalSecrets,
        ref,
        (object) => readyOf(object)?.reason === "SecretSyncedError",
      )
      assert.strictEqual(readyOf(denied)?.status, "False")
      const store = yield* virtual.kube.waitFor(
        clusterSecretStores,
        { name: "closed" },
        (object) => readyOf(object)?.status === "False",
      )
      assert.match(readyOf(store)?.message ?? "", /not allowed|forbidden|unable to/)
      const status = yield* pair.command("status")
      assert.strictEqual(status.code, 1)
      assert.match(status.stdout, /✗ default\/denied /)

      yield* grantReader(host, "closed")
      // ESO tries a store again at its own times, ever more rarely, and fetches nothing before it is good.
      yield* host.kube.patch(clusterSecretStores, { name: "closed" }, { metadata: { annotations: { look: "again" } } })
      yield* virtual.kube.waitFor(clusterSecretStores, { name: "closed" }, isReady)
      yield* kubectl(pair, virtual, "annotate externalsecret denied force-sync=1")
      yield* virtual.kube.waitFor(externalSecrets, ref, isReady)
      assert.strictEqual(valueOf(yield* awaitSecret(pair, "denied"), "password"), "open sesame")
    }),
  )
})

/** The values of the vCluster change, and with them the syncer starts anew, as the pod does when its vCluster is upgraded. */
layer(SyncedPair.layer({ values: documentedConfigs.basic, follow: false }), {
  excludeTestServices: true,
  timeout: "10 minutes",
})("ClusterSecretStores Not Visible", (it) => {
  const names = Effect.fnUntraced(function* (pair: SyncedPairShape) {
    const listed = yield* kubectl(pair, pair.ground.virtual, "get clustersecretstores -o name")
    return listed.split("\n").filter((line) => line !== "")
  })

  it.effect("nothing is there; switched on, all are; with a selector, those that are labelled", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { ground } = pair
      const name = "clustersecretstore.external-secrets.io"
      yield* ground.host.kube.create(clusterSecretStores, fakeStore("aws-secrets-manager", { "/a": "b" }, {}))
      const off = yield* pair.command("sync")
      assert.strictEqual(off.code, 0, off.stderr)
      assert.include(
        off.stderr,
        "no store can be used: integrations.externalSecrets.sync has neither fromHost.clusterStores",
      )
      assert.deepStrictEqual(yield* names(pair), [])

      yield* ground.seedVcluster({ ...vcluster, values: documentedConfigs.clusterStores })
      assert.strictEqual((yield* pair.command("sync")).code, 0)
      assert.deepStrictEqual(yield* names(pair), [`${name}/aws-secrets-manager`, `${name}/store`])

      const selecting = documentedConfigs.advanced.replace(/(clusterStores:\n +enabled:) false/, "$1 true")
      yield* ground.seedVcluster({ ...vcluster, values: selecting })
      assert.strictEqual((yield* pair.command("sync")).code, 0)
      assert.deepStrictEqual(yield* names(pair), [`${name}/store`])
      yield* kubectl(pair, ground.host, "label clustersecretstore aws-secrets-manager vcluster-accessible=true")
      assert.strictEqual((yield* pair.command("sync")).code, 0)
      assert.deepStrictEqual(yield* names(pair), [`${name}/aws-secrets-manager`, `${name}/store`])
    }),
  )

  it.effect("Selective Syncing with Labels: only what bears both labels", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const selecting = `${documentedConfigs.selective}      fromHost:\n        clusterStores:\n          enabled: true\n`
      yield* pair.ground.seedVcluster({ ...vcluster, values: selecting })
      yield* createNamespace(virtual, "production")
      const labels = { environment: "production", team: "platform" }
      yield* virtual.kube.create(externalSecrets, externalSecret("both", { labels }))
      yield* virtual.kube.create(externalSecrets, externalSecret("one", { labels: { team: "platform" } }))
      const synced = yield* pair.command("sync")
      assert.strictEqual(synced.code, 0, synced.stderr)
      assert.isDefined(yield* host.kube.find(externalSecrets, hostRef("both")))
      assert.isUndefined(yield* host.kube.find(externalSecrets, hostRef("one")))
    }),
  )
})
