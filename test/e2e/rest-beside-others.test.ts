/**
 * At rest, beside GitOps tools, policy engines and replicators in both clusters, nothing of ours is written but the Lease (DESIGN §7): a minute of both
 * audit logs, ten with `VCLUSTER_ES_LONG=1`. Cases 3, 5, 11, 12, 18 and 26 at once, each player at work all the time.
 */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { type AuditEntry, describeEntry, isWrite } from "../clusters/audit-log.ts"
import { documentedValues } from "../clusters/vcluster.ts"
import { copyOf, hiddenSecretOf, inVirtual } from "../support/attack.ts"
import { ourAgent } from "../support/complaint.ts"
import { isLongRun } from "../support/long-run.ts"
import { keepLogsOnFailure } from "../support/on-ground.ts"
import { pruning, selfHealing } from "../support/players/gitops.ts"
import { mutatingPolicyFlags, putIntoForce } from "../support/players/policy-engine.ts"
import { foreign, replicateFrom, replicating } from "../support/players/replicator.ts"
import { externalSecrets, namespaces, secrets } from "../support/resources.ts"
import { carryThrough } from "../support/stays.ts"
import { awaitSecret, createReady, externalSecret, SyncedPair, valueOf, vcluster } from "../support/synced-pair.ts"
import type { SyncedPairShape } from "../support/synced-pair.ts"
import { makeWitness } from "../support/witness.ts"

const watched = isLongRun ? "10 minutes" : "60 seconds"

/** The host's house rules: a label on all that comes, and one interval for all. */
const hostPolicies = ({ ground: { host } }: SyncedPairShape) => {
  const resources = [externalSecrets]
  const object = externalSecret("probe", { namespace: vcluster.namespace, labels: { any: "label" } })
  const probe = { resource: externalSecrets, object }
  return Effect.andThen(
    putIntoForce(host.kube, {
      name: "house-label",
      resources,
      when: "has(object.metadata.labels)",
      patches: `[JSONPatch{op: "add", path: "/metadata/labels/cost-center", value: "4711"}]`,
      probe,
    }),
    putIntoForce(host.kube, {
      name: "house-interval",
      resources,
      when: "has(object.spec.refreshInterval)",
      patches: `[JSONPatch{op: "replace", path: "/spec/refreshInterval", value: "24h"}]`,
      probe,
    }),
  )
}

/** The tenant's own policy engine puts labels of Secrets right and takes annotations off. */
const tenantPolicies = ({ ground: { virtual } }: SyncedPairShape) => {
  const resources = [secrets]
  const metadata = { labels: { team: "unknown" }, annotations: { note: "hi", other: "x" } }
  const object = { apiVersion: "v1", kind: "Secret", metadata: { name: "probe", namespace: "default", ...metadata } }
  const probe = { resource: secrets, object }
  return Effect.andThen(
    putIntoForce(virtual.kube, {
      name: "owning-team",
      resources,
      when: "has(object.metadata.labels) && 'team' in object.metadata.labels",
      patches: `[JSONPatch{op: "replace", path: "/metadata/labels/team", value: "payments"}]`,
      probe,
    }),
    putIntoForce(virtual.kube, {
      name: "no-notes",
      resources,
      when: "has(object.metadata.annotations) && 'note' in object.metadata.annotations",
      patches: `[JSONPatch{op: "remove", path: "/metadata/annotations/note"}]`,
      probe,
    }),
  )
}

const trackingId = "argocd.argoproj.io/tracking-id"

const claimed = {
  labels: { "app.kubernetes.io/instance": "web", "argocd.argoproj.io/instance": "web", grafana_datasource: "1" },
  annotations: { [trackingId]: "web:external-secrets.io/ExternalSecret:default/claimed" },
}

/** In a mapped namespace nothing on the host has an owner that would shield it. */
const mapped = { virtual: "payments", host: "acme-payments" }

const values = {
  sync: { toHost: { namespaces: { enabled: true, mappings: { byName: { [mapped.virtual]: mapped.host } } } } },
  integrations: documentedValues.integrations,
}

/** What the tenants have, one for each kind of neighbour. */
const wishes: ReadonlyArray<KubeObject> = [
  externalSecret("plain"),
  externalSecret("claimed", claimed),
  externalSecret("shared", { annotations: claimed.annotations, target: { creationPolicy: "Merge" } }),
  externalSecret("owned", { annotations: claimed.annotations }),
  externalSecret("normalised", {
    target: { template: { metadata: { labels: { team: "unknown" }, annotations: { note: "hi", kept: "yes" } } } },
  }),
  externalSecret("replicated", {
    target: { template: { metadata: { annotations: { [replicateFrom]: "made-up/source" } } } },
  }),
]

const namespace = (name: string): KubeObject => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } })

const operatorsOwn = "operators-own"

/** Objects of the operator's that ask for it, without which nobody could know that the players are at work. */
const showThatTheyAct = Effect.fnUntraced(function* ({ ground: { host } }: SyncedPairShape) {
  yield* host.kube.create(secrets, {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: operatorsOwn,
      namespace: vcluster.namespace,
      annotations: { [replicateFrom]: "made-up/source" },
    },
  })
  yield* host.kube.waitFor(
    secrets,
    { namespace: vcluster.namespace, name: operatorsOwn },
    (secret) => valueOf(secret, foreign.key) === foreign.value,
  )
  const claims = externalSecret(operatorsOwn, { labels: { "app.kubernetes.io/instance": "web" } })
  yield* host.kube.create(externalSecrets, claims)
  yield* host.kube.waitUntilGone(externalSecrets, claims.metadata)
})

const isOfLease = ({ objectRef }: AuditEntry): boolean =>
  objectRef?.resource === "leases" && objectRef.namespace === vcluster.namespace

const isOnlyTheLease = (entries: ReadonlyArray<AuditEntry>) =>
  assert.deepStrictEqual(
    entries.filter((entry) => ourAgent(entry) && isWrite(entry) && !isOfLease(entry)).map(describeEntry),
    [],
  )

keepLogsOnFailure("rest-beside-others")

it.live(
  "beside Argo CD, Kyverno and a replicator, played in both clusters, nothing is written at rest",
  () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      yield* hostPolicies(pair)
      yield* tenantPolicies(pair)
      yield* host.kube.create(namespaces, namespace(mapped.host))
      yield* virtual.kube.create(namespaces, namespace(mapped.virtual))
      const replicator = yield* replicating(host.kube, vcluster.namespace)
      const pruner = yield* pruning(host.kube, "web", externalSecrets)
      yield* showThatTheyAct(pair)
      yield* virtual.kube.create(secrets, {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "shared", namespace: "default" },
        stringData: { theirs: "1" },
      })
      const witness = yield* makeWitness(virtual.kube)
      for (const wish of wishes) yield* createReady(pair, wish)
      for (const { metadata } of wishes) yield* awaitSecret(pair, metadata.name)
      yield* createReady(pair, externalSecret("claimed", { ...claimed, namespace: mapped.virtual }))
      const healers = yield* Effect.forEach(["shared", "owned"], (name) =>
        selfHealing(virtual.kube, secrets, inVirtual(name), { [trackingId]: `web:/Secret:default/${name}` }),
      )
      yield* carryThrough(pair, "healing")

      const once = yield* pair.command("sync", ["--dry-run"])
      assert.strictEqual(once.code, 0, `${once.stdout}${once.stderr}`)
      const status = yield* pair.command("status")
      assert.strictEqual(status.code, 0, status.stdout)

      const marks = [yield* host.audit.mark, yield* virtual.audit.mark] as const
      // Nothing can be awaited where nothing is to happen.
      yield* Effect.sleep(watched)
      isOnlyTheLease(yield* host.audit.since(marks[0]))
      isOnlyTheLease(yield* virtual.audit.since(marks[1]))

      assert.deepStrictEqual(
        [...new Set(yield* replicator.moves)],
        [`${vcluster.namespace}/${operatorsOwn}`],
        "no Secret of ours asks the host's replicator",
      )
      assert.deepStrictEqual(
        [...new Set(yield* pruner.moves)],
        [`default/${operatorsOwn}`],
        "nothing of ours without an owner bears the marks of the host's app",
      )
      for (const healer of healers) assert.lengthOf(yield* healer.moves, 1, "healed once, and let be since")
      const copy = yield* host.kube.get(externalSecrets, copyOf("claimed"))
      const hidden = yield* host.kube.get(secrets, hiddenSecretOf("claimed"))
      for (const { metadata } of [copy, hidden])
        for (const key of [...Object.keys(claimed.labels), ...Object.keys(claimed.annotations)])
          assert.isUndefined({ ...metadata.labels, ...metadata.annotations }[key], `${key} on the host`)
      const normalised = yield* virtual.kube.get(secrets, inVirtual("normalised"))
      assert.strictEqual(normalised.metadata.labels?.["team"], "payments", "the tenant's admission wins")
      assert.strictEqual(normalised.metadata.annotations?.["kept"], "yes")
      const replicated = yield* virtual.kube.get(secrets, inVirtual("replicated"))
      assert.strictEqual(replicated.metadata.annotations?.[replicateFrom], "made-up/source", "for a replicator inside")
      assert.isUndefined(valueOf(replicated, foreign.key))
      assert.deepStrictEqual(yield* witness.lost, [])
      assert.isFalse(pair.syncer?.process.hasExited() ?? true)
    }).pipe(
      Effect.provide(
        SyncedPair.layer({
          values,
          ground: { host: { apiServerFlags: mutatingPolicyFlags }, virtual: { apiServerFlags: mutatingPolicyFlags } },
        }),
      ),
      Effect.scoped,
    ),
  isLongRun ? 1_500_000 : 400_000,
)
