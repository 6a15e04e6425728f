/** What ESO tells about the host's copy is told about the tenant's own object, in the tenant's names, and not too often. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { describeEntry, isWrite } from "../clusters/audit-log.ts"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { stringAt } from "../../src/effects/client/unstructured.ts"
import { hostSecretName } from "../../src/sync/tenancy/names.ts"
import { ourAgent } from "../support/complaint.ts"
import { documentedValues } from "../clusters/vcluster.ts"
import { clusterSecretStores, events, externalSecrets, secrets, secretStores } from "../support/resources.ts"
import {
  awaitSecret,
  createReady,
  externalSecret,
  fakeStore,
  hostRef,
  isReady,
  isRefused,
  onHost,
  readyOf,
  SyncedPair,
  type SyncedPairShape,
  vcluster,
} from "../support/synced-pair.ts"

const about = (uid: string | undefined, source = "external-secrets") => ({
  namespace: "default",
  fieldSelector: `involvedObject.uid=${uid},source=${source}`,
})

const hasReason = (reason: string) => (event: KubeObject) => event["reason"] === reason

/** Nothing of the host's, in any field that a tenant sees. */
const assertNoHostNames = (text: string) => {
  assert.notInclude(text, vcluster.namespace)
  assert.notInclude(text, vcluster.name)
}

const describeInVirtual = (pair: SyncedPairShape, name: string) =>
  Effect.map(
    pair.ground.kubectl(pair.ground.virtual, ["describe", "externalsecret", name, "-n", "default"]),
    ({ stdout }) => stdout.slice(stdout.indexOf("Events:")),
  )

const writesToEvents = Effect.fnUntraced(function* (pair: SyncedPairShape, mark: number) {
  const entries = yield* pair.ground.virtual.audit.since(mark)
  return entries
    .filter((entry) => ourAgent(entry) && isWrite(entry) && entry.objectRef?.resource === "events")
    .map(describeEntry)
})

/** An event as ESO's recorder writes it (client-go, tools/record). */
const hostEvent = (copy: KubeObject, name: string, fields: object): KubeObject => {
  const now = new Date().toISOString().replace(/\.\d+Z$/u, "Z")
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name, namespace: vcluster.namespace },
    involvedObject: {
      apiVersion: copy.apiVersion,
      kind: copy.kind,
      name: copy.metadata.name,
      namespace: copy.metadata.namespace,
      uid: copy.metadata.uid,
    },
    type: "Warning",
    reason: "UpdateFailed",
    message: "made up",
    source: { component: "external-secrets" },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
    ...fields,
  }
}

layer(SyncedPair.layer(), { excludeTestServices: true, timeout: "10 minutes" })((it) => {
  it.effect("Created, Updated and UpdateFailed are seen by kubectl describe, under the tenant's names", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const good = yield* createReady(pair, externalSecret("good", { target: { name: "app" } }))
      yield* awaitSecret(pair, "app")
      yield* host.kube.patch(
        clusterSecretStores,
        { name: "store" },
        { spec: fakeStore("store", { "/database/password": "other" })["spec"] },
      )
      yield* virtual.kube.patch(externalSecrets, good.metadata, { metadata: { annotations: { "force-sync": "1" } } })
      const told = yield* virtual.kube.waitForList(
        events,
        about(good.metadata.uid),
        (found) => found.some(hasReason("Created")) && found.some(hasReason("Updated")),
      )
      for (const event of told) {
        assertNoHostNames(JSON.stringify({ ...event, metadata: { ...event.metadata, managedFields: undefined } }))
        assert.strictEqual(stringAt(event, "involvedObject", "uid"), good.metadata.uid)
        assert.strictEqual(event["reportingComponent"], "vcluster-es")
      }

      yield* virtual.kube.create(externalSecrets, externalSecret("bad", { key: "/no/such/key" }))
      const bad = yield* virtual.kube.waitFor(
        externalSecrets,
        { namespace: "default", name: "bad" },
        isRefused("SecretSyncedError"),
      )
      yield* virtual.kube.waitForList(events, about(bad.metadata.uid), (found) => found.some(hasReason("UpdateFailed")))
      const described = yield* describeInVirtual(pair, "bad")
      assert.match(described, /Warning +UpdateFailed +\S+ .*external-secrets +.*\/no\/such\/key/)
      assertNoHostNames(described)
      assert.match(yield* describeInVirtual(pair, "good"), /Normal +Created .*Secret/i)
    }),
  )

  it.effect("status tells the cause that ESO's condition leaves out", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const status = yield* pair.command("status")
      assert.match(status.stdout, /✗ default\/bad +could not get secret data from provider: .*\/no\/such\/key/)
    }),
  )

  it.effect("a repetition is counted", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { kube } = pair.ground.virtual
      const ref = { namespace: "default", name: "bad" }
      const { metadata } = yield* kube.get(externalSecrets, ref)
      const counts = (found: ReadonlyArray<KubeObject>) =>
        found.filter(hasReason("UpdateFailed")).map(({ count }) => (typeof count === "number" ? count : 0))
      const [before = 0] = counts(yield* kube.list(events, about(metadata.uid)))
      yield* kube.patch(externalSecrets, ref, { metadata: { annotations: { "force-sync": "again" } } })
      const after = counts(
        yield* kube.waitForList(events, about(metadata.uid), (found) => (counts(found)[0] ?? 0) > before),
      )
      assert.lengthOf(after, 1)
    }),
  )

  it.effect("a storm ends in few events and few writes; what is forged or of others is not told", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const { metadata } = yield* createReady(pair, externalSecret("storm"))
      const copy = yield* host.kube.get(externalSecrets, hostRef("storm"))
      const mark = yield* virtual.audit.mark
      const forged = [
        { source: { component: "somebody" } },
        { involvedObject: { kind: "ExternalSecret", name: onHost("storm"), namespace: vcluster.namespace, uid: "no" } },
      ]
      for (const [index, fields] of forged.entries())
        yield* host.kube.create(events, hostEvent(copy, `forged-${index}`, { message: "forged", ...fields }))
      const names = Array.from({ length: 100 }, (_, index) => `storm-${String(index).padStart(3, "0")}`)
      yield* Effect.forEach(
        names,
        (name) =>
          host.kube.create(
            events,
            hostEvent(copy, name, {
              message: `${name}: secrets "${hostSecretName("storm", "default", vcluster.name)}" in ${vcluster.namespace}; not ${onHost("other", "b")}`,
            }),
          ),
        { concurrency: 4, discard: true },
      )
      const last = yield* virtual.kube.waitForList(events, about(metadata.uid), (found) => {
        const counts = found
          .filter(hasReason("UpdateFailed"))
          .map(({ count }) => (typeof count === "number" ? count : 0))
        return counts.reduce((sum, count) => sum + count, 0) >= 100
      })
      const warnings = last.filter(hasReason("UpdateFailed"))
      assert.isAtMost(warnings.length, 11)
      for (const event of warnings) {
        assertNoHostNames(String(event["message"]))
        assert.match(
          String(event["message"]),
          /^(\(combined from similar events\): )?storm-\d\d\d: secrets "storm" in default; not \(another object\)$/,
        )
      }
      const writes = yield* writesToEvents(pair, mark)
      assert.isAtMost(writes.length, 25, writes.join("\n"))
    }),
  )

  it.effect("a restart writes nothing that is there", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { kube, audit } = pair.ground.virtual
      const before = yield* kube.list(events, { namespace: "default", labelSelector: "vcluster-es.io/managed=true" })
      assert.isAbove(before.length, 10)
      // The one that ESO tries again and again would be news.
      yield* kube.delete(externalSecrets, { namespace: "default", name: "bad" })
      yield* pair.ground.host.kube.waitUntilGone(externalSecrets, hostRef("bad"))
      yield* pair.syncer?.signal("SIGKILL") ?? Effect.void
      yield* pair.syncer?.finished ?? Effect.void
      const mark = yield* audit.mark
      yield* pair.startFollow()
      // A new one is told, so the old ones have been looked at.
      const fresh = yield* createReady(pair, externalSecret("fresh"))
      yield* kube.waitForList(events, about(fresh.metadata.uid), (found) => found.some(hasReason("Created")))
      const writes = yield* writesToEvents(pair, mark)
      assert.lengthOf(writes, 1, writes.join("\n"))
    }),
  )
})

const documented = documentedValues.integrations.externalSecrets
const withStores = {
  integrations: {
    externalSecrets: { ...documented, sync: { ...documented.sync, toHost: { stores: { enabled: true } } } },
  },
}

const storeOf = (name: string, provider: object): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "SecretStore",
  metadata: { name, namespace: "default" },
  spec: { provider },
})

/** Its token is looked for under a key that the Secret does not have. */
const vault = {
  vault: {
    server: "https://vault.invalid",
    path: "secret",
    version: "v2",
    auth: { tokenSecretRef: { name: "vault-token", key: "absent" } },
  },
}

layer(SyncedPair.layer({ values: withStores }), { excludeTestServices: true, timeout: "10 minutes" })((it) => {
  it.effect("what ESO tells about a SecretStore is told on the tenant's own, and status tells the cause", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { kube } = pair.ground.virtual
      yield* kube.create(secretStores, storeOf("good", { fake: { data: [{ key: "/k", value: "v" }] } }))
      const good = yield* kube.waitFor(secretStores, { namespace: "default", name: "good" }, isReady)
      const valid = yield* kube.waitForList(
        events,
        about(good.metadata.uid, "secret-store"),
        (found) => found.length >= 2,
      )
      assert.deepStrictEqual(
        valid.map(({ reason }) => String(reason)).toSorted((one, two) => one.localeCompare(two)),
        [
          // ESO says so of its provider `fake`.
          "StoreUnmaintained",
          "Valid",
        ],
      )

      yield* kube.create(secrets, {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "vault-token", namespace: "default" },
        stringData: { other: "x" },
      })
      yield* kube.create(secretStores, storeOf("bad", vault))
      const bad = yield* kube.waitFor(
        secretStores,
        { namespace: "default", name: "bad" },
        (each) => readyOf(each)?.status === "False",
      )
      const [complaint] = yield* kube.waitForList(events, about(bad.metadata.uid, "secret-store"), (found) =>
        found.some(({ type }) => type === "Warning"),
      )
      const message = String(complaint?.["message"])
      assert.include(message, "absent")
      assertNoHostNames(message)
      const status = yield* pair.command("status")
      assert.include(status.stdout, message)
      assertNoHostNames(status.stdout.split("\n").find((line) => line.includes("default/bad")) ?? vcluster.name)
    }),
  )
})
