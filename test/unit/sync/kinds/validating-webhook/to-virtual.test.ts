import { assert, describe, it } from "@effect/vitest"
import { makeMemoryStore } from "../../../../../src/effects/informer/memory-store.ts"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import { cachesFrom, wantedCaches } from "../../../../../src/sync/engine/caches.ts"
import type { SyncContext } from "../../../../../src/sync/engine/context.ts"
import { arrayAt, recordAt, valueAt } from "../../../../../src/effects/client/unstructured.ts"
import { desiredConfiguration, webhookImport } from "../../../../../src/sync/kinds/validating-webhook/to-virtual.ts"
import { webhookKind } from "../../../../../src/sync/kinds/validating-webhook/kind.ts"
import { testContext } from "../../../../model/world.ts"

const rule = (changes: object = {}) => ({
  apiGroups: ["external-secrets.io"],
  apiVersions: ["v1"],
  operations: ["CREATE", "UPDATE", "DELETE"],
  resources: ["externalsecrets"],
  scope: "Namespaced",
  ...changes,
})

const webhook = (changes: object = {}) => ({
  name: "validate.externalsecret.external-secrets.io",
  rules: [rule()],
  clientConfig: {
    service: { name: "webhook", namespace: "eso", path: "/validate", port: 443 },
    caBundle: "Q0E=",
  },
  failurePolicy: "Fail",
  matchPolicy: "Equivalent",
  namespaceSelector: {},
  objectSelector: {},
  sideEffects: "None",
  timeoutSeconds: 5,
  admissionReviewVersions: ["v1"],
  ...changes,
})

const configuration = (
  webhooks: ReadonlyArray<object>,
  metadata: Partial<KubeObject["metadata"]> = {},
): KubeObject => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingWebhookConfiguration",
  metadata: {
    name: "externalsecret-validate",
    uid: "host-uid",
    labels: { "external-secrets.io/component": "webhook" },
    annotations: { "cert-manager.io/inject-ca-from": "eso/webhook" },
    ...metadata,
  },
  webhooks,
})

const synced = ["externalsecrets", "clustersecretstores"]
const imported = (...webhooks: ReadonlyArray<object>) => webhookImport(configuration(webhooks), synced)
const resourcesOf = (...rules: ReadonlyArray<object>) =>
  arrayAt(imported(webhook({ rules }))?.webhooks[0], "rules").map((each) => valueAt(each, "resources"))

describe("what comes from the host", () => {
  it("is the webhook with a URL in place of the Service, and all else as it is", () => {
    const found = imported(webhook())
    const clientConfig = { url: "https://webhook.eso.svc:443/validate", caBundle: "Q0E=" }
    assert.deepStrictEqual(found, { webhooks: [{ ...webhook(), clientConfig }], lacksCa: false })
  })

  const configs: ReadonlyArray<readonly [what: string, config: object, wanted: object, lacksCa: boolean]> = [
    [
      "a port, no path",
      { service: { name: "w", namespace: "n", port: 8443 }, caBundle: "YQ==" },
      { url: "https://w.n.svc:8443", caBundle: "YQ==" },
      false,
    ],
    ["no port", { service: { name: "w", namespace: "n", path: "/p" } }, { url: "https://w.n.svc:443/p" }, true],
    [
      "an empty CA",
      { service: { name: "w", namespace: "n", path: "/p" }, caBundle: "" },
      { url: "https://w.n.svc:443/p", caBundle: "" },
      true,
    ],
    ["a URL, trusted by a public CA", { url: "https://eso.example/p" }, { url: "https://eso.example/p" }, false],
  ]
  for (const [what, clientConfig, wanted, lacksCa] of configs)
    it(`with ${what}`, () => {
      const found = imported(webhook({ clientConfig }))
      assert.deepStrictEqual(recordAt(found?.webhooks[0], "clientConfig"), wanted)
      assert.strictEqual(found?.lacksCa, lacksCa)
    })

  const rules: ReadonlyArray<readonly [what: string, rules: ReadonlyArray<object>, wanted: ReadonlyArray<unknown>]> = [
    [
      "kinds that are not synced are left out",
      [rule({ resources: ["secretstores", "externalsecrets"] })],
      [["externalsecrets"]],
    ],
    ["so are rules for other groups", [rule({ apiGroups: ["apps"] }), rule()], [["externalsecrets"]]],
    ["and for all groups: that is no webhook of ESO", [rule({ apiGroups: ["*"] }), rule()], [["externalsecrets"]]],
    [
      "and for subresources",
      [rule({ resources: ["externalsecrets/status", "externalsecrets"] })],
      [["externalsecrets"]],
    ],
    ["a star is every synced kind", [rule({ resources: ["*"] })], [synced]],
    ["so is one with subresources", [rule({ resources: ["*/*"] })], [synced]],
  ]
  for (const [what, given, wanted] of rules)
    it(`of its rules: ${what}`, () => assert.deepStrictEqual(resourcesOf(...given), wanted))

  it("narrows the group of a rule that names several", () =>
    assert.deepStrictEqual(
      valueAt(
        arrayAt(
          imported(webhook({ rules: [rule({ apiGroups: ["", "external-secrets.io"] })] }))?.webhooks[0],
          "rules",
        )[0],
        "apiGroups",
      ),
      ["external-secrets.io"],
    ))

  it("is nothing, where no rule is left or it is somebody else's", () => {
    assert.isUndefined(imported(webhook({ rules: [rule({ resources: ["secretstores"] })] })))
    assert.isUndefined(imported(webhook({ name: "validate.policies.example" })))
    assert.isUndefined(imported())
    assert.isUndefined(webhookImport({ ...configuration([]), webhooks: "none" }, synced))
  })

  it("leaves the host's labels and annotations behind: others' controllers act on them", () => {
    const host = configuration([webhook()])
    const { metadata } = desiredConfiguration(host, { webhooks: [], lacksCa: false })
    assert.deepStrictEqual(metadata, {
      name: "externalsecret-validate",
      labels: { "vcluster-es.io/managed": "true" },
      annotations: { "vcluster-es.io/host-uid": "host-uid" },
    })
  })
})

const context = (enabled: boolean): SyncContext => {
  const base = testContext()
  return { ...base, settings: { ...base.settings, webhook: enabled } }
}

const decide = (host: KubeObject | undefined, virtual: KubeObject | undefined, enabled = true) => {
  const hostWebhooks = makeMemoryStore()
  const virtualWebhooks = makeMemoryStore()
  hostWebhooks.replace(host === undefined ? [] : [host])
  virtualWebhooks.replace(virtual === undefined ? [] : [virtual])
  const caches = cachesFrom((cache) => (cache.side === "host" ? hostWebhooks : virtualWebhooks))
  const { actions, verdict } = webhookKind.decide("externalsecret-validate", caches, context(enabled), {
    refusedWrite: undefined,
  })
  return [actions.map(({ _tag }) => _tag).join(), verdict?.health, verdict?.reason]
}

const host = configuration([webhook()])
const inStep = desiredConfiguration(host, webhookImport(host, synced) ?? { webhooks: [], lacksCa: false })
const edited = { ...inStep, webhooks: [] }
const withoutMark = { ...inStep, metadata: { ...inStep.metadata, labels: {} } }
const own = configuration([], { labels: {}, annotations: {} })
const leaving = { ...inStep, metadata: { ...inStep.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } }
const unready = configuration([webhook({ clientConfig: { service: { name: "w", namespace: "n" } } })])

describe("the decision", () => {
  const cases: ReadonlyArray<
    readonly [what: string, decision: ReadonlyArray<string | undefined>, wanted: ReadonlyArray<string | undefined>]
  > = [
    ["makes it", decide(host, undefined), ["Create", "waiting", "Pending"]],
    ["is content", decide(host, inStep), ["", "synced", "Imported"]],
    ["reverts an edit", decide(host, edited), ["Patch", "waiting", "Pending"]],
    ["reverts a lost mark", decide(host, withoutMark), ["Patch", "waiting", "Pending"]],
    ["leaves a tenant's own alone", decide(host, own), ["", "refused", "VirtualObjectNotOurs"]],
    ["waits for one that is being deleted", decide(host, leaving), ["", "waiting", "DeletionPending"]],
    ["waits for the CA", decide(unready, undefined), ["", "waiting", "CaBundleMissing"]],
    ["keeps what stands while the CA is away", decide(unready, inStep), ["", "waiting", "CaBundleMissing"]],
    ["misses the host's", decide(undefined, undefined), ["", "broken", "HostWebhookMissing"]],
    ["removes it with the host's", decide(undefined, inStep), ["Delete", "broken", "HostWebhookMissing"]],
    ["removes no tenant's own", decide(undefined, own), ["", "broken", "HostWebhookMissing"]],
    ["removes what an earlier run left", decide(undefined, inStep, false), ["Delete", undefined, undefined]],
    ["has nothing to do when switched off", decide(undefined, undefined, false), ["", undefined, undefined]],
  ]
  for (const [what, decision, wanted] of cases) it(what, () => assert.deepStrictEqual(decision, wanted))
})

describe("the caches", () => {
  const held = (enabled: boolean) =>
    wantedCaches(webhookKind.caches, context(enabled)).map(({ cache, spec }) => [cache.name, spec.selection])

  it("without the setting the host is not looked at", () =>
    assert.deepStrictEqual(held(false), [["virtualWebhooks", { labelSelector: "vcluster-es.io/managed=true" }]]))

  it("with it, a configuration of the tenant's own is seen too", () =>
    assert.deepStrictEqual(held(true), [
      ["hostWebhooks", {}],
      ["virtualWebhooks", {}],
    ]))
})
