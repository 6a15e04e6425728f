/** The CRDs change under us: ESO is upgraded, the host stores another version, somebody else has installed them. */
import { assert, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { describeEntry } from "../clusters/audit-log.ts"
import { installEsoCrds, readCrds } from "../clusters/eso.ts"
import { esoTools } from "../clusters/tools.ts"
import { documentedValues } from "../clusters/vcluster.ts"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { arrayAt, recordAt, stringAt, valueAt } from "../../src/effects/client/unstructured.ts"
import { ourAgent } from "../support/complaint.ts"
import { clusterSecretStores, crds, externalSecrets, externalSecretsV1beta1, secrets } from "../support/resources.ts"
import type { PairOptions, SyncedPairShape } from "../support/synced-pair.ts"
import {
  awaitSecret,
  createReady,
  externalSecret,
  fakeStore,
  hostRef,
  isReady,
  SyncedPair,
  valueOf,
  vcluster,
} from "../support/synced-pair.ts"

const withPair = <A, E>(name: string, options: PairOptions, test: (pair: SyncedPairShape) => Effect.Effect<A, E>) =>
  it.live(
    name,
    () => Effect.flatMap(SyncedPair, test).pipe(Effect.provide(SyncedPair.layer(options)), Effect.scoped),
    300_000,
  )

const eso = { version: "0.16" } as const
const crd = { name: "externalsecrets.external-secrets.io" }
const documented = documentedValues.integrations.externalSecrets
const v1beta1Values = { integrations: { externalSecrets: { ...documented, version: "v1beta1" } } }

interface Version {
  readonly name: string | undefined
  readonly served: unknown
  readonly storage: unknown
}

const versionsOf = (object: KubeObject): ReadonlyArray<Version> =>
  arrayAt(object, "spec", "versions").map((version) => ({
    name: stringAt(version, "name"),
    served: valueAt(version, "served"),
    storage: valueAt(version, "storage"),
  }))

const newField = (object: KubeObject, version: string): unknown =>
  recordAt(
    arrayAt(object, "spec", "versions").find((candidate) => stringAt(candidate, "name") === version),
    "schema",
    "openAPIV3Schema",
    "properties",
    "spec",
    "properties",
    "target",
    "properties",
    "template",
    "properties",
    "metadata",
    "properties",
    "finalizers",
  )

/** All that hangs on ExternalSecrets of these names; later it must be the same. */
const identities = Effect.fnUntraced(function* ({ ground }: SyncedPairShape, names: ReadonlyArray<string>) {
  const { host, virtual } = ground
  const uid = ({ metadata }: KubeObject) => metadata.uid
  return yield* Effect.forEach(names, (name) =>
    Effect.all([
      Effect.map(virtual.kube.get(externalSecrets, { namespace: "default", name }), uid),
      Effect.map(virtual.kube.get(secrets, { namespace: "default", name }), uid),
      Effect.map(host.kube.get(externalSecrets, hostRef(name)), uid),
    ]),
  )
})

/** Runs `effect`; fails when we delete anything meanwhile. */
const deletingNothing = Effect.fnUntraced(function* <A, E, R>(
  { ground }: SyncedPairShape,
  effect: Effect.Effect<A, E, R>,
) {
  const { host, virtual } = ground
  const marks = [yield* host.audit.mark, yield* virtual.audit.mark] as const
  const result = yield* effect
  const entries = [...(yield* host.audit.since(marks[0])), ...(yield* virtual.audit.since(marks[1]))]
  assert.deepStrictEqual(
    entries.filter((entry) => ourAgent(entry) && entry.verb.startsWith("delete")).map(describeEntry),
    [],
  )
  return result
})

/** The stores' values, and each of these ExternalSecrets fetched anew until it has it. */
const rotate = Effect.fnUntraced(function* (
  { ground }: SyncedPairShape,
  value: string,
  names: ReadonlyArray<string>,
  resource = externalSecrets,
) {
  yield* ground.host.kube.patch(
    clusterSecretStores,
    { name: "store" },
    { spec: fakeStore("store", { "/database/password": value })["spec"] },
  )
  for (const name of names) {
    const ref = { namespace: "default", name }
    yield* ground.virtual.kube.patch(resource, ref, { metadata: { annotations: { "force-sync": value } } })
    yield* ground.virtual.kube.waitFor(secrets, ref, (secret) => valueOf(secret, "password") === value)
  }
})

const upgrade = Effect.fnUntraced(function* (pair: SyncedPairShape) {
  yield* pair.eso?.stop() ?? Effect.void
  yield* installEsoCrds(pair.ground.host, "0.20")
  yield* pair.ground.startEso({ version: "0.20" })
})

const stopSyncer = Effect.fnUntraced(function* (pair: SyncedPairShape) {
  yield* pair.syncer?.signal("SIGTERM") ?? Effect.void
  yield* pair.syncer?.finished ?? Effect.void
})

withPair("ESO upgraded from 0.16 to 0.20 while we follow", { eso }, (pair) =>
  Effect.gen(function* () {
    const { host, virtual } = pair.ground
    const names = ["first", "documented"]
    yield* createReady(pair, externalSecret("first"))
    const apiVersion = "external-secrets.io/v1beta1"
    yield* virtual.kube.create(externalSecretsV1beta1, { ...externalSecret("documented"), apiVersion })
    yield* Effect.forEach(names, (name) => awaitSecret(pair, name))
    assert.isUndefined(newField(yield* virtual.kube.get(crds, crd), "v1"))
    const before = yield* identities(pair, names)
    yield* deletingNothing(
      pair,
      Effect.gen(function* () {
        yield* upgrade(pair)
        const followed = yield* virtual.kube.waitFor(crds, crd, (found) => newField(found, "v1") !== undefined)
        assert.deepStrictEqual(versionsOf(followed), [
          { name: "v1", served: true, storage: true },
          { name: "v1beta1", served: true, storage: false },
        ])
        assert.isDefined(newField(followed, "v1beta1"))
        yield* rotate(pair, "rotated", names)
        yield* rotate(pair, "again", ["documented"], externalSecretsV1beta1)
        assert.deepStrictEqual(yield* identities(pair, names), before)
      }),
    )
    // `merge` is new since 0.16: the keys of all that was found become one Secret.
    yield* host.kube.create(
      clusterSecretStores,
      fakeStore("many", { "/many/a": '{"one":"1"}', "/many/b": '{"two":"2"}' }),
    )
    yield* virtual.kube.waitFor(clusterSecretStores, { name: "many" })
    const dataFrom = [{ find: { name: { regexp: "^/many/" } }, rewrite: [{ merge: { strategy: "Extract" } }] }]
    yield* virtual.kube.create(externalSecretsV1beta1, {
      ...externalSecret("merged", { store: "many", spec: { data: undefined, dataFrom } }),
      apiVersion,
    })
    const merged = yield* virtual.kube.waitFor(secrets, { namespace: "default", name: "merged" })
    assert.deepStrictEqual([valueOf(merged, "one"), valueOf(merged, "two")], ["1", "2"])
    const plan = yield* pair.command("sync", ["--dry-run"])
    assert.strictEqual(plan.stdout, "✓ in step: nothing would change\n", plan.stderr)
  }),
)

withPair("version: v1beta1, and an ESO that does not serve it any more", { eso, values: v1beta1Values }, (pair) =>
  Effect.gen(function* () {
    const { ground } = pair
    const { virtual } = ground
    const names = ["first", "second"]
    const apiVersion = "external-secrets.io/v1beta1"
    for (const name of names) {
      yield* virtual.kube.create(externalSecretsV1beta1, { ...externalSecret(name), apiVersion })
      yield* virtual.kube.waitFor(externalSecretsV1beta1, { namespace: "default", name }, isReady)
      yield* awaitSecret(pair, name)
    }
    const complaint = /integrations\.externalSecrets\.version: the host serves \S+ as v1, not as v1beta1/
    const uids = Effect.forEach(names, (name) =>
      Effect.all([
        Effect.map(virtual.kube.get(externalSecretsV1beta1, { namespace: "default", name }), (o) => o.metadata.uid),
        Effect.map(virtual.kube.get(secrets, { namespace: "default", name }), ({ metadata }) => metadata.uid),
        Effect.map(ground.host.kube.get(externalSecrets, hostRef(name)), ({ metadata }) => metadata.uid),
      ]),
    )
    const before = yield* deletingNothing(
      pair,
      Effect.gen(function* () {
        const found = yield* Effect.andThen(
          Effect.forEach(names, (name) => ground.host.kube.get(externalSecrets, hostRef(name))),
          uids,
        )
        yield* upgrade(pair)
        yield* pair.syncer?.waitForOutput(complaint, { from: "stderr", timeout: "60 seconds" }) ?? Effect.void
        assert.isFalse(pair.syncer?.process.hasExited())
        // A pass says the same, and how to go on.
        const pass = yield* pair.command("sync", ["--dry-run"])
        assert.strictEqual(pass.code, 2, pass.stderr)
        assert.match(pass.stderr, complaint)
        assert.match(pass.stderr, /^ {2}fix: .*integrations\.externalSecrets\.version/m)
        assert.deepStrictEqual(yield* uids, found)
        return found
      }),
    )
    // The setting goes, and all goes on.
    yield* stopSyncer(pair)
    yield* ground.seedVcluster({ ...vcluster, values: documentedValues })
    yield* deletingNothing(
      pair,
      Effect.gen(function* () {
        yield* pair.startFollow()
        yield* rotate(pair, "rotated", names)
        yield* rotate(pair, "again", names, externalSecretsV1beta1)
        assert.deepStrictEqual(yield* uids, before)
      }),
    )
  }),
)

withPair("the host stores another version while we follow, and the first one again", { eso }, (pair) =>
  Effect.gen(function* () {
    const { host, virtual } = pair.ground
    const names = ["first", "second"]
    for (const name of names) yield* createReady(pair, externalSecret(name))
    yield* Effect.forEach(names, (name) => awaitSecret(pair, name))
    const before = yield* identities(pair, names)
    const store = Effect.fnUntraced(function* (version: string) {
      for (const plural of ["externalsecrets", "clustersecretstores"]) {
        const name = `${plural}.external-secrets.io`
        const current = yield* host.kube.get(crds, { name })
        const versions = arrayAt(current, "spec", "versions").map((each) => ({
          ...recordAt(each),
          storage: stringAt(each, "name") === version,
        }))
        yield* host.kube.patch(crds, { name }, { spec: { versions } })
      }
      yield* virtual.kube.waitFor(crds, crd, (found) =>
        versionsOf(found).some(({ name, storage }) => name === version && storage === true),
      )
    })
    yield* deletingNothing(
      pair,
      Effect.gen(function* () {
        yield* store("v1beta1")
        yield* (
          pair.syncer?.waitForOutput(/of external-secrets.io on the host has changed/, {
            from: "stderr",
          }) ?? Effect.void
        )
        yield* rotate(pair, "rotated", names)
        yield* createReady(pair, externalSecret("third"))
        yield* store("v1")
        yield* rotate(pair, "again", [...names, "third"])
        assert.deepStrictEqual(yield* identities(pair, names), before)
      }),
    )
    yield* createReady(pair, externalSecret("fourth"))
    assert.isFalse(pair.syncer?.process.hasExited())
  }),
)

/** Whole, but for what the API server writes. */
const asInstalled = ({ metadata, spec }: KubeObject) => ({
  labels: metadata.labels,
  annotations: metadata.annotations,
  generation: metadata.generation,
  spec,
})

withPair(
  "CRDs that somebody else installed in the virtual cluster, with the version that we need",
  { follow: false },
  (pair) =>
    Effect.gen(function* () {
      const { virtual } = pair.ground
      yield* installEsoCrds(virtual, "0.16", ["externalsecrets", "clustersecretstores"])
      const installed = asInstalled(yield* virtual.kube.get(crds, crd))
      const running = yield* pair.startFollow()
      yield* running.waitForOutput(
        /CRD externalsecrets\.external-secrets\.io in the virtual cluster was installed by somebody else .*; it is left alone\n/,
        { from: "stderr" },
      )
      yield* createReady(pair, externalSecret("app"))
      yield* awaitSecret(pair, "app")
      assert.deepStrictEqual(asInstalled(yield* virtual.kube.get(crds, crd)), installed)
      // Taken away by whoever installed it, it is made anew as ours.
      yield* virtual.kube.delete(crds, crd)
      yield* virtual.kube.waitFor(
        crds,
        crd,
        (found) => found.metadata.labels?.["vcluster-es.io/managed"] === "true" && newField(found, "v1") !== undefined,
      )
    }),
)

withPair("CRDs that somebody else installed, without the version that we need", { follow: false }, (pair) =>
  Effect.gen(function* () {
    const { virtual } = pair.ground
    const tools = yield* esoTools("0.16")
    const bundled = (yield* readCrds(tools.crds)).find(({ metadata }) => metadata.name === crd.name)
    const versions = arrayAt(bundled, "spec", "versions")
      .filter((version) => stringAt(version, "name") === "v1beta1")
      .map((version) => ({ ...recordAt(version), storage: true }))
    yield* virtual.kube.create(crds, {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: crd.name },
      spec: { ...recordAt(bundled, "spec"), versions },
    })
    const old = yield* virtual.kube.waitFor(crds, crd, (found) => arrayAt(found, "status", "conditions").length > 1)
    const named = /CRD externalsecrets\.external-secrets\.io in the virtual cluster .* does not serve v1/

    const pass = yield* pair.command("sync")
    assert.strictEqual(pass.code, 1)
    assert.match(pass.stderr, /^Error: the virtual cluster does not serve externalsecrets\S* .*\n {2}fix: /m)
    assert.match(pass.stderr, named)
    const status = yield* pair.command("status")
    assert.strictEqual(status.code, 1)
    assert.match(status.stdout, /installed in the virtual cluster by somebody else and does not serve v1/)

    const running = yield* pair.launchFollow()
    yield* running.waitForOutput(named, { from: "stderr" })
    // Told once, however often it is looked at.
    const mark = yield* virtual.audit.mark
    const looks = Effect.map(
      virtual.audit.since(mark),
      (entries) => entries.filter((entry) => ourAgent(entry) && entry.objectRef?.name === crd.name).length,
    )
    yield* Effect.repeat(looks, { until: (count) => count >= 2, schedule: Schedule.spaced("500 millis") })
    assert.lengthOf(running.stderr().match(new RegExp(named, "g")) ?? [], 1)
    assert.deepStrictEqual(asInstalled(yield* virtual.kube.get(crds, crd)), asInstalled(old))
    assert.isFalse(running.process.hasExited())
    // Its owner upgrades: following goes on by itself.
    yield* installEsoCrds(virtual, "0.20", ["externalsecrets"])
    yield* running.waitForOutput(/in step/, { timeout: "60 seconds" })
    yield* createReady(pair, externalSecret("app"))
  }),
)
