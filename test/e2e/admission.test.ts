/** Beside a policy engine, on the host and in the virtual cluster: what it adds or overrules is told, and not fought (DESIGN §7). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { AuditEntry } from "../clusters/audit-log.ts"
import { describeEntry, isWrite } from "../clusters/audit-log.ts"
import { stringAt, valueAt } from "../../src/effects/client/unstructured.ts"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { ourAgent } from "../support/complaint.ts"
import { mutatingPolicyFlags, putIntoForce } from "../support/players/policy-engine.ts"
import { clusterSecretStores, events, externalSecrets, secrets, secretStores } from "../support/resources.ts"
import type { SyncedPairShape } from "../support/synced-pair.ts"
import {
  externalSecret,
  fakeStore,
  hostRef,
  isReady,
  isRefused,
  readyOf,
  SyncedPair,
  valueOf,
} from "../support/synced-pair.ts"

const withStores = {
  integrations: {
    externalSecrets: {
      enabled: true,
      sync: { toHost: { stores: { enabled: true } }, fromHost: { clusterStores: { enabled: true } } },
    },
  },
}

const inVirtual = (name: string) => ({ namespace: "default", name })

const store = (name: string): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "SecretStore",
  metadata: { name, namespace: "default", labels: { probe: "true" } },
  spec: { provider: { fake: { data: [{ key: "/k", value: "v" }] } } },
})

const secret = (name: string, data: Readonly<Record<string, string>> = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "default", labels: { team: "unknown" } },
  data,
})

/** The Lease goes on, and events are hints: ESO may tell of something late. */
const isAside = ({ objectRef }: AuditEntry): boolean => ["leases", "events"].includes(objectRef?.resource ?? "")

/** What we write in both clusters while something runs. */
const writesDuring = Effect.fnUntraced(function* <A, E>({ ground }: SyncedPairShape, run: Effect.Effect<A, E>) {
  const marks = [yield* ground.host.audit.mark, yield* ground.virtual.audit.mark] as const
  yield* run
  const entries = [...(yield* ground.host.audit.since(marks[0])), ...(yield* ground.virtual.audit.since(marks[1]))]
  return entries.filter((entry) => ourAgent(entry) && isWrite(entry) && !isAside(entry)).map(describeEntry)
})

const succeeds = Effect.fnUntraced(function* (pair: SyncedPairShape, command: "sync" | "status") {
  const { code, stderr, stdout } = yield* pair.command(command, [], "90 seconds")
  assert.strictEqual(code, 0, `${command}: ${stdout}${stderr}`)
})

/** Everything is in step, says the one and the other, and another pass writes nothing. */
const isAtRest = Effect.fnUntraced(function* (pair: SyncedPairShape) {
  yield* succeeds(pair, "status")
  assert.deepStrictEqual(yield* writesDuring(pair, succeeds(pair, "sync")), [])
})

const flags = { apiServerFlags: mutatingPolicyFlags }

layer(SyncedPair.layer({ values: withStores, follow: false, ground: { host: flags, virtual: flags } }), {
  excludeTestServices: true,
  timeout: "10 minutes",
})("beside admission", (it) => {
  it.effect("5: labels and annotations that the host's adds stay, and nothing is broken", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      yield* putIntoForce(host.kube, {
        name: "cost-center",
        resources: [externalSecrets, secretStores],
        when: "has(object.metadata.labels)",
        patches: `has(object.metadata.annotations)
          ? [JSONPatch{op: "add", path: "/metadata/labels/cost-center", value: "4711"},
             JSONPatch{op: "add", path: "/metadata/annotations/cost-center", value: "4711"}]
          : [JSONPatch{op: "add", path: "/metadata/labels/cost-center", value: "4711"}]`,
        probe: { resource: secretStores, object: store("probe") },
      })
      // The pass brings the CRDs.
      yield* succeeds(pair, "sync")
      yield* virtual.kube.create(externalSecrets, externalSecret("labelled"))
      yield* virtual.kube.create(secretStores, store("own"))
      yield* succeeds(pair, "sync")
      const copy = yield* host.kube.get(externalSecrets, hostRef("labelled"))
      assert.deepInclude(copy.metadata.labels, { "cost-center": "4711" })
      assert.deepInclude(copy.metadata.annotations, { "cost-center": "4711" })
      assert.strictEqual(valueOf(yield* virtual.kube.get(secrets, inVirtual("labelled")), "password"), "s3cret")
      yield* isAtRest(pair)
    }),
  )

  it.effect("5: a value that the host's overrules is told once, and again when the tenant asks for another", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      yield* putIntoForce(host.kube, {
        name: "rarely",
        resources: [externalSecrets],
        when: 'object.metadata.name.startsWith("capped")',
        patches: '[JSONPatch{op: "replace", path: "/spec/refreshInterval", value: "24h"}]',
        probe: { resource: externalSecrets, object: externalSecret("capped-probe") },
      })
      yield* virtual.kube.create(externalSecrets, externalSecret("capped"))
      yield* succeeds(pair, "sync")
      const told = yield* virtual.kube.get(externalSecrets, inVirtual("capped"))
      assert.isTrue(isReady(told))
      assert.strictEqual(readyOf(told)?.message, "secret synced; the host's admission overrules spec.refreshInterval")
      yield* isAtRest(pair)
      const notices = Effect.map(virtual.kube.list(events, { namespace: "default" }), (all) =>
        all.filter((event) => valueAt(event, "reason") === "OverruledByHost"),
      )
      assert.lengthOf(yield* notices, 1)
      const ours = yield* writesDuring(
        pair,
        Effect.andThen(
          virtual.kube.patch(externalSecrets, inVirtual("capped"), { spec: { refreshInterval: "2h" } }),
          succeeds(pair, "sync"),
        ),
      )
      const toCopy = ours.filter((write) => write.startsWith(`patch externalsecrets/${hostRef("capped").name} in`))
      assert.isAtMost(toCopy.length, 2, ours.join("\n"))
      const copy = yield* host.kube.get(externalSecrets, hostRef("capped"))
      assert.match(stringAt(copy, "spec", "refreshInterval") ?? "", /^24h/)
      yield* isAtRest(pair)
      assert.lengthOf(yield* notices, 2)
    }),
  )

  it.effect("5: what the host's makes of a SecretStore is no edit, and does not come back into the tenant's", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      yield* putIntoForce(host.kube, {
        name: "checked-rarely",
        resources: [secretStores],
        when: 'object.metadata.name.startsWith("healed")',
        patches: '[JSONPatch{op: "add", path: "/spec/refreshInterval", value: 3600}]',
        probe: { resource: secretStores, object: store("healed-probe") },
      })
      yield* virtual.kube.create(secretStores, store("healed"))
      yield* succeeds(pair, "sync")
      const own = yield* virtual.kube.get(secretStores, inVirtual("healed"))
      assert.isUndefined(valueAt(own, "spec", "refreshInterval"))
      assert.match(readyOf(own)?.message ?? "", /; the host's admission overrules spec\.refreshInterval$/)
      assert.strictEqual(
        valueAt(yield* host.kube.get(secretStores, hostRef("healed")), "spec", "refreshInterval"),
        3600,
      )
      yield* isAtRest(pair)
    }),
  )

  it.effect("26: a label and an annotation that the virtual cluster's changes on the Secret stand", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { virtual } = pair.ground
      yield* putIntoForce(virtual.kube, {
        name: "owning-team",
        resources: [secrets],
        when: 'has(object.metadata.labels) && "team" in object.metadata.labels && object.metadata.labels["team"] == "unknown"',
        patches: `has(object.metadata.annotations) && "note" in object.metadata.annotations
          ? [JSONPatch{op: "replace", path: "/metadata/labels/team", value: "platform"},
             JSONPatch{op: "remove", path: "/metadata/annotations/note"}]
          : [JSONPatch{op: "replace", path: "/metadata/labels/team", value: "platform"}]`,
        probe: { resource: secrets, object: secret("probe") },
      })
      const template = { metadata: { labels: { team: "unknown" }, annotations: { note: "hi" } } }
      yield* virtual.kube.create(externalSecrets, externalSecret("teamed", { target: { template } }))
      yield* succeeds(pair, "sync")
      const made = yield* virtual.kube.get(secrets, inVirtual("teamed"))
      assert.strictEqual(valueOf(made, "password"), "s3cret")
      assert.strictEqual(made.metadata.labels?.["team"], "platform")
      assert.isUndefined(made.metadata.annotations?.["note"])
      assert.isTrue(isReady(yield* virtual.kube.get(externalSecrets, inVirtual("teamed"))))
      yield* isAtRest(pair)
    }),
  )

  it.effect("26: a label that the virtual cluster's adds to an imported store stays", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { virtual } = pair.ground
      const probe = { ...fakeStore("probe", {}), spec: { provider: { fake: { data: [{ key: "/k", value: "v" }] } } } }
      yield* putIntoForce(virtual.kube, {
        name: "stores",
        resources: [clusterSecretStores],
        when: "has(object.metadata.labels)",
        patches: '[JSONPatch{op: "add", path: "/metadata/labels/cost-center", value: "4711"}]',
        probe: { resource: clusterSecretStores, object: probe },
      })
      yield* virtual.kube.patch(clusterSecretStores, { name: "store" }, { metadata: { annotations: { touched: "1" } } })
      yield* isAtRest(pair)
      const { metadata } = yield* virtual.kube.get(clusterSecretStores, { name: "store" })
      assert.strictEqual(metadata.labels?.["cost-center"], "4711")
    }),
  )

  it.effect("26: data that it changes is told as such, by sync, by status and at the object", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { virtual } = pair.ground
      yield* putIntoForce(virtual.kube, {
        name: "rewritten",
        resources: [secrets],
        when: 'object.metadata.name.startsWith("rewritten")',
        patches: `[JSONPatch{op: "replace", path: "/data/password", value: "${btoa("changed")}"}]`,
        probe: { resource: secrets, object: secret("rewritten-probe", { password: btoa("x") }) },
      })
      yield* virtual.kube.create(externalSecrets, externalSecret("rewritten"))
      const ours = yield* writesDuring(pair, pair.command("sync", [], "90 seconds"))
      assert.isAtMost(ours.filter((write) => write.includes("secrets/rewritten in")).length, 11)
      const told = yield* virtual.kube.get(externalSecrets, inVirtual("rewritten"))
      assert.isTrue(isRefused("TargetSecretContested")(told))
      for (const command of ["sync", "status"]) {
        const { code, stdout, stderr } = yield* pair.command(command, [], "90 seconds")
        assert.strictEqual(code, 1, command)
        assert.include(stdout + stderr, "keeps changing Secret default/rewritten", command)
      }
      yield* virtual.kube.delete(externalSecrets, inVirtual("rewritten"))
    }),
  )
})
