import { writtenAnnotation } from "../../../../../src/sync/tenancy/labels.ts"
import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import {
  fieldManager,
  managerFor,
  summarizeAppliedFields,
} from "../../../../../src/sync/external-secrets/managed-fields.ts"
import { secrets } from "../../../../../src/sync/resources.ts"
import { targetMetadataHash } from "../../../../../src/sync/external-secrets/target-metadata.ts"
import { arrayAt, stringMapAt } from "../../../../../src/effects/client/unstructured.ts"
import {
  applySecret,
  hasOtherType,
  isFrozenOut,
  isOlderThanSource,
  lookInto,
  removeSecrets,
} from "../../../../../src/sync/kinds/secret/to-virtual.ts"
import { owner, made, target, wanted, applied, tags } from "./to-virtual-ground.ts"

describe("desiredVirtualSecret", () => {
  it("has the data, the tenant's labels, our mark and the tenant's ExternalSecret as controller", () => {
    assert.deepStrictEqual(wanted(), {
      apiVersion: "v1",
      kind: "Secret",
      metadata: {
        name: "db",
        namespace: "prod",
        labels: { team: "a", "vcluster-es.io/managed": "true" },
        annotations: {
          note: "x",
          "vcluster-es.io/external-secret": "db",
          [writtenAnnotation]: wanted().metadata.annotations?.[writtenAnnotation] ?? "none",
        },
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

  it("bears the labels of the object, or with a template only the template's (cases 13, 18)", () => {
    const labels = { app: "web", release: "r", owner: "helm", grafana_datasource: "1" }
    assert.deepInclude(wanted({}, made(), owner(labels)).metadata.labels, labels)
    const template = { metadata: { labels: { app: "templated" } } }
    const both = wanted({ target: { template } }, made(), owner(labels)).metadata.labels
    assert.strictEqual(both?.["app"], "templated")
    assert.isUndefined(both?.["owner"])
  })

  it("bears nothing that only the host's Secret does", () => {
    const source = made({}, { labels: { team: "other", grafana_datasource: "1" } })
    assert.deepStrictEqual(wanted({}, source).metadata.labels, { team: "a", "vcluster-es.io/managed": "true" })
  })

  it("carries type, immutability and odd keys", () => {
    const data: unknown = JSON.parse('{"__proto__": "eA=="}')
    const secret = wanted({}, made({ type: "kubernetes.io/tls", immutable: true, data }))
    assert.deepInclude(secret, { type: "kubernetes.io/tls", immutable: true })
    assert.deepStrictEqual(Object.keys(stringMapAt(secret, "data")), ["__proto__"])
  })
})

const merging = { target: { creationPolicy: "Merge" } }
const orphaned = { target: { creationPolicy: "Orphan" } }
const frozen = { target: { immutable: true } }

describe("desiredVirtualSecret, where one is there already", () => {
  const theirs = (top: object = {}) =>
    summarizeAppliedFields({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "db", namespace: "prod", uid: "theirs" },
      type: "example.com/theirs",
      data: { foreign: "eA==" },
      ...top,
    })

  it("keeps its labels and annotations until ESO has refreshed", () => {
    const hashed = (es: KubeObject) =>
      made({}, { annotations: { "vcluster-es.io/metadata-hash": targetMetadataHash(es, target().spec) } })
    const [before, after] = [owner({ team: "a" }), owner({ team: "b", more: "c" })]
    const own = applied(wanted({}, hashed(before), before))
    assert.strictEqual(wanted({}, hashed(before), after, own).metadata.labels?.["team"], "a")
    assert.deepStrictEqual(applySecret(target({}, hashed(before), after), own), [])
    assert.strictEqual(wanted({}, hashed(after), after, own).metadata.labels?.["more"], "c")
  })

  it("keeps the type that it has", () =>
    assert.strictEqual(wanted({}, made(), owner(), theirs())["type"], "example.com/theirs"))

  it("target.immutable freezes what it holds", () => {
    const secret = wanted(frozen, made(), owner(), theirs())
    assert.deepInclude(secret, { immutable: true, data: {} })
    assert.strictEqual(secret.metadata.ownerReferences?.[0]?.uid, "owner-uid")
    const own = applied(wanted({}, made({ data: { password: "b25l" } })))
    assert.deepStrictEqual(wanted(frozen, made(), owner(), own)["data"], { password: "b25l" })
  })

  it("of an immutable one only the metadata changes", () => {
    const secret = wanted({}, made(), owner(), theirs({ immutable: true }))
    assert.deepInclude(secret, { immutable: true, data: {} })
    assert.strictEqual(secret.metadata.labels?.["team"], "a")
  })

  it("Merge leaves no trace of whose it is", () => {
    const { metadata } = wanted(merging, made(), owner(), theirs())
    assert.isUndefined(metadata.ownerReferences)
    const { [writtenAnnotation]: _mark, ...annotations } = metadata.annotations ?? {}
    assert.deepStrictEqual(annotations, { note: "x" })
  })

  it("Merge takes a key of another ExternalSecret once, and then leaves it to whoever has it", () => {
    const others = applied(wanted(), { manager: managerFor("other") })
    assert.deepStrictEqual(wanted(merging, made(), owner(), others)["data"], { password: "czNjcmV0" })
    const lost = summarizeAppliedFields({
      ...others,
      metadata: {
        ...others.metadata,
        managedFields: [
          ...arrayAt(others, "metadata", "managedFields"),
          {
            manager: managerFor("db"),
            operation: "Apply",
            fieldsV1: { "f:metadata": { "f:labels": { "f:vcluster-es.io/managed": {} } } },
          },
        ],
      },
    })
    assert.deepStrictEqual(wanted(merging, made(), owner(), lost)["data"], {})
  })
})

describe("applySecret", () => {
  const apply = (current: KubeObject | undefined, spec: object = {}, source = made()) =>
    tags(applySecret(target(spec, source), current))

  it("makes what is not there", () => assert.deepStrictEqual(apply(undefined), ["Apply"]))

  it("writes nothing at rest", () => {
    assert.deepStrictEqual(apply(applied(wanted())), [])
    assert.deepStrictEqual(apply(applied(wanted(orphaned)), orphaned), [])
    assert.deepStrictEqual(apply(applied(wanted(merging)), merging), [])
    const immutable = made({ immutable: true })
    assert.deepStrictEqual(apply(applied(wanted(frozen, immutable)), frozen, immutable), [])
  })

  it("keys of others go, as ESO clears what it does not merge into; under Merge, and when frozen, they stay", () => {
    const extra = { data: { own: "eA==" } }
    const [patch] = applySecret(target(), applied(wanted(), extra))
    assert.deepInclude(patch, { _tag: "Patch", side: "virtual", patch: { data: { own: null } } })
    assert.deepStrictEqual(apply(applied(wanted(merging), extra), merging), [])
    assert.deepStrictEqual(apply(applied(wanted({}, made({ immutable: true })), extra), frozen), [])
    assert.deepStrictEqual(apply(applied(wanted({}, made({ immutable: true })), extra)), [])
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
    ["immutable now", applied(wanted(), { top: { immutable: true } }), []],
    ["being deleted", applied(wanted(), { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z", labels: {} } }), []],
  ]
  for (const [what, current, actions] of changes) it(what, () => assert.deepStrictEqual(apply(current), actions))

  it("of an ESO that made it before, the mark goes by which ESO would delete it; a Secret that is merged into keeps it", () => {
    const createdBy = "reconcile.external-secrets.io/created-by"
    const standing = (spec: object) => {
      const body = wanted(spec)
      const labels = { ...body.metadata.labels, [createdBy]: "hash", "reconcile.external-secrets.io/managed": "true" }
      return applied(body, { metadata: { labels } })
    }
    const [patch, ...more] = applySecret(target(), standing({}))
    assert.deepInclude(patch, { _tag: "Patch", patch: { metadata: { labels: { [createdBy]: null } } } })
    assert.deepStrictEqual(more, [])
    const merge = { target: { creationPolicy: "Merge" } }
    assert.deepStrictEqual(applySecret(target(merge), standing(merge)), [])
  })

  it("no owner any more, once the policy is Orphan or Merge", () => {
    assert.deepStrictEqual(apply(applied(wanted()), orphaned), ["Apply"])
    assert.deepStrictEqual(apply(applied(wanted()), merging), ["Apply"])
  })

  it("the owner of a Secret that we merge into is not ours to judge", () => {
    const owned = applied(wanted(merging), {
      metadata: { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "x", uid: "x", controller: true }] },
    })
    assert.deepStrictEqual(apply(owned, merging), [])
  })

  it("writes under a field manager of the ExternalSecret's own, onto what it looked at", () => {
    const current = applied(wanted(), { data: { password: "aGFja2Vk" } })
    assert.deepInclude(applySecret(target(), current)[0], { manager: "vcluster-es/db", previous: current })
    assert.isAtMost(managerFor("x".repeat(253)).length, 128)
    assert.notStrictEqual(managerFor("x".repeat(252)), managerFor("x".repeat(253)))
  })

  it("looks at a Secret of which it knows only that it is there, by our label and nothing else", () => {
    const unmanaged = { apiVersion: "v1", kind: "Secret", metadata: { name: "db", namespace: "prod", uid: "theirs" } }
    const labels = { "vcluster-es.io/managed": "true" }
    assert.deepStrictEqual(lookInto(unmanaged), [
      {
        _tag: "Apply",
        side: "virtual",
        resource: secrets,
        body: { apiVersion: "v1", kind: "Secret", metadata: { name: "db", namespace: "prod", labels } },
        manager: fieldManager,
        previous: unmanaged,
      },
    ])
  })
})

describe("what ESO would fail at", () => {
  const immutable = (data: object) => applied(wanted(), { top: { immutable: true, data } })

  it("an immutable Secret whose values are others", () => {
    assert.isTrue(isFrozenOut(target(), immutable({ password: "b2xk" })))
    assert.isTrue(isFrozenOut(target(), immutable({ password: "czNjcmV0", foreign: "eA==" })))
    assert.isFalse(isFrozenOut(target(merging), immutable({ password: "czNjcmV0", foreign: "eA==" })))
    assert.isFalse(isFrozenOut(target(), immutable({ password: "czNjcmV0" })))
    assert.isFalse(isFrozenOut(target(frozen), immutable({ password: "b2xk" })))
    assert.isFalse(isFrozenOut(target(), applied(wanted(), { data: { password: "b2xk" } })))
  })

  it("another type, where the template asks for one", () => {
    const typed = target({ target: { template: { type: "example.com/ours" } } })
    assert.isTrue(hasOtherType(typed, applied(wanted())))
    assert.isFalse(hasOtherType(target(), applied(wanted(), { top: { type: "example.com/theirs" } })))
  })
})

describe("Orphan", () => {
  it("knows by the host Secret's version whether ESO has written since", () => {
    const source = made({}, { resourceVersion: "7" })
    const current = applied(wanted(orphaned, source))
    assert.isFalse(isOlderThanSource(target(orphaned, source), current))
    assert.isTrue(isOlderThanSource(target(orphaned, made({}, { resourceVersion: "8" })), current))
    assert.isFalse(isOlderThanSource(target(orphaned, source), applied(wanted())))
  })
})

describe("removeSecrets", () => {
  it("removes what we applied; not what only bears our marks, nor what is on its way out", () => {
    const ours = applied(wanted())
    const forged = summarizeAppliedFields({ ...wanted(), metadata: { ...wanted().metadata, uid: "forged" } })
    const leaving = applied(wanted(), { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } })
    const actions = removeSecrets([ours, forged, leaving], "db")
    assert.deepStrictEqual(tags(actions), ["Delete"])
    assert.deepInclude(actions[0], { current: ours })
    assert.deepStrictEqual(removeSecrets([ours], "other"), [])
  })
})
