/** The syncer as a pod runs it: with the token of a ServiceAccount that has no more rights than docs/rbac.md grants. */
import { assert, describe, it as test, layer } from "@effect/vitest"
import { Effect } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { stringify } from "yaml"
import { describeEntry } from "../clusters/audit-log.ts"
import type { GroundShape } from "../clusters/ground.ts"
import { renderKubeconfig } from "../clusters/kubeconfig.ts"
import { documentedValues } from "../clusters/vcluster.ts"
import { runBinary } from "../support/complaint.ts"
import { untilGranted, userOf } from "../support/access-review.ts"
import { block, expand, extraRules, type Rule, rulesOf } from "../support/rbac-page.ts"
import { clusterSecretStores, externalSecrets, secrets, validatingWebhookConfigurations } from "../support/resources.ts"
import {
  awaitSecret,
  binary,
  createReady,
  externalSecret,
  fakeStore,
  hostRef,
  SyncedPair,
  type SyncedPairShape,
  valueOf,
  vcluster,
} from "../support/synced-pair.ts"

const full = ["create", "delete", "patch", "update", "get", "list", "watch"]

/**
 * What vCluster's chart grants to `vc-NAME` (loft-sh/vcluster v0.37, chart/templates/role.yaml and clusterrole.yaml): with the
 * integration, stores, cluster stores and webhook on, one replica, and nothing else that adds rules.
 */
const chart: { readonly role: ReadonlyArray<Rule>; readonly clusterRole: ReadonlyArray<Rule> } = {
  role: [
    { apiGroups: [""], resources: ["configmaps", "secrets", "services", "pods"], verbs: full },
    {
      apiGroups: ["apps"],
      resources: ["statefulsets", "replicasets", "deployments"],
      verbs: ["get", "list", "watch", "update"],
    },
    { apiGroups: ["", "events.k8s.io"], resources: ["events"], verbs: ["create", "get", "list", "watch"] },
    { apiGroups: ["external-secrets.io"], resources: ["externalsecrets", "secretstores"], verbs: full },
  ],
  clusterRole: [
    { apiGroups: ["apiextensions.k8s.io"], resources: ["customresourcedefinitions"], verbs: ["get", "list", "watch"] },
    { apiGroups: ["external-secrets.io"], resources: ["clustersecretstores"], verbs: ["get", "list", "watch"] },
    {
      apiGroups: ["admissionregistration.k8s.io"],
      resources: ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
      verbs: ["get", "list", "watch"],
    },
  ],
}

describe("docs/rbac.md", () => {
  test("grants nothing without bounds: only copies are written, and nothing of others in passing", () => {
    const granted = [...expand(rulesOf("Role")), ...expand(rulesOf("ClusterRole"))]
    assert.isAbove(granted.length, 20)
    assert.notMatch(granted.join("\n"), /\*/)
    assert.notMatch(
      granted.join("\n"),
      /deletecollection|escalate|bind|impersonate|pods|serviceaccounts|update (?!leases)/,
    )
    assert.notMatch(expand(rulesOf("ClusterRole")).join("\n"), /^(create|patch|delete) | secrets\./m)
  })

  test("vCluster's own ServiceAccount with the extra rules may do all of it", () => {
    assert.lengthOf(extraRules(), 2)
    const role = expand([...chart.role, ...extraRules()])
    assert.deepStrictEqual(
      expand(rulesOf("Role")).filter((right) => !role.includes(right)),
      [],
    )
    const clusterRole = expand(chart.clusterRole)
    assert.deepStrictEqual(
      expand(rulesOf("ClusterRole")).filter((right) => !clusterRole.includes(right)),
      [],
    )
  })
})

const binding = (kind: "Role" | "ClusterRole", name: string, subject: string) => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: `${kind}Binding`,
  metadata: kind === "Role" ? { name, namespace: vcluster.namespace } : { name },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name },
  subjects: [{ kind: "ServiceAccount", name: subject, namespace: vcluster.namespace }],
})

/** ServiceAccount, Roles and bindings as the chart makes them, with the extra rules of the page. */
const chartManifests = (): string => {
  const name = `vc-${vcluster.name}`
  const cluster = `vc-${vcluster.name}-v-${vcluster.namespace}`
  const { namespace } = vcluster
  const rbac = "rbac.authorization.k8s.io/v1"
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace } },
    { apiVersion: rbac, kind: "Role", metadata: { name, namespace }, rules: [...chart.role, ...extraRules()] },
    binding("Role", name, name),
    { apiVersion: rbac, kind: "ClusterRole", metadata: { name: cluster }, rules: chart.clusterRole },
    binding("ClusterRole", cluster, name),
  ]
    .map((manifest) => stringify(manifest))
    .join("---\n")
}

const kubeconfigOf = Effect.fnUntraced(function* (ground: GroundShape, account: string) {
  const token = yield* ground.kubectl(ground.host, ["create", "token", account, "-n", vcluster.namespace])
  assert.strictEqual(token.code, 0, token.stderr)
  const { ca, server } = ground.host.connectionAs({ user: "nobody" })
  const path = join(ground.folder, `${account}.kubeconfig`)
  const connection = { ca, server, token: token.stdout.trim() }
  yield* Effect.promise(() => writeFile(path, renderKubeconfig({ context: "in-cluster", connection })))
  return path
})

/** All that the syncer does on the host: create, change, fetch anew, delete, Lease, stores. */
const live = Effect.fnUntraced(function* (pair: SyncedPairShape, name: string) {
  const { host, virtual } = pair.ground
  const ref = { namespace: "default", name }
  yield* createReady(pair, externalSecret(name))
  yield* awaitSecret(pair, name)
  yield* virtual.kube.patch(externalSecrets, ref, { metadata: { labels: { tier: "one" } } })
  yield* virtual.kube.waitFor(secrets, ref, (secret) => secret.metadata.labels?.["tier"] === "one")
  yield* host.kube.create(clusterSecretStores, fakeStore(`store-${name}`, { "/database/password": "another" }))
  yield* virtual.kube.waitFor(clusterSecretStores, { name: `store-${name}` })
  yield* createReady(pair, externalSecret(`${name}-2`, { store: `store-${name}` }))
  assert.strictEqual(valueOf(yield* awaitSecret(pair, `${name}-2`), "password"), "another")
  // The Secrets are Kubernetes' to collect.
  yield* virtual.restartControllerManager
  for (const each of [name, `${name}-2`]) {
    yield* virtual.kube.delete(externalSecrets, { namespace: "default", name: each })
    yield* host.kube.waitUntilGone(externalSecrets, hostRef(each))
    yield* virtual.kube.waitUntilGone(secrets, { namespace: "default", name: each })
  }
})

/** All settings that need rights of their own. */
const values = {
  integrations: { externalSecrets: { ...documentedValues.integrations.externalSecrets, webhook: { enabled: true } } },
}

/** ESO's, as far as rights go: it is for no object, so nobody has to answer. */
const webhookOfEso = {
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingWebhookConfiguration",
  metadata: { name: "externalsecret-validate" },
  webhooks: [
    {
      name: "validate.externalsecret.external-secrets.io",
      rules: [
        {
          apiGroups: ["external-secrets.io"],
          apiVersions: ["v1"],
          operations: ["CREATE"],
          resources: ["externalsecrets"],
        },
      ],
      objectSelector: { matchLabels: { "no-object": "has-this" } },
      clientConfig: { url: "https://webhook.invalid/validate" },
      admissionReviewVersions: ["v1"],
      sideEffects: "None",
    },
  ],
}

layer(SyncedPair.layer({ follow: false, values }), { excludeTestServices: true, timeout: "10 minutes" })(
  "sync --follow with the rights of",
  (it) => {
    const accounts = [
      ["vCluster's own ServiceAccount and the extra rules", `vc-${vcluster.name}`, chartManifests()],
      ["a ServiceAccount of its own", "vcluster-es", block("rbac.yaml")],
    ] as const
    for (const [name, account, manifests] of accounts)
      it.effect(name, () =>
        Effect.gen(function* () {
          const pair = yield* SyncedPair
          const { ground } = pair
          const applied = yield* ground.kubectl(ground.host, ["apply", "-f", "-"], manifests)
          assert.strictEqual(applied.code, 0, applied.stderr)
          yield* ground.host.kube.apply(validatingWebhookConfigurations, webhookOfEso)
          // The last of the rules, so that not being heeded yet does not pass for missing.
          yield* untilGranted(ground.host.kube, {
            user: userOf(vcluster.namespace, account),
            group: "external-secrets.io",
            verb: "watch",
            resource: "clustersecretstores",
          })
          const kubeconfig = yield* kubeconfigOf(ground, account)
          const flags = [
            vcluster.name,
            `--namespace=${vcluster.namespace}`,
            `--kubeconfig=${kubeconfig}`,
            `--virtual-kubeconfig=${ground.virtual.kubeconfig}`,
          ]
          const mark = yield* ground.host.audit.mark
          const syncer = yield* ground.start({ file: binary, args: ["sync", "--follow", ...flags] })
          yield* syncer.waitForOutput(/in step/)
          yield* ground.virtual.kube.get(validatingWebhookConfigurations, webhookOfEso.metadata)
          yield* live(pair, account === "vcluster-es" ? "own" : "chart")
          yield* syncer.signal("SIGTERM")
          const finished = yield* syncer.finished
          assert.strictEqual(finished.code, 0, finished.stderr)
          assert.notMatch(finished.stderr, /not allowed|forbidden/i)
          const requests = (yield* ground.host.audit.since(mark)).filter(
            ({ user }) => user.username === `system:serviceaccount:${vcluster.namespace}:${account}`,
          )
          assert.isAbove(requests.length, 20)
          const refused = requests.filter(({ responseStatus }) => (responseStatus?.code ?? 0) === 403)
          assert.deepStrictEqual(refused.map(describeEntry), [])

          const pass = yield* runBinary(ground, ["sync", ...flags])
          assert.strictEqual(pass.code, 0, pass.stderr)
          const status = yield* runBinary(ground, ["status", ...flags])
          assert.strictEqual(status.code, 0, status.stdout)
          assert.include(status.stdout, "ESO (health not visible to you)")
        }),
      )
  },
)
