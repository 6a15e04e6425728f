/** What others do to the two clusters while we work: kinds that vanish, writes that are refused, owners that change. */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { recordAt, stringAt } from "../../src/effects/client/unstructured.ts"
import { documentedValues } from "../clusters/vcluster.ts"
import {
  clusterSecretStores,
  crds,
  events,
  externalSecrets,
  leases,
  namespaces,
  secrets,
  services,
} from "../support/resources.ts"
import type { PairOptions, SyncedPairShape } from "../support/synced-pair.ts"
import {
  awaitSecret,
  createReady,
  externalSecret,
  fakeStore,
  hostRef,
  isReady,
  isRefused,
  readyOf,
  SyncedPair,
  vcluster,
} from "../support/synced-pair.ts"

const withPair = <A, E>(name: string, options: PairOptions, test: (pair: SyncedPairShape) => Effect.Effect<A, E>) =>
  it.live(
    name,
    () => Effect.flatMap(SyncedPair, test).pipe(Effect.provide(SyncedPair.layer(options)), Effect.scoped),
    300_000,
  )

const policies = {
  group: "admissionregistration.k8s.io",
  version: "v1",
  plural: "validatingadmissionpolicies",
  kind: "ValidatingAdmissionPolicy",
  namespaced: false,
} as const
const bindings = { ...policies, plural: "validatingadmissionpolicybindings", kind: "ValidatingAdmissionPolicyBinding" }

const policy = (name: string, reason: string): KubeObject => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingAdmissionPolicy",
  metadata: { name },
  spec: {
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: ["external-secrets.io"],
          apiVersions: ["*"],
          operations: ["CREATE"],
          resources: ["externalsecrets"],
        },
      ],
    },
    validations: [{ expression: `!object.metadata.name.startsWith('${name}')`, message: "not in this house", reason }],
  },
})
const binding = (name: string): KubeObject => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingAdmissionPolicyBinding",
  metadata: { name },
  spec: { policyName: name, validationActions: ["Deny"] },
})

const store = fakeStore("store", { "/database/password": "s3cret" })
const lease = { namespace: vcluster.namespace, name: `vcluster-es-${vcluster.name}` }
const annotation = (object: KubeObject, name: string) => object.metadata.annotations?.[`vcluster-es.io/${name}`]

withPair("the virtual CRD of the stores deleted comes back, and the stores with it", {}, (pair) =>
  Effect.gen(function* () {
    const { virtual } = pair.ground
    const crd = { name: "clustersecretstores.external-secrets.io" }
    yield* createReady(pair, externalSecret("before"))
    const secret = yield* awaitSecret(pair, "before")
    const before = yield* virtual.kube.get(crds, crd)
    yield* virtual.kube.delete(crds, crd)
    yield* virtual.kube.waitFor(crds, crd, ({ metadata }) => metadata.uid !== before.metadata.uid)
    yield* virtual.kube.waitFor(clusterSecretStores, { name: "store" }, isReady, { timeout: "60 seconds" })
    yield* createReady(pair, externalSecret("after"))
    assert.strictEqual((yield* virtual.kube.get(secrets, secret.metadata)).metadata.uid, secret.metadata.uid)
  }),
)

withPair(
  "a Service of the vCluster that is recreated ends the syncer, and the next one makes all anew under it",
  {},
  (pair) =>
    Effect.gen(function* () {
      const { host, virtual } = pair.ground
      yield* createReady(pair, externalSecret("owned"))
      const secret = yield* awaitSecret(pair, "owned")
      const { metadata, ...service } = yield* host.kube.get(services, vcluster)
      yield* host.kube.delete(services, vcluster)
      const { clusterIP: _ip, clusterIPs: _ips, ...spec } = recordAt(service, "spec") ?? {}
      const recreated = yield* host.kube.create(services, {
        ...service,
        metadata: { ...vcluster, labels: metadata.labels ?? {} },
        spec,
      })
      // It may be the one of a vCluster that was installed anew. Which of the two is seen first, the Service or the Lease that went with it, is open.
      const ended = yield* pair.syncer?.finished ?? Effect.die(new Error("not started"))
      assert.strictEqual(ended.code, 1, ended.stderr)
      assert.match(
        ended.stderr,
        /the Service team-x\/my-vcluster, .* is another one|the Lease \S+ was lost .*gone with the vCluster/,
      )
      yield* pair.startFollow()
      const owner = (copy: KubeObject) => copy.metadata.ownerReferences?.[0]?.uid
      yield* host.kube.waitFor(
        externalSecrets,
        hostRef("owned"),
        (copy) => owner(copy) === recreated.metadata.uid && isReady(copy),
      )
      assert.strictEqual((yield* virtual.kube.get(secrets, secret.metadata)).metadata.uid, secret.metadata.uid)
    }),
)

withPair("what the host refuses is told; other objects go on, and it is taken once the host takes it", {}, (pair) =>
  Effect.gen(function* () {
    const { host, virtual } = pair.ground
    yield* host.kube.create(policies, policy("nope", "Invalid"))
    yield* host.kube.create(policies, policy("never", "Forbidden"))
    yield* host.kube.create(bindings, binding("nope"))
    yield* host.kube.create(bindings, binding("never"))
    const dryRun = (name: string) =>
      host.kube.create(externalSecrets, externalSecret(name)).pipe(
        Effect.flatMap(({ metadata }) => Effect.as(host.kube.delete(externalSecrets, metadata), false)),
        Effect.catch(() => Effect.succeed(true)),
        Effect.repeat({ until: (refused) => refused, schedule: Schedule.spaced("100 millis") }),
      )
    // The API server takes a moment to heed a new policy.
    yield* dryRun("nope")
    yield* dryRun("never")
    for (const name of ["nope", "never", "fine"]) yield* virtual.kube.create(externalSecrets, externalSecret(name))
    yield* virtual.kube.waitFor(externalSecrets, { namespace: "default", name: "fine" }, isReady)
    for (const name of ["nope", "never"]) {
      const ref = { namespace: "default", name }
      const told = yield* virtual.kube.waitFor(externalSecrets, ref, isRefused("RefusedByHost"))
      assert.include(readyOf(told)?.message, "not in this house")
      yield* virtual.kube.waitForList(events, { namespace: "default" }, (all) =>
        all.some((event) => event["reason"] === "RefusedByHost" && stringAt(event, "involvedObject", "name") === name),
      )
    }
    yield* pair.syncer?.signal("SIGTERM") ?? Effect.void
    yield* pair.syncer?.finished ?? Effect.void
    const pass = yield* pair.command("sync", ["--once-timeout", "10m"])
    assert.strictEqual(pass.code, 1)
    assert.include(pass.stdout, "default/nope")
    assert.include(pass.stdout, "not in this house")
    yield* host.kube.delete(bindings, { name: "nope" })
    yield* pair.startFollow()
    yield* virtual.kube.waitFor(externalSecrets, { namespace: "default", name: "nope" }, isReady)
  }),
)

withPair("a namespace that is deleted takes its objects along, and nothing is made in it any more", {}, (pair) =>
  Effect.gen(function* () {
    const { host, virtual } = pair.ground
    const namespace = "doomed"
    yield* virtual.kube.create(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } })
    const names = Array.from({ length: 12 }, (_, index) => `web-${index}`)
    yield* Effect.forEach(names, (name) => createReady(pair, externalSecret(name, { namespace })), { concurrency: 4 })
    yield* virtual.kube.delete(namespaces, { name: namespace })
    yield* virtual.kube.waitUntilGone(namespaces, { name: namespace }, { timeout: "60 seconds" })
    yield* host.kube.waitForList(externalSecrets, { namespace: vcluster.namespace }, (left) => left.length === 0)
  }),
)

withPair("without ESO on the host, following waits for it", { eso: false, follow: false }, (pair) =>
  Effect.gen(function* () {
    const { ground } = pair
    const syncer = yield* pair.launchFollow()
    yield* syncer.waitForOutput(/External Secrets Operator is not installed on the host.*; waiting for it/, {
      from: "stderr",
    })
    yield* ground.startEso()
    yield* ground.host.kube.create(clusterSecretStores, store)
    yield* syncer.waitForOutput(/in step/, { timeout: "60 seconds" })
    yield* createReady(pair, externalSecret("late"))
  }),
)

withPair("a syncer that waited for the Lease knows what was seen meanwhile", {}, (pair) =>
  Effect.gen(function* () {
    const { host } = pair.ground
    const standby = yield* pair.launchFollow()
    yield* standby.waitForOutput(/waiting: .* is at work/, { from: "stderr" })
    yield* createReady(pair, externalSecret("meanwhile"))
    // Of the kinds whose versions count, a Secret is the last that comes of it.
    const { metadata } = yield* awaitSecret(pair, "meanwhile")
    const highest = (object: KubeObject) => BigInt(annotation(object, "highest-resource-version") ?? "0")
    const seen = BigInt(metadata.resourceVersion ?? "0")
    const known = yield* host.kube.waitFor(leases, lease, (object) => highest(object) >= seen)
    const versions: Array<bigint> = []
    const taken = yield* Effect.forkChild(
      host.kube.waitFor(
        leases,
        lease,
        (object) => {
          versions.push(highest(object))
          return (
            stringAt(object, "spec", "holderIdentity") !== stringAt(known, "spec", "holderIdentity") &&
            versions.length > 4
          )
        },
        // The standby has to start, and to renew the Lease some times.
        { timeout: "120 seconds" },
      ),
      { startImmediately: true },
    )
    yield* pair.syncer?.signal("SIGTERM") ?? Effect.void
    yield* standby.waitForOutput(/in step/, { timeout: "60 seconds" })
    yield* Fiber.join(taken)
    assert.deepStrictEqual(
      versions,
      versions.toSorted((left, right) => (left < right ? -1 : left > right ? 1 : 0)),
    )
    assert.isTrue(
      versions.every((version) => version >= highest(known)),
      String(versions),
    )
  }),
)

withPair("a Lease that somebody else has taken ends the syncer, and it writes no more", {}, (pair) =>
  Effect.gen(function* () {
    const { host, virtual } = pair.ground
    yield* createReady(pair, externalSecret("first"))
    yield* host.kube.patch(leases, lease, { spec: { holderIdentity: "somebody-else" } })
    const finished = yield* pair.syncer?.finished ?? Effect.die(new Error("not started"))
    assert.strictEqual(finished.code, 1, finished.stderr)
    assert.include(finished.stderr, `the Lease ${lease.namespace}/${lease.name} was lost`)
    assert.strictEqual(stringAt(yield* host.kube.get(leases, lease), "spec", "holderIdentity"), "somebody-else")
    yield* virtual.kube.create(externalSecrets, externalSecret("second"))
    assert.isUndefined(yield* host.kube.find(externalSecrets, hostRef("second")))
  }),
)

withPair("the allowance for a mass deletion is for one", { follow: false }, (pair) =>
  Effect.gen(function* () {
    const { host, virtual } = pair.ground
    const names = Array.from({ length: 12 }, (_, index) => `bulk-${index}`)
    yield* pair.command("sync")
    yield* Effect.forEach(names, (name) => virtual.kube.create(externalSecrets, externalSecret(name)), {
      discard: true,
    })
    assert.strictEqual((yield* pair.command("sync")).code, 0)
    yield* Effect.forEach(names, (name) => virtual.kube.delete(externalSecrets, { namespace: "default", name }), {
      discard: true,
    })
    yield* pair.launchFollow()
    const held = yield* host.kube.waitFor(leases, lease, (object) => annotation(object, "held-deletions") === "12/12", {
      timeout: "60 seconds",
    })
    yield* host.kube.patch(leases, held.metadata, {
      metadata: { annotations: { "vcluster-es.io/allow-mass-delete": "true" } },
    })
    yield* host.kube.waitForList(externalSecrets, { namespace: vcluster.namespace }, (left) => left.length === 0)
    yield* host.kube.waitFor(
      leases,
      lease,
      (object) =>
        annotation(object, "allow-mass-delete") === undefined && annotation(object, "held-deletions") === undefined,
    )
  }),
)

withPair("the version set back to v1beta1 after a v1", { eso: { version: "0.16" } }, (pair) =>
  Effect.gen(function* () {
    const { ground } = pair
    yield* createReady(pair, externalSecret("old"))
    yield* pair.syncer?.signal("SIGTERM") ?? Effect.void
    yield* pair.syncer?.finished ?? Effect.void
    yield* ground.seedVcluster({
      ...vcluster,
      values: {
        integrations: { externalSecrets: { ...documentedValues.integrations.externalSecrets, version: "v1beta1" } },
      },
    })
    yield* pair.startFollow()
    yield* createReady(pair, externalSecret("new"))
  }),
)

withPair("the host's CRD of the stores deleted: no Secret, copy or import goes with it", {}, (pair) =>
  Effect.gen(function* () {
    const { host, virtual } = pair.ground
    yield* createReady(pair, externalSecret("dear"))
    const secret = yield* virtual.kube.waitFor(
      secrets,
      { namespace: "default", name: "dear" },
      (object) => object["data"] !== undefined,
    )
    const copy = yield* host.kube.get(externalSecrets, hostRef("dear"))
    const imported = yield* virtual.kube.get(clusterSecretStores, { name: "store" })
    yield* host.kube.delete(crds, { name: "clustersecretstores.external-secrets.io" })
    yield* host.kube.waitUntilGone(crds, { name: "clustersecretstores.external-secrets.io" })
    // Other objects are still looked at, one after the other: when this one is told, the loss of the store was seen.
    yield* virtual.kube.create(externalSecrets, externalSecret("new"))
    yield* virtual.kube.waitFor(externalSecrets, { namespace: "default", name: "new" }, isRefused("StoreNotImported"))
    assert.strictEqual((yield* virtual.kube.get(secrets, secret.metadata)).metadata.uid, secret.metadata.uid)
    assert.strictEqual((yield* host.kube.get(externalSecrets, copy.metadata)).metadata.uid, copy.metadata.uid)
    assert.isUndefined((yield* host.kube.get(externalSecrets, copy.metadata)).metadata.deletionTimestamp)
    assert.strictEqual(
      (yield* virtual.kube.get(clusterSecretStores, imported.metadata)).metadata.uid,
      imported.metadata.uid,
    )
  }),
)
