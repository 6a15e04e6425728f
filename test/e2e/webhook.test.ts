/** `webhook.enabled`: ESO's own webhook on the host answers in the virtual cluster, and what happens when it does not. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { arrayAt, stringAt, valueAt } from "../../src/effects/client/unstructured.ts"
import { isWrite } from "../clusters/audit-log.ts"
import { caBundles } from "../clusters/eso-webhook-objects.ts"
import {
  clusterRoleBindings,
  clusterRoles,
  configMaps,
  externalSecrets,
  externalSecretsV1beta1,
  secrets,
  secretStores,
  validatingWebhookConfigurations as configurations,
} from "../support/resources.ts"
import {
  awaitSecret,
  binary,
  createReady,
  externalSecret,
  fakeStore,
  isReady,
  isRefused,
  readyOf,
  valueOf,
  vcluster,
} from "../support/synced-pair.ts"
import { apply, restartFollow, untilAllowed, WebhookPair, withWebhook } from "../support/webhook-pair.ts"

const forExternalSecrets = { name: "externalsecret-validate" }
const forStores = { name: "secretstore-validate" }

const firstOf = (configuration: KubeObject) => arrayAt(configuration, "webhooks")[0]

const ownStore: KubeObject = { ...fakeStore("own", { "/own": "o" }), kind: "SecretStore" }
const withStores = { toHost: { stores: { enabled: true } } }
/** Rejected by ESO's webhook, and by no schema. */
const badConditions = { conditions: [{ namespaceRegexes: ["\\1"] }] }

const empty = (name: string) => externalSecret(name, { spec: { data: [] } })
const eitherDataOrDataFrom = "either data or dataFrom should be specified"

layer(WebhookPair.layer, { excludeTestServices: true, timeout: "30 minutes" })("webhook.enabled", (it) => {
  it.effect("what ESO rejects is rejected by kubectl apply in the virtual cluster, with ESO's words", () =>
    Effect.gen(function* () {
      const pair = yield* WebhookPair
      const neither = yield* apply(pair, empty("neither"))
      assert.strictEqual(neither.code, 1)
      assert.include(neither.stderr, `denied the request: ${eitherDataOrDataFrom}`)
      const target = { creationPolicy: "Merge", deletionPolicy: "Delete" }
      const unowned = yield* apply(pair, externalSecret("unowned", { target }))
      assert.include(
        unowned.stderr,
        "deletionPolicy=Delete must not be used when the controller doesn't own the secret",
      )
      const older = yield* apply(pair, { ...empty("older"), apiVersion: "external-secrets.io/v1beta1" })
      assert.include(older.stderr, eitherDataOrDataFrom)
      const store = yield* apply(pair, {
        apiVersion: "external-secrets.io/v1",
        kind: "ClusterSecretStore",
        metadata: { name: "two-of-them" },
        spec: { ...badConditions, provider: { fake: { data: [] } } },
      })
      assert.include(store.stderr, "failed to compile 0th namespace regex in 0th condition")
      const { virtual } = pair.ground
      assert.deepStrictEqual(yield* virtual.kube.list(externalSecrets), [])
      yield* createReady(pair, externalSecret("valid"))
      const documented = { ...externalSecret("documented"), apiVersion: "external-secrets.io/v1beta1" }
      yield* virtual.kube.create(externalSecretsV1beta1, documented)
      yield* virtual.kube.waitFor(externalSecrets, documented.metadata, isReady)
    }),
  )

  it.effect("only ESO's webhooks come, for the kinds that are synced; all else is as on the host", () =>
    Effect.gen(function* () {
      const { host, virtual } = (yield* WebhookPair).ground
      const [there, here] = [
        yield* host.kube.get(configurations, forExternalSecrets),
        yield* virtual.kube.get(configurations, forExternalSecrets),
      ]
      assert.deepStrictEqual(here.metadata.labels, { "vcluster-es.io/managed": "true" })
      assert.deepStrictEqual(here.metadata.annotations, { "vcluster-es.io/host-uid": there.metadata.uid ?? "" })
      const url =
        "https://external-secrets-webhook.external-secrets-system.svc:443/validate-external-secrets-io-v1-externalsecret"
      assert.deepStrictEqual(arrayAt(here, "webhooks"), [
        { ...Object(firstOf(there)), clientConfig: { url, caBundle: caBundles(there)[0] } },
      ])
      const stores = yield* virtual.kube.get(configurations, forStores)
      assert.deepStrictEqual(
        arrayAt(stores, "webhooks").map((webhook) => stringAt(webhook, "name")),
        ["validate.clustersecretstore.external-secrets.io"],
      )
    }),
  )

  it.effect("who may not see the host's configurations hears that, and no verdict about them", () =>
    Effect.gen(function* () {
      const { ground } = yield* WebhookPair
      const { kube } = ground.host
      const read = ["get", "list"]
      const rules = ["", "apps", "coordination.k8s.io", "apiextensions.k8s.io", "external-secrets.io"].map((group) => ({
        apiGroups: [group],
        resources: ["*"],
        verbs: read,
      }))
      const rbac = "rbac.authorization.k8s.io"
      const metadata = { name: "onlooker" }
      const apiVersion = `${rbac}/v1`
      yield* kube.create(clusterRoles, { apiVersion, kind: "ClusterRole", metadata, rules })
      yield* kube.create(clusterRoleBindings, {
        apiVersion,
        kind: "ClusterRoleBinding",
        metadata,
        roleRef: { apiGroup: rbac, kind: "ClusterRole", name: "onlooker" },
        subjects: [{ apiGroup: rbac, kind: "User", name: "onlooker" }],
      })
      const kubeconfig = yield* ground.host.kubeconfigAs("onlooker.kubeconfig", { user: "onlooker" })
      const connection = [`--kubeconfig=${kubeconfig}`, `--virtual-kubeconfig=${ground.virtual.kubeconfig}`]
      const args = ["status", vcluster.name, `--namespace=${vcluster.namespace}`, ...connection, "-o", "json"]
      const status: unknown = JSON.parse((yield* ground.run({ file: binary, args })).stdout)
      const resource = "validatingwebhookconfigurations.admissionregistration.k8s.io"
      assert.deepStrictEqual(arrayAt(status, "notVisible"), [`list ${resource}`])
      assert.deepStrictEqual(arrayAt(status, "problems"), [])
    }),
  )

  it.effect("a new CA is followed", () =>
    Effect.gen(function* () {
      const pair = yield* WebhookPair
      const ca = yield* pair.webhook.rotate
      for (const configuration of [forExternalSecrets, forStores])
        yield* pair.ground.virtual.kube.waitFor(configurations, configuration, (found) =>
          caBundles(found).every((bundle) => bundle === ca),
        )
      yield* untilAllowed(pair, externalSecret("after-rotation"))
      const refused = yield* apply(pair, empty("refused-after-rotation"))
      assert.include(refused.stderr, eitherDataOrDataFrom)
    }),
  )

  it.effect("edits in the virtual cluster are reverted, a deletion as well", () =>
    Effect.gen(function* () {
      const { kube } = (yield* WebhookPair).ground.virtual
      const before = yield* kube.get(configurations, forExternalSecrets)
      const asBefore = (found: KubeObject) =>
        JSON.stringify([found["webhooks"], found.metadata.labels, found.metadata.annotations]) ===
        JSON.stringify([before["webhooks"], before.metadata.labels, before.metadata.annotations])
      const [first] = arrayAt(before, "webhooks")
      const edits = [
        { webhooks: [{ ...Object(first), failurePolicy: "Ignore" }] },
        { webhooks: [] },
        { metadata: { labels: { "vcluster-es.io/managed": null } } },
        { metadata: { annotations: { "vcluster-es.io/host-uid": null } } },
      ]
      for (const edit of edits) {
        yield* kube.patch(configurations, forExternalSecrets, edit)
        yield* kube.waitFor(configurations, forExternalSecrets, asBefore)
      }
      yield* kube.delete(configurations, forExternalSecrets)
      const again = yield* kube.waitFor(configurations, forExternalSecrets, asBefore)
      assert.notStrictEqual(again.metadata.uid, before.metadata.uid)
    }),
  )

  it.effect("a webhook that is down stops writes of ESO's kinds and nothing else; ours go on", () =>
    Effect.gen(function* () {
      const pair = yield* WebhookPair
      const { kube } = pair.ground.virtual
      const object = yield* createReady(pair, externalSecret("stays"))
      yield* awaitSecret(pair, "stays")
      yield* pair.webhook.stop
      const stopped = yield* apply(pair, externalSecret("too-late"))
      assert.include(stopped.stderr, 'failed calling webhook "validate.externalsecret.external-secrets.io"')
      yield* kube.create(configMaps, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "free", namespace: "default" },
      })
      const former = yield* kube.get(secrets, object.metadata)
      yield* kube.delete(secrets, object.metadata)
      const back = yield* kube.waitFor(secrets, object.metadata, (found) => found.metadata.uid !== former.metadata.uid)
      assert.strictEqual(valueOf(back, "password"), "s3cret")
      const forged = [{ type: "Ready", status: "False", reason: "Forged", message: "forged" }]
      yield* kube.patch(externalSecrets, object.metadata, { status: { conditions: forged } }, "status")
      yield* kube.waitFor(externalSecrets, object.metadata, isReady)
      yield* pair.webhook.start
      yield* untilAllowed(pair, externalSecret("too-late"))
      yield* kube.waitFor(externalSecrets, { namespace: "default", name: "too-late" }, isReady)
    }),
  )

  it.effect("a configuration of the tenant's own under the name is left alone, and told", () =>
    Effect.gen(function* () {
      const pair = yield* WebhookPair
      const { host, virtual } = pair.ground
      const own = yield* virtual.kube.create(configurations, {
        apiVersion: "admissionregistration.k8s.io/v1",
        kind: "ValidatingWebhookConfiguration",
        metadata: { name: "another-validate" },
        webhooks: [],
      })
      const { webhooks } = yield* host.kube.get(configurations, forExternalSecrets)
      yield* host.kube.create(configurations, { ...own, metadata: { name: "another-validate" }, webhooks })
      const status = yield* pair.command("status", ["-o", "json"])
      const problems = arrayAt(JSON.parse(status.stdout), "problems")
      const problem = problems.find((found) => valueAt(found, "object", "name") === "another-validate")
      assert.strictEqual(valueAt(problem, "reason"), "VirtualObjectNotOurs")
      yield* virtual.kube.patch(configurations, { name: "another-validate" }, { metadata: { labels: { seen: "x" } } })
      // The syncer has seen both by the time that it has put another one right.
      yield* virtual.kube.delete(configurations, forStores)
      yield* virtual.kube.waitFor(configurations, forStores)
      const left = yield* virtual.kube.get(configurations, { name: "another-validate" })
      assert.deepStrictEqual(arrayAt(left, "webhooks"), [])
      yield* virtual.kube.delete(configurations, { name: "another-validate" })
      yield* virtual.kube.waitFor(
        configurations,
        { name: "another-validate" },
        (found) => caBundles(found).length === 1,
      )
      yield* host.kube.delete(configurations, { name: "another-validate" })
      yield* virtual.kube.waitUntilGone(configurations, { name: "another-validate" })
    }),
  )

  it.effect("goes with the host's, is missed in status, and comes again only with its CA", () =>
    Effect.gen(function* () {
      const pair = yield* WebhookPair
      const { host, virtual } = pair.ground
      const there = [
        yield* host.kube.get(configurations, forExternalSecrets),
        yield* host.kube.get(configurations, forStores),
      ]
      for (const { metadata } of there) {
        yield* host.kube.delete(configurations, metadata)
        yield* virtual.kube.waitUntilGone(configurations, metadata)
      }
      const status = yield* pair.command("status", ["-o", "json"])
      assert.strictEqual(status.code, 1)
      assert.deepStrictEqual(
        arrayAt(JSON.parse(status.stdout), "problems").map((problem) => valueAt(problem, "reason")),
        ["HostWebhookMissing"],
      )
      const mark = yield* virtual.audit.mark
      for (const { metadata, ...rest } of there) {
        const { labels = {}, name } = metadata
        const webhooks = arrayAt(rest, "webhooks").map((webhook) => ({
          ...Object(webhook),
          clientConfig: { service: valueAt(webhook, "clientConfig", "service") },
        }))
        yield* host.kube.create(configurations, { ...rest, metadata: { name, labels }, webhooks })
        yield* virtual.kube.waitFor(configurations, metadata)
      }
      const written = (yield* virtual.audit.since(mark)).filter(
        (entry) => isWrite(entry) && entry.objectRef?.resource === configurations.plural,
      )
      assert.deepStrictEqual(
        written.map(({ verb }) => verb),
        ["create", "create"],
      )
    }),
  )

  it.effect("with stores.enabled the webhook for SecretStores comes too", () =>
    Effect.gen(function* () {
      const pair = yield* WebhookPair
      yield* restartFollow(pair, withWebhook(true, withStores))
      const { virtual } = pair.ground
      yield* virtual.kube.waitFor(configurations, forStores, (found) => caBundles(found).length === 2)
      const metadata = { name: "own", namespace: "default" }
      const { spec } = ownStore
      const rejected = yield* apply(pair, { ...ownStore, metadata, spec: { ...Object(spec), ...badConditions } })
      assert.include(rejected.stderr, "failed to compile 0th namespace regex in 0th condition")
      const applied = yield* apply(pair, { ...ownStore, metadata })
      assert.strictEqual(applied.code, 0, applied.stderr)
      yield* virtual.kube.waitFor(secretStores, metadata, isReady)
    }),
  )

  it.effect("switched off between two runs, nothing of it is left", () =>
    Effect.gen(function* () {
      const pair = yield* WebhookPair
      const { virtual } = pair.ground
      for (const name of [forExternalSecrets, forStores]) yield* virtual.kube.get(configurations, name)
      yield* restartFollow(pair, withWebhook(false, withStores))
      yield* virtual.kube.waitUntilGone(configurations, forExternalSecrets)
      yield* virtual.kube.waitUntilGone(configurations, forStores)
    }),
  )

  it.effect(
    "then what the host's webhook rejects shows on the virtual object, and not before the webhook answers",
    () =>
      Effect.gen(function* () {
        const pair = yield* WebhookPair
        const { kube } = pair.ground.virtual
        const metadata = { name: "refused-by-host", namespace: "default" }
        const { spec } = ownStore
        yield* kube.create(secretStores, { ...ownStore, metadata, spec: { ...Object(spec), ...badConditions } })
        const told = yield* kube.waitFor(secretStores, metadata, isRefused("RefusedByHost"))
        assert.include(readyOf(told)?.message, "failed to compile 0th namespace regex in 0th condition")
        yield* kube.patch(secretStores, metadata, { spec: { conditions: null } })
        yield* kube.waitFor(secretStores, metadata, isReady)
        yield* pair.webhook.stop
        yield* kube.create(externalSecrets, externalSecret("waits"))
        yield* pair.syncing.running.waitForOutput(/failed calling webhook/, { from: "stderr" })
        const waiting = yield* kube.get(externalSecrets, { namespace: "default", name: "waits" })
        assert.isFalse(isRefused("RefusedByHost")(waiting))
        yield* pair.webhook.start
        yield* kube.waitFor(externalSecrets, waiting.metadata, isReady, { timeout: "60 seconds" })
      }),
  )
})
