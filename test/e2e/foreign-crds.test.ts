/** CRDs as people have them: one that is missing, one whose conversion webhook is gone, and some that GitOps writes as well. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { arrayAt, recordAt, stringAt, valueAt } from "../../src/effects/client/unstructured.ts"
import { describeEntry } from "../clusters/audit-log.ts"
import { installEsoCrds, isEstablished, readCrds } from "../clusters/eso.ts"
import { esoTools } from "../clusters/tools.ts"
import { ourAgent } from "../support/complaint.ts"
import { crds, externalSecrets, externalSecretsV1beta1, secrets, secretStores } from "../support/resources.ts"
import { fakeProvider, secretStore, valuesWithStores } from "../support/secret-stores.ts"
import type { PairOptions, SyncedPairShape } from "../support/synced-pair.ts"
import { awaitSecret, createReady, externalSecret, SyncedPair, valueOf } from "../support/synced-pair.ts"

const withPair = <A, E>(name: string, options: PairOptions, test: (pair: SyncedPairShape) => Effect.Effect<A, E>) =>
  it.live(
    name,
    () => Effect.flatMap(SyncedPair, test).pipe(Effect.provide(SyncedPair.layer(options)), Effect.scoped),
    300_000,
  )

const crd = { name: "externalsecrets.external-secrets.io" }
const clusterStores = { name: "clustersecretstores.external-secrets.io" }

const onlyStores = {
  integrations: { externalSecrets: { enabled: true, sync: { toHost: { stores: { enabled: true } } } } },
}

withPair(
  "10: an ESO without the CRD of ClusterSecretStores serves namespaced stores",
  {
    follow: false,
    values: onlyStores,
    eso: {
      flags: [
        "--namespace=team-x",
        "--enable-cluster-store-reconciler=false",
        "--enable-cluster-external-secret-reconciler=false",
      ],
    },
  },
  (pair) =>
    Effect.gen(function* () {
      const { host, virtual } = pair.ground
      yield* host.kube.delete(crds, clusterStores)
      yield* host.kube.waitUntilGone(crds, clusterStores)
      yield* pair.startFollow()
      yield* virtual.kube.create(secretStores, secretStore("mine", fakeProvider))
      yield* createReady(
        pair,
        externalSecret("app", {
          key: "/k",
          spec: { secretStoreRef: { name: "mine", kind: "SecretStore" } },
        }),
      )
      assert.strictEqual(valueOf(yield* awaitSecret(pair, "app"), "password"), "v")
      assert.isUndefined(yield* virtual.kube.find(crds, clusterStores))
      const status = yield* pair.command("status")
      assert.strictEqual(status.code, 0, status.stdout)
      // It comes when it is there.
      yield* installEsoCrds(host, "0.20", ["clustersecretstores"])
      yield* virtual.kube.waitFor(crds, clusterStores)
    }),
)

withPair(
  "10: where the settings need it, sync and status say that it is this one that is missing",
  { follow: false, values: valuesWithStores },
  (pair) =>
    Effect.gen(function* () {
      const { host } = pair.ground
      yield* host.kube.delete(crds, clusterStores)
      yield* host.kube.waitUntilGone(crds, clusterStores)
      const told = /installed on the host without the CRD clustersecretstores\.external-secrets\.io/
      const pass = yield* pair.command("sync")
      assert.strictEqual(pass.code, 1)
      assert.match(pass.stderr, told)
      assert.notInclude(pass.stderr, "not installed on the host")
      const status = yield* pair.command("status")
      assert.strictEqual(status.code, 1)
      assert.match(status.stdout, told)
    }),
)

const service = { name: "external-secrets-webhook", namespace: "external-secrets", path: "/convert" }

/** As ESO 0.16 leaves it: stored as v1beta1, served as both, converted by a webhook. */
const withWebhook = ({ apiVersion, kind, metadata, spec }: KubeObject): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name: metadata.name },
  spec: {
    ...recordAt(spec),
    versions: arrayAt(spec, "versions").map((version) => ({
      ...recordAt(version),
      served: true,
      storage: stringAt(version, "name") === "v1beta1",
    })),
    conversion: {
      strategy: "Webhook",
      webhook: { conversionReviewVersions: ["v1"], clientConfig: { service } },
    },
  },
})

withPair("17: a CRD whose conversion webhook is not there", { follow: false }, (pair) =>
  Effect.gen(function* () {
    const { host, virtual } = pair.ground
    const tools = yield* esoTools("0.16")
    const left = (yield* readCrds(tools.crds)).filter(({ metadata }) =>
      [crd.name, clusterStores.name].includes(metadata.name),
    )
    yield* Effect.forEach(left, (each) => virtual.kube.create(crds, withWebhook(each)))
    yield* virtual.kube.waitFor(crds, crd, isEstablished)
    yield* virtual.kube.create(externalSecretsV1beta1, {
      ...externalSecret("old"),
      apiVersion: "external-secrets.io/v1beta1",
    })
    const mark = yield* host.audit.mark
    const told =
      /CRD externalsecrets\.external-secrets\.io in the virtual cluster was installed by somebody else, and its conversion webhook \(Service external-secrets\/external-secrets-webhook\) does not answer/
    const pass = yield* pair.command("sync")
    assert.strictEqual(pass.code, 1, pass.stderr)
    assert.match(pass.stderr, told)
    assert.include(pass.stderr, "kubectl patch crd externalsecrets.external-secrets.io")
    assert.notInclude(pass.stderr, "deletion")
    const status = yield* pair.command("status")
    assert.strictEqual(status.code, 1, status.stdout)
    assert.match(status.stdout, told)
    assert.include(status.stdout, "kubectl patch crd externalsecrets.external-secrets.io")
    const running = yield* pair.launchFollow()
    yield* running.waitForOutput(told, { from: "stderr" })
    const deletions = (yield* host.audit.since(mark)).filter(
      (entry) => ourAgent(entry) && entry.verb.startsWith("delete"),
    )
    assert.deepStrictEqual(deletions.map(describeEntry), [])
    // The way out that was told.
    for (const name of [crd.name, clusterStores.name])
      yield* virtual.kube.patch(crds, { name }, { spec: { conversion: { strategy: "None", webhook: null } } })
    yield* awaitSecret(pair, "old")
  }),
)

withPair("21: GitOps of the virtual cluster owns the CRDs", {}, (pair) =>
  Effect.gen(function* () {
    const { virtual } = pair.ground
    const beta = { ...externalSecret("beta"), apiVersion: "external-secrets.io/v1beta1" }
    yield* virtual.kube.create(externalSecretsV1beta1, beta)
    yield* createReady(pair, externalSecret("app"))
    const before = yield* Effect.forEach(["app", "beta"], (name) => awaitSecret(pair, name))
    const mark = yield* virtual.audit.mark
    const ours = Effect.map(
      virtual.audit.since(mark),
      (entries) =>
        entries.filter((entry) => ourAgent(entry) && entry.objectRef?.name === crd.name && entry.verb === "patch")
          .length,
    )
    const told =
      /CRD externalsecrets\S* in the virtual cluster: it is written by eso as well, and so does not serve v1beta1; our change was undone/
    const servesBeta = (found: KubeObject) =>
      arrayAt(found, "spec", "versions").some(
        (version) => stringAt(version, "name") === "v1beta1" && valueAt(version, "served") === true,
      )
    // Each round is over when we have answered.
    for (let round = 1; round <= 3; round += 1) {
      yield* installEsoCrds(virtual, "0.20", ["externalsecrets"])
      yield* virtual.kube.waitFor(crds, crd, servesBeta)
    }
    yield* installEsoCrds(virtual, "0.20", ["externalsecrets"])
    yield* pair.syncer?.waitForOutput(told, { from: "stderr" }) ?? Effect.void
    for (let round = 0; round < 3; round += 1) yield* installEsoCrds(virtual, "0.20", ["externalsecrets"])
    // What comes after the rounds is served, and shows that all of them were seen.
    yield* createReady(pair, externalSecret("late"))
    assert.strictEqual(yield* ours, 3)
    const after = yield* Effect.forEach(["app", "beta"], (name) =>
      virtual.kube.get(secrets, { namespace: "default", name }),
    )
    assert.deepStrictEqual(
      after.map(({ metadata, data }) => [metadata.uid, data]),
      before.map(({ metadata, data }) => [metadata.uid, data]),
    )
    const status = yield* pair.command("status")
    assert.strictEqual(status.code, 1, status.stdout)
    assert.include(status.stdout, "it is written by eso as well, and so does not serve v1beta1")
    assert.include(status.stdout, "kubectl label crd externalsecrets.external-secrets.io vcluster-es.io/managed-")
    // The way out that was told.
    yield* virtual.kube.patch(crds, crd, { metadata: { labels: { "vcluster-es.io/managed": null } } })
    const left = yield* pair.command("status")
    assert.strictEqual(left.code, 0, left.stdout)
    assert.strictEqual(
      (yield* virtual.kube.get(externalSecrets, { namespace: "default", name: "beta" })).metadata.name,
      "beta",
    )
  }),
)
