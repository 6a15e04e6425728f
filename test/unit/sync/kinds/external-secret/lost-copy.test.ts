/** What the tenant keeps when the copy on the host is lost, or goes with its ExternalSecret. */
import { assert, describe, it } from "@effect/vitest"
import type { World } from "../../../../model/world.ts"
import { copyKey, spec, decide, settle, get, edit, secretIn, dataIn, synced } from "./kept-ground.ts"

describe("one that is being deleted", () => {
  const leaving = (world: World, finalizers: ReadonlyArray<string>) => {
    const metadata = { ...get(world).metadata, deletionTimestamp: "2026-01-01T00:00:00Z", finalizers }
    world.put("virtual", "ExternalSecret", { ...get(world), metadata })
  }
  const taken = (world: World) =>
    decide(world).actions.map(({ _tag, side, resource }) => `${_tag} ${side} ${resource.kind}`)

  it("leaves its Secret to Kubernetes' collector", () => {
    const world = synced()
    leaving(world, ["foregroundDeletion"])
    assert.deepStrictEqual(taken(world), ["Delete host ExternalSecret"])
  })

  it("takes it along under deletionPolicy=Delete, as ESO does", () => {
    const world = synced({ target: { deletionPolicy: "Delete" } })
    leaving(world, ["foregroundDeletion"])
    assert.deepStrictEqual(taken(world), ["Delete virtual Secret", "Delete host ExternalSecret"])
  })

  it("does not when it is orphaned, nor while another owner lives", () => {
    const world = synced({ target: { deletionPolicy: "Delete" } })
    leaving(world, ["orphan"])
    assert.deepStrictEqual(taken(world), ["Delete host ExternalSecret"])
    const shared = synced({ target: { deletionPolicy: "Delete" } })
    const secret = secretIn(shared) ?? assert.fail("no Secret")
    const ownerReferences = [
      ...(secret.metadata.ownerReferences ?? []),
      { apiVersion: "v1", kind: "ConfigMap", name: "x", uid: "x" },
    ]
    shared.put("virtual", "Secret", { ...secret, metadata: { ...secret.metadata, ownerReferences } })
    leaving(shared, ["foregroundDeletion"])
    assert.deepStrictEqual(taken(shared), ["Delete host ExternalSecret"])
  })
})

describe("a copy that was lost on the host", () => {
  for (const [what, rest] of [
    ["CreatedOnce", { refreshPolicy: "CreatedOnce" }],
    ["OnChange", { refreshPolicy: "OnChange" }],
    ["refreshInterval 0", { refreshInterval: "0" }],
  ] as const)
    it(`${what}: the value stays, whatever the new copy brings`, () => {
      const world = synced(rest)
      world.remove("host", "ExternalSecret", copyKey)
      for (const action of decide(world).actions) world.perform(action)
      world.runOperator()
      for (const secret of world.all("host", "Secret")) world.put("host", "Secret", { ...secret, data: { value: "9" } })
      for (const action of decide(world).actions) world.perform(action)
      assert.deepStrictEqual(dataIn(world), { value: "1" })
    })

  it("OnChange: a change of the spec brings the new value", () => {
    const world = synced({ refreshPolicy: "OnChange" })
    world.remove("host", "ExternalSecret", copyKey)
    settle(world)
    edit(world, spec("2", { refreshPolicy: "OnChange" }))
    settle(world)
    assert.deepStrictEqual(dataIn(world), { value: "2" })
  })

  it("periodic: the new value comes", () => {
    const world = synced()
    world.remove("host", "ExternalSecret", copyKey)
    for (const action of decide(world).actions) world.perform(action)
    world.runOperator()
    for (const secret of world.all("host", "Secret")) world.put("host", "Secret", { ...secret, data: { value: "9" } })
    for (const action of decide(world).actions) world.perform(action)
    assert.deepStrictEqual(dataIn(world), { value: "9" })
  })
})
