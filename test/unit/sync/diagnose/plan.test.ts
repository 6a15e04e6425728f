import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { plannedChanges } from "../../../../src/sync/diagnose/plan.ts"
import type { Action } from "../../../../src/sync/engine/actions.ts"
import { summarizeAppliedFields } from "../../../../src/sync/external-secrets/managed-fields.ts"
import { externalSecrets, secrets } from "../../../../src/sync/resources.ts"

const resource = externalSecrets("v1")
const object: KubeObject = {
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name: "db", namespace: "team-x", labels: { a: "1", b: "2" } },
  spec: { refreshInterval: "1h" },
}
const one = (action: Action) => plannedChanges([action])[0]

describe("a dry run foresees", () => {
  it("a creation", () => {
    assert.deepStrictEqual(one({ _tag: "Create", side: "host", resource, body: object }), {
      change: { side: "host", kind: "ExternalSecret", namespace: "team-x", name: "db", verb: "created" },
      before: undefined,
      after: object,
    })
  })
  it("a patch, its removals too", () => {
    const patch = { metadata: { labels: { a: null, c: "3" } }, spec: { refreshInterval: "5m" } }
    const planned = one({ _tag: "Patch", side: "host", resource, current: object, patch })
    assert.deepStrictEqual(planned?.after, {
      ...object,
      metadata: { ...object.metadata, labels: { b: "2", c: "3" } },
      spec: { refreshInterval: "5m" },
    })
  })
  it("a status, whole", () => {
    const current = { ...object, status: { conditions: [], old: true } }
    const status = { conditions: [{ type: "Ready" }] }
    const planned = one({ _tag: "Status", side: "virtual", resource, current, status })
    assert.deepStrictEqual([planned?.after, planned?.change.verb], [{ ...object, status }, "status"])
  })
  it("a deletion", () => {
    const planned = one({ _tag: "Delete", side: "host", resource, current: object, becauseAbsent: true })
    assert.deepStrictEqual([planned?.before, planned?.after, planned?.change.verb], [object, undefined, "deleted"])
  })
  it("nothing, where a patch says what is there already", () => {
    const patch = { status: { refreshTime: null }, spec: { refreshInterval: "1h" } }
    const current = { ...object, status: {} }
    assert.deepStrictEqual(plannedChanges([{ _tag: "Patch", side: "virtual", resource, current, patch }]), [])
  })
  it("an apply: keys of others stay, keys that we applied before and no more go", () => {
    const stored: KubeObject = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: {
        name: "db",
        namespace: "a",
        labels: { ours: "x", theirs: "y" },
        managedFields: [
          {
            manager: "vcluster-es/db",
            operation: "Apply",
            fieldsV1: { "f:data": { "f:old": {}, "f:kept": {} }, "f:metadata": { "f:labels": { "f:ours": {} } } },
          },
        ],
      },
      data: { old: "b2xk", kept: "MQ==", foreign: "Zg==" },
    }
    const previous = summarizeAppliedFields(stored)
    const body: KubeObject = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "db", namespace: "a", labels: { new: "z" } },
      data: { kept: "Mg==" },
    }
    const planned = one({
      _tag: "Apply",
      side: "virtual",
      resource: secrets,
      body,
      manager: "vcluster-es/db",
      previous,
    })
    assert.deepStrictEqual(planned?.before, stored)
    assert.deepStrictEqual(planned?.after?.["data"], { foreign: "Zg==", kept: "Mg==" })
    assert.deepStrictEqual(planned?.after?.metadata.labels, { theirs: "y", new: "z" })
  })
})
