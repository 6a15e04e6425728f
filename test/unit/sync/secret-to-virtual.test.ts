import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { KubeObject } from "../../../src/effects/kube-object.ts"
import { fieldManager, summarizeAppliedFields } from "../../../src/sync/rules/applied-fields.ts"
import { decodeSpec } from "../../../src/sync/rules/external-secret-spec.ts"
import { stringMapAt } from "../../../src/sync/rules/json.ts"
import { applySecret, desiredVirtualSecret, removeSecrets } from "../../../src/sync/secret-to-virtual.ts"

const owner = (labels: Readonly<Record<string, string>> = {}): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name: "db", namespace: "prod", uid: "owner-uid", labels },
})

const made = (fields: object = {}, metadata: object = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: {
    name: "db-x-prod-x-vc.es",
    namespace: "team-x",
    labels: { team: "a", "reconcile.external-secrets.io/managed": "true", "vcluster-es.io/managed-by": "vc" },
    annotations: { note: "x", "reconcile.external-secrets.io/data-hash": "1", "vcluster-es.io/vcluster": "vc" },
    finalizers: ["host/only"],
    ...metadata,
  },
  type: "Opaque",
  data: { password: "czNjcmV0" },
  ...fields,
})

const wanted = (spec: object = {}, hostSecret = made(), es = owner()): KubeObject =>
  desiredVirtualSecret(
    es,
    Result.match(decodeSpec(spec), { onSuccess: (value) => value, onFailure: ({ message }) => assert.fail(message) }),
    hostSecret,
    "db",
  )

const fields = (entries: Readonly<Record<string, string>> | undefined) =>
  Object.fromEntries(Object.keys(entries ?? {}).map((key) => [`f:${key}`, {}]))

/** As the cache holds what we applied; `extra` is written by others afterwards. */
const applied = (
  body: KubeObject,
  extra: { readonly data?: object; readonly metadata?: object; readonly top?: object } = {},
) =>
  summarizeAppliedFields({
    ...body,
    data: { ...stringMapAt(body, "data"), ...extra.data },
    metadata: {
      ...body.metadata,
      uid: "secret-uid",
      resourceVersion: "9",
      managedFields: [
        {
          manager: fieldManager,
          operation: "Apply",
          fieldsV1: {
            "f:data": fields(stringMapAt(body, "data")),
            "f:metadata": {
              "f:labels": fields(body.metadata.labels),
              "f:annotations": fields(body.metadata.annotations),
            },
          },
        },
      ],
      ...extra.metadata,
    },
    ...extra.top,
  })

const tags = (actions: ReadonlyArray<{ readonly _tag: string }>) => actions.map(({ _tag }) => _tag)

describe("desiredVirtualSecret", () => {
  it("has the data, the tenant's labels, our mark and the tenant's ExternalSecret as controller", () => {
    assert.deepStrictEqual(wanted(), {
      apiVersion: "v1",
      kind: "Secret",
      metadata: {
        name: "db",
        namespace: "prod",
        labels: { team: "a", "vcluster-es.io/managed": "true" },
        annotations: { note: "x", "vcluster-es.io/external-secret": "db" },
        ownerReferences: [
          {
            apiVersion: "external-secrets.io/v1",
            kind: "ExternalSecret",
            name: "db",
            uid: "owner-uid",
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      type: "Opaque",
      data: { password: "czNjcmV0" },
    })
  })

  it("under Orphan has no owner", () =>
    assert.isUndefined(wanted({ target: { creationPolicy: "Orphan" } }).metadata.ownerReferences))

  it("bears the labels that the host could not: the object's, or with a template only the template's", () => {
    const labels = { app: "web", release: "r", owner: "helm" }
    assert.deepInclude(wanted({}, made(), owner(labels)).metadata.labels, labels)
    const template = { metadata: { labels: { app: "templated" } } }
    const both = wanted({ target: { template } }, made(), owner(labels)).metadata.labels
    assert.strictEqual(both?.["app"], "templated")
    assert.isUndefined(both?.["owner"])
  })

  it("carries type, immutability and odd keys", () => {
    const data: unknown = JSON.parse('{"__proto__": "eA=="}')
    const secret = wanted({}, made({ type: "kubernetes.io/tls", immutable: true, data }))
    assert.deepInclude(secret, { type: "kubernetes.io/tls", immutable: true })
    assert.deepStrictEqual(Object.keys(stringMapAt(secret, "data")), ["__proto__"])
  })
})

describe("applySecret", () => {
  it("makes what is not there", () => assert.deepStrictEqual(tags(applySecret(wanted(), undefined)), ["Apply"]))

  it("writes nothing at rest, whatever keys others have there", () => {
    assert.deepStrictEqual(applySecret(wanted(), applied(wanted())), [])
    // The account of what we applied does not name the keys of others.
    assert.deepStrictEqual(tags(applySecret(wanted(), applied(wanted(), { data: { own: "eA==" } }))), [])
  })

  const changes: ReadonlyArray<readonly [what: string, current: KubeObject, actions: ReadonlyArray<string>]> = [
    ["a value edited", applied(wanted(), { data: { password: "aGFja2Vk" } }), ["Apply"]],
    [
      "a key that we no longer want",
      applied(wanted({}, made({ data: { password: "czNjcmV0", old: "eA==" } }))),
      ["Apply"],
    ],
    ["a label taken away", applied(wanted(), { metadata: { labels: {} } }), ["Apply"]],
    ["another owner", applied(wanted(), { metadata: { ownerReferences: [] } }), ["Apply"]],
    ["never written by us", summarizeAppliedFields(wanted()), ["Apply"]],
    ["never written by us, of another type", summarizeAppliedFields({ ...wanted(), type: "other" }), ["Apply"]],
    ["ours, of another type", applied(wanted(), { top: { type: "other" } }), ["Delete", "Apply"]],
    ["ours, immutable before", applied(wanted(), { top: { immutable: true } }), ["Delete", "Apply"]],
    ["being deleted", applied(wanted(), { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z", labels: {} } }), []],
  ]
  for (const [what, current, actions] of changes)
    it(what, () => assert.deepStrictEqual(tags(applySecret(wanted(), current)), actions))

  it("deletes exactly what it looked at", () => {
    const current = applied(wanted(), { top: { type: "other" } })
    assert.deepInclude(applySecret(wanted(), current)[0], {
      _tag: "Delete",
      side: "virtual",
      current,
      becauseAbsent: false,
    })
  })
})

describe("removeSecrets", () => {
  it("removes what we applied; not what only bears our marks, nor what is on its way out", () => {
    const ours = applied(wanted())
    const forged = summarizeAppliedFields({ ...wanted(), metadata: { ...wanted().metadata, uid: "forged" } })
    const leaving = applied(wanted(), { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } })
    const actions = removeSecrets([ours, forged, leaving])
    assert.deepStrictEqual(tags(actions), ["Delete"])
    assert.deepInclude(actions[0], { current: ours })
  })
})
