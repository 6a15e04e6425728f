/** From the names of version 0.1 to those of now: nothing that a tenant has is lost on the way. */
import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { recordAt, stringAt, stringMapAt } from "../../../../src/effects/client/unstructured.ts"
import { syncedKinds } from "../../../../src/sync/kinds/kinds.ts"
import { hostReferenceName, hostSecretName } from "../../../../src/sync/tenancy/names.ts"
import { round, testContext, World } from "../../../model/world.ts"

const hostKey = "team-x/app-x-default-x-vc"
const formerSecret = "team-x/app-x-default-x-vc.es"
const secretNow = `team-x/${hostSecretName("app", "default", "vc")}`
const formerCopy = "team-x/texts-x-default-x-vc.ref"
const copyNow = `team-x/${hostReferenceName("texts", "default", "vc")}`

const tenants = (spec: object = {}): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name: "app", namespace: "default", labels: { team: "a" } },
  spec: {
    secretStoreRef: { name: "store", kind: "ClusterSecretStore" },
    data: [{ secretKey: "value", remoteRef: { key: "MQ==" } }],
    ...spec,
  },
})

const settle = (world: World, look: () => void = () => undefined): void => {
  for (let turn = 0; turn < 8; turn += 1) {
    round(world, syncedKinds)
    look()
    world.runOperator()
    look()
  }
}

const uidOf = (object: KubeObject | undefined): string => object?.metadata.uid ?? assert.fail("is not there")

/** At rest, and then as version 0.1 would have left it on the host. */
const upgraded = (spec: object = {}): World => {
  const world = new World(testContext())
  world.put("virtual", "ConfigMap", {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "texts", namespace: "default" },
    data: { a: "b" },
  })
  world.put("virtual", "ExternalSecret", tenants(spec))
  settle(world)
  const external = world.get("host", "ExternalSecret", hostKey) ?? assert.fail("no copy")
  const text = JSON.stringify(external["spec"])
    .replace(secretNow.slice(7), formerSecret.slice(7))
    .replace(copyNow.slice(7), formerCopy.slice(7))
  world.put("host", "ExternalSecret", {
    ...external,
    metadata: { ...external.metadata, labels: { ...external.metadata.labels, team: "a" } },
    spec: recordAt(JSON.parse(text)),
  })
  const copy = world.get("host", "ConfigMap", copyNow)
  world.remove("host", "ConfigMap", copyNow)
  if (copy !== undefined)
    world.put("host", "ConfigMap", { ...copy, metadata: { ...copy.metadata, name: formerCopy.slice(7) } })
  world.runOperator()
  assert.isDefined(world.get("host", "Secret", formerSecret))
  assert.isUndefined(world.get("host", "Secret", secretNow))
  return world
}

describe("names of version 0.1", () => {
  it("the Secret that ESO makes has a new one, and the tenant's stands all the while", () => {
    const world = upgraded()
    const before = uidOf(world.get("virtual", "Secret", "default/app"))
    settle(world, () => {
      const secret = world.get("virtual", "Secret", "default/app")
      assert.strictEqual(uidOf(secret), before)
      assert.deepStrictEqual(stringMapAt(secret, "data"), { value: "MQ==" })
    })
    assert.isDefined(world.get("host", "Secret", secretNow))
    assert.isUndefined(world.get("host", "Secret", formerSecret))
    assert.isUndefined(world.get("host", "ExternalSecret", hostKey)?.metadata.labels?.["team"])
  })

  for (const policy of [{ refreshPolicy: "CreatedOnce" }, { refreshPolicy: "OnChange" }, { refreshInterval: "0" }])
    it(`${JSON.stringify(policy)}: a value that ESO would fetch anew stays where it is`, () => {
      const world = upgraded(policy)
      const before = uidOf(world.get("host", "Secret", formerSecret))
      settle(world)
      assert.strictEqual(uidOf(world.get("host", "Secret", formerSecret)), before)
      assert.isUndefined(world.get("host", "Secret", secretNow))
      assert.isDefined(world.get("virtual", "Secret", "default/app"))
    })

  it("the copy of what a spec refers to goes when the new one stands, and the spec follows then", () => {
    const templateFrom = [{ configMap: { name: "texts", items: [{ key: "a" }] } }]
    const world = upgraded({ target: { template: { templateFrom } } })
    assert.isDefined(world.get("host", "ConfigMap", formerCopy))
    settle(world, () => {
      const spec = JSON.stringify(world.get("host", "ExternalSecret", hostKey)?.["spec"])
      assert.isTrue(world.get("host", "ConfigMap", copyNow) !== undefined || spec.includes(formerCopy.slice(7)))
      assert.isTrue([formerCopy, copyNow].some((place) => world.get("host", "ConfigMap", place) !== undefined))
    })
    assert.isUndefined(world.get("host", "ConfigMap", formerCopy))
    const host = world.get("host", "ExternalSecret", hostKey)
    assert.strictEqual(stringAt(host, "spec", "target", "name"), secretNow.slice(7))
    assert.include(JSON.stringify(host?.["spec"]), copyNow.slice(7))
  })
})
