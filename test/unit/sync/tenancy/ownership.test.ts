import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import {
  controllerOf,
  markAnnotations,
  markLabels,
  originOf,
  ownedByService,
} from "../../../../src/sync/tenancy/ownership.ts"
import { hostReferenceName, isReferencesPlace } from "../../../../src/sync/tenancy/names.ts"

const tenancy = { vcluster: "vc", hostNamespace: "ns", virtualCluster: "u-1" }

const object = (metadata: Partial<KubeObject["metadata"]>): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "db-x-prod-x-vc", namespace: "ns", ...metadata },
})

const virtual = object({ name: "db", namespace: "prod", uid: "uid-1" })
const marks = markAnnotations(virtual, tenancy)

describe("originOf", () => {
  it("reads what the marks say", () => {
    const copy = object({ annotations: marks, labels: markLabels(tenancy) })
    assert.deepStrictEqual(originOf(copy, tenancy), { key: "prod/db", namespace: "prod", name: "db", uid: "uid-1" })
  })

  it("believes neither a name nor a label", () => {
    const named = object({ name: "db-x-prod-x-vc", labels: markLabels(tenancy) })
    assert.isUndefined(originOf(named, tenancy))
    assert.isUndefined(originOf(object({}), tenancy))
  })

  it("believes no marks under a name that they do not lead to", () => {
    for (const place of [{ name: "other-x-prod-x-vc" }, { name: "db" }, { namespace: "elsewhere" }])
      assert.isUndefined(originOf(object({ annotations: marks, labels: markLabels(tenancy), ...place }), tenancy))
    assert.isDefined(originOf(object({ annotations: marks, name: "db", namespace: "mapped" }), tenancy))
  })

  it("vCluster's own copy of a tenant's Secret is no copy of what a spec refers to, whatever marks it bears", () => {
    const copy = object({ annotations: marks, labels: { ...markLabels(tenancy), "vcluster-es.io/reference": "true" } })
    assert.isUndefined(originOf(copy, tenancy, isReferencesPlace))
    const ours = object({ annotations: marks, name: hostReferenceName("db", "prod", "vc") })
    assert.strictEqual(originOf(ours, tenancy, isReferencesPlace)?.key, "prod/db")
  })

  it("knows the copies of its own vCluster only", () => {
    assert.isUndefined(originOf(object({ annotations: marks }), { ...tenancy, vcluster: "other" }))
    assert.isUndefined(originOf(object({ annotations: marks }), { ...tenancy, hostNamespace: "other" }))
  })

  for (const key of Object.keys(marks).filter((name) => name !== "vcluster-es.io/virtual-cluster"))
    it(`needs ${key}`, () => {
      const rest = Object.fromEntries(Object.entries(marks).filter(([name]) => name !== key))
      assert.isUndefined(originOf(object({ annotations: rest }), tenancy))
    })
})

describe("owners", () => {
  it("is the vCluster's Service, without control, where there is one", () => {
    const service = object({ name: "vc", uid: "s" })
    assert.deepStrictEqual(ownedByService(service, "ns"), [
      { apiVersion: "v1", kind: "Service", name: "vc", uid: "s", controller: false },
    ])
    // The garbage collector would take what has an owner in another namespace for an orphan.
    assert.deepStrictEqual(ownedByService(service, "mapped"), [])
    assert.deepStrictEqual(ownedByService(undefined, "ns"), [])
    assert.deepStrictEqual(ownedByService(object({}), "ns"), [])
  })

  it("the controller is the one that says so", () => {
    const reference = { apiVersion: "v1", kind: "ConfigMap", name: "a", uid: "1" }
    assert.isUndefined(controllerOf(object({})))
    assert.isUndefined(controllerOf(object({ ownerReferences: [reference, { ...reference, controller: false }] })))
    const owners = [reference, { ...reference, name: "b", controller: true }]
    assert.strictEqual(controllerOf(object({ ownerReferences: owners }))?.name, "b")
  })
})
