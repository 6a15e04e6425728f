import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import type { ExternalSecretSpec } from "../../../../../src/sync/external-secrets/external-secret-spec.ts"
import {
  decodeSpec,
  storeReferences,
  targetName,
} from "../../../../../src/sync/external-secrets/external-secret-spec.ts"
import { judgeSpec } from "../../../../../src/sync/kinds/external-secret/policy.ts"
import { defaultPolicy } from "../../../../../src/sync/tenancy/policy.ts"
import type { Surroundings } from "../../../../../src/sync/kinds/external-secret/policy.ts"
import type { RefusalReason } from "../../../../../src/sync/tenancy/refusals.ts"

const store = (name: string, conditions?: ReadonlyArray<unknown>): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ClusterSecretStore",
  metadata: { name },
  spec: { provider: {}, ...(conditions === undefined ? {} : { conditions }) },
})

const stores = new Map([
  ["store", store("store")],
  ["elsewhere", store("elsewhere", [{ namespaces: ["other"] }])],
])

const around: Surroundings = {
  policy: defaultPolicy,
  clusterStores: { enabled: true, selector: "vcluster-accessible=true", standing: stores, isImported: () => true },
  stores: { enabled: false },
  hostNamespace: "team-x",
  virtualNamespace: { name: "default", labels: {} },
}

const ref = (name: string, kind = "ClusterSecretStore") => ({ name, kind })
const entry = { secretKey: "a", remoteRef: { key: "b" } }
const good = { refreshInterval: "1h", secretStoreRef: ref("store"), data: [entry] }
const template = (fields: object) => ({ ...good, target: { template: fields } })
const parsed = (json: string): unknown => JSON.parse(json)

const decoded = (spec: unknown): ExternalSecretSpec =>
  Result.match(decodeSpec(spec), { onFailure: ({ message }) => assert.fail(message), onSuccess: (value) => value })

const judge = (spec: unknown, changes: Partial<Surroundings> = {}) =>
  judgeSpec(decoded(spec), { ...around, ...changes })

describe("judgeSpec", () => {
  const allowed: ReadonlyArray<readonly [what: string, spec: unknown]> = [
    ["the ordinary", good],
    [
      "every field of ESO 0.20",
      {
        ...good,
        refreshPolicy: "Periodic",
        dataFrom: [
          { extract: { key: "a" }, rewrite: [] },
          { find: { name: { regexp: "a" } }, sourceRef: { storeRef: ref("store") } },
        ],
        target: {
          name: "a.b-c",
          creationPolicy: "Orphan",
          deletionPolicy: "Delete",
          immutable: true,
          template: {
            type: "kubernetes.io/tls",
            engineVersion: "v2",
            mergePolicy: "Merge",
            metadata: { labels: { app: "web", x: "{{ .a }}" }, annotations: { app: "{{ .a }}" }, finalizers: ["a/b"] },
            data: { a: "{{ .b }}" },
            templateFrom: [{ literal: "a: b" }, { target: "Data", literal: "a: b" }, { target: "", literal: "" }],
          },
        },
      },
    ],
    ["an empty target name", { ...good, target: { name: "" } }],
    ["no refresh", { ...good, refreshInterval: "0" }],
    ["a negative interval, which ESO reads", { ...good, refreshInterval: "-1s" }],
    ["a name of 253", { ...good, target: { name: "a".repeat(253) } }],
  ]
  for (const [what, spec] of allowed) it(`lets through: ${what}`, () => assert.isUndefined(judge(spec)))

  const refused: ReadonlyArray<readonly [reason: RefusalReason, message: string, spec: unknown]> = [
    ["StoreNotImported", "ClusterSecretStore hidden (spec.secretStoreRef)", { ...good, secretStoreRef: ref("hidden") }],
    [
      "StoreNotImported",
      "spec.data[1].sourceRef.storeRef",
      { ...good, data: [entry, { ...entry, sourceRef: { storeRef: ref("hidden") } }] },
    ],
    [
      "StoreNotImported",
      "spec.dataFrom[0].sourceRef.storeRef",
      { ...good, dataFrom: [{ sourceRef: { storeRef: ref("hidden") } }] },
    ],
    ["StoreConditionsNotMet", "does not admit namespace default", { ...good, secretStoreRef: ref("elsewhere") }],
    ["StoreKindDisabled", "SecretStore mine (spec.secretStoreRef)", { ...good, secretStoreRef: { name: "mine" } }],
    ["StoreKindDisabled", "SecretStore mine", { ...good, secretStoreRef: ref("mine", "") }],
    ["UnknownReference", 'spec.secretStoreRef.kind "Vault"', { ...good, secretStoreRef: ref("store", "Vault") }],
    ["InvalidSpec", 'spec.secretStoreRef.name "../x"', { ...good, secretStoreRef: ref("../x") }],
    ["InvalidSpec", 'spec.target.name "A"', { ...good, target: { name: "A" } }],
    ["InvalidSpec", "spec.target.name", { ...good, target: { name: "a".repeat(254) } }],
    ["InvalidSpec", 'spec.refreshInterval "soon"', { ...good, refreshInterval: "soon" }],
    ["InvalidSpec", 'spec.refreshInterval ""', { ...good, refreshInterval: "" }],
    ["InvalidSpec", "spec.refreshInterval", { ...good, refreshInterval: "9999999h" }],
    [
      "GeneratorNotAllowed",
      "spec.data[0].sourceRef.generatorRef",
      { ...good, data: [{ ...entry, sourceRef: { generatorRef: {} } }] },
    ],
    [
      "GeneratorNotAllowed",
      "spec.dataFrom[0].sourceRef.generatorRef",
      { ...good, dataFrom: [{ sourceRef: { generatorRef: null } }] },
    ],
    ["ManifestTargetNotAllowed", "spec.target.manifest", { ...good, target: { manifest: { kind: "ConfigMap" } } }],
    ["ManifestTargetNotAllowed", "spec.target.manifest", { ...good, target: { manifest: null } }],
    ["CreationPolicyNotSupported", '"Steal"', { ...good, target: { creationPolicy: "Steal" } }],
    ["InvalidSpec", "either data or dataFrom should be specified", { ...good, data: [], dataFrom: [] }],
    [
      "InvalidSpec",
      "Please set creationPolicy=Owner",
      { ...good, target: { creationPolicy: "Merge", deletionPolicy: "Delete" } },
    ],
    ["TemplateTypeNotAllowed", "service-account-token", template({ type: "kubernetes.io/service-account-token" })],
    ["TemplateTypeNotAllowed", "bootstrap", template({ type: "bootstrap.kubernetes.io/token" })],
    ["TemplateTypeNotAllowed", "helm.sh/release.v1", template({ type: "helm.sh/release.v1" })],
    ["InvalidSpec", "templateFrom[0].secret.name", template({ templateFrom: [{ secret: { name: "../vc-x" } }] })],
    [
      "UnknownReference",
      "templateFrom[1].configMap.namespace",
      template({ templateFrom: [{ literal: "" }, { configMap: { name: "a", namespace: "kube-system" } }] }),
    ],
    [
      "TemplateTargetNotAllowed",
      'templateFrom[0].target "metadata.ownerReferences" is refused; use Data, Labels or Annotations',
      template({ templateFrom: [{ target: "metadata.ownerReferences", literal: "a: b" }] }),
    ],
    [
      "TemplateTargetNotAllowed",
      "engineVersion v1 renders data only",
      template({ engineVersion: "v1", templateFrom: [{ target: "Labels", literal: "a: b" }] }),
    ],
    ["UnknownReference", "spec.target.otherRef", { ...good, target: { otherRef: {} } }],
    ["UnknownReference", "spec.target.template.secretRef", template({ secretRef: {} })],
    ["UnknownReference", "spec.target.template.templateFrom[0].vault", template({ templateFrom: [{ vault: {} }] })],
    ["UnknownReference", "spec.data[0].storeRef", { ...good, data: [{ ...entry, storeRef: ref("store") }] }],
    [
      "UnknownReference",
      "spec.data[0].sourceRef.otherRef",
      { ...good, data: [{ ...entry, sourceRef: { otherRef: {} } }] },
    ],
    ["UnknownReference", "spec.dataFrom[0].from", { ...good, dataFrom: [{ from: {} }] }],
    ["UnknownReference", "spec.otherRef", { ...good, otherRef: {} }],
    ["UnknownReference", "spec.__proto__", parsed('{"__proto__": {}}')],
    ["UnknownReference", "spec.constructor", { ...good, constructor: 1 }],
    ["UnknownReference", 'spec["a\\nb"]', { ...good, "a\nb": 1 }],
  ]
  for (const [reason, message, spec] of refused)
    it(`${reason}: ${message}`, () => {
      const refusal = judge(spec)
      assert.strictEqual(refusal?.reason, reason)
      assert.include(refusal?.message, message)
    })

  it("a message stays short, whatever the tenant wrote", () => {
    const long = "x".repeat(100_000)
    for (const spec of [
      { ...good, secretStoreRef: ref(long) },
      { ...good, secretStoreRef: ref("store", long) },
      { ...good, target: { name: long } },
      { ...good, target: { creationPolicy: long } },
      { ...good, refreshInterval: long },
      { ...good, [long]: 1 },
      template({ templateFrom: [{ target: long }] }),
    ])
      assert.isBelow(judge(spec)?.message.length ?? Number.POSITIVE_INFINITY, 400)
  })

  it("names the setting where ClusterSecretStores are off, and the label where the store lacks it", () => {
    const off = { ...around.clusterStores, enabled: false, isImported: () => false }
    const disabled = judge(good, { clusterStores: off })
    assert.strictEqual(disabled?.reason, "StoreKindDisabled")
    assert.include(disabled?.message, "integrations.externalSecrets.sync.fromHost.clusterStores.enabled")
    const hidden = judge({ ...good, secretStoreRef: ref("hidden") })
    assert.strictEqual(hidden?.fix?.command, "kubectl label clustersecretstore hidden vcluster-accessible=true")
    const selector = { ...around.clusterStores, selector: "a in (b,c)" }
    assert.isUndefined(judge({ ...good, secretStoreRef: ref("hidden") }, { clusterStores: selector })?.fix?.command)
  })

  it("names both namespaces that a store's conditions must admit, and who can mend them", () => {
    const refusal = judge({ ...good, secretStoreRef: ref("elsewhere") })
    assert.strictEqual(
      refusal?.message,
      "ClusterSecretStore elsewhere (spec.secretStoreRef) does not admit namespace default: its spec.conditions must admit both namespace default and this vCluster's host namespace team-x",
    )
    assert.deepInclude(refusal?.fix, { command: "kubectl edit clustersecretstore elsewhere", cluster: "host" })
    assert.include(refusal?.fix?.text, "a host namespace that is called default would be admitted as well")
  })

  it("does not say of an expression that it cannot judge that it did not match", () => {
    const unreadable = {
      ...around.clusterStores,
      standing: new Map([["store", store("store", [{ namespaceRegexes: ["^\\p{Greek}+$"] }])]]),
    }
    const refusal = judge(good, { clusterStores: unreadable })
    assert.strictEqual(refusal?.reason, "StoreConditionsNotMet")
    assert.match(
      refusal?.message ?? "",
      /^whether ClusterSecretStore .* admits namespace default cannot be told: spec\.conditions\[0\]\.namespaceRegexes\[0\] cannot be judged/,
    )
    assert.notInclude(refusal?.message, "does not admit")
  })

  it("a policy can open what is not imported, but not the conditions of what is", () => {
    const policy = { ...defaultPolicy, unimportedClusterStores: "allow" } as const
    assert.isUndefined(judge({ ...good, secretStoreRef: ref("hidden") }, { policy }))
    assert.strictEqual(
      judge({ ...good, secretStoreRef: ref("elsewhere") }, { policy })?.reason,
      "StoreConditionsNotMet",
    )
  })
})

describe("decodeSpec", () => {
  const deep = (levels: number): unknown => parsed(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`)
  const wrong: ReadonlyArray<readonly [what: string, spec: unknown]> = [
    ["a number", 7],
    ["a list", []],
    ["a text", "spec"],
    ["data: map", { data: {} }],
    ["data: [null]", { data: [null] }],
    ["secretStoreRef: null", { secretStoreRef: null }],
    ["store name: number", { secretStoreRef: { name: 5 } }],
    ["target: null", { target: null }],
    ["template: text", { target: { template: "x" } }],
    ["label: number", { target: { template: { metadata: { labels: { a: 1 } } } } }],
    ["refreshInterval: number", { refreshInterval: 5 }],
    ["deep", deep(33)],
    ["very deep", { data: [{ remoteRef: deep(9_000) }] }],
  ]
  for (const [what, spec] of wrong)
    it(`refuses ${what}`, () =>
      Result.match(decodeSpec(spec), {
        onFailure: ({ reason, message }) => {
          assert.strictEqual(reason, "InvalidSpec")
          assert.isBelow(message.length, 400)
        },
        onSuccess: () => assert.fail("decoded"),
      }))

  it("keeps what it does not read, own keys with odd names too", () => {
    const spec = parsed('{"data": [{"secretKey": "a", "__proto__": {"x": 1}}], "other": {"constructor": 1}}')
    assert.strictEqual(JSON.stringify(decoded(spec)), JSON.stringify(spec))
  })

  it("an absent spec is an empty one", () => {
    for (const spec of [undefined, null, {}]) assert.deepStrictEqual(decoded(spec), {})
  })
})

describe("what a spec names", () => {
  it("the target, else the object's own name", () => {
    assert.strictEqual(targetName(decoded({ target: { name: "t" } }), "own"), "t")
    assert.strictEqual(targetName(decoded({ target: { name: "" } }), "own"), "own")
    assert.strictEqual(targetName(decoded({}), "own"), "own")
  })

  it("every store, with its place and ESO's default kind", () => {
    const spec = decoded({
      secretStoreRef: { name: "a" },
      data: [entry, { ...entry, sourceRef: { storeRef: ref("b") } }],
      dataFrom: [{ sourceRef: { storeRef: ref("c") } }, { sourceRef: { storeRef: { name: "" } } }],
    })
    assert.deepStrictEqual(
      storeReferences(spec).map(({ path, kind, name }) => `${path} ${kind} ${name}`),
      [
        "spec.secretStoreRef SecretStore a",
        "spec.data[1].sourceRef.storeRef ClusterSecretStore b",
        "spec.dataFrom[0].sourceRef.storeRef ClusterSecretStore c",
      ],
    )
  })
})
