/** What the tenant keeps when an edit is refused, a store is gone, an authorisation is withdrawn, settings change (DESIGN §4). */
import { assert, describe, it } from "@effect/vitest"
import { defaultPolicy } from "../../../../../src/sync/tenancy/policy.ts"
import {
  key,
  settings,
  spec,
  labelled,
  setStore,
  decide,
  settle,
  get,
  edit,
  secretIn,
  dataIn,
  copyIn,
  readyIn,
  synced,
} from "./kept-ground.ts"

describe("an edit that is refused", () => {
  const edits: ReadonlyArray<readonly [what: string, spec: unknown]> = [
    ["an interval that is no duration", spec("2", { refreshInterval: "soon" })],
    ["a store that may not be used", spec("2", { secretStoreRef: { name: "other", kind: "ClusterSecretStore" } })],
    [
      "a policy that ESO's webhook refuses",
      spec("2", { target: { creationPolicy: "Merge", deletionPolicy: "Delete" } }),
    ],
    ["a target that is renamed as well", spec("2", { target: { name: "b", manifest: {} } })],
    ["a spec that is none", 7],
  ]
  for (const [what, next] of edits)
    it(`changes nothing: ${what}`, () => {
      const world = synced()
      const before = [secretIn(world), copyIn(world)]
      world.put("virtual", "ExternalSecret", { ...get(world), spec: next })
      assert.deepInclude(decide(world).verdict, { health: "refused" })
      settle(world)
      assert.deepStrictEqual([secretIn(world), copyIn(world)], before)
      assert.match(readyIn(world)?.message ?? "", /; generation 1 of it goes on being synced$/)
    })

  it("still gets what was rotated, and a Secret that was deleted comes back", () => {
    const world = synced()
    edit(world, spec("1", { refreshInterval: "soon" }))
    settle(world)
    for (const secret of world.all("host", "Secret")) world.put("host", "Secret", { ...secret, data: { value: "9" } })
    for (const action of decide(world).actions) world.perform(action)
    assert.deepStrictEqual(dataIn(world), { value: "9" })
    world.remove("virtual", "Secret", key)
    for (const action of decide(world).actions) world.perform(action)
    assert.deepStrictEqual(dataIn(world), { value: "9" })
  })

  it("comes through once it is mended", () => {
    const world = synced()
    edit(world, spec("2", { refreshInterval: "soon" }))
    settle(world)
    edit(world, spec("2"))
    settle(world)
    assert.deepStrictEqual(dataIn(world), { value: "2" })
  })

  it("of what is no longer allowed, nothing stays on the host", () => {
    const world = synced()
    edit(world, spec("2", { refreshInterval: "soon" }))
    settle(world)
    setStore(world, "no")
    settle(world)
    assert.isUndefined(copyIn(world))
    assert.deepStrictEqual(dataIn(world), { value: "1" })
  })
})

describe("a store that is absent", () => {
  it("says nothing about authorisation: values stand still, and come on when it is back", () => {
    const world = synced()
    const before = [secretIn(world), copyIn(world)]
    world.remove("host", "ClusterSecretStore", "store")
    settle(world)
    assert.deepStrictEqual([secretIn(world), copyIn(world)], before)
    for (const secret of world.all("host", "Secret")) world.put("host", "Secret", { ...secret, data: { value: "9" } })
    assert.deepStrictEqual(decide(world).actions, [], "whoever wrote that")
    setStore(world, "yes")
    for (const action of decide(world).actions) world.perform(action)
    assert.deepStrictEqual(dataIn(world), { value: "9" })
  })

  it("is told by ESO to a tenant who asks it to fetch: the copy changes, and nothing else", () => {
    const world = synced()
    world.remove("host", "ClusterSecretStore", "store")
    const object = get(world)
    const annotations = { "force-sync": "now" }
    world.put("virtual", "ExternalSecret", { ...object, metadata: { ...object.metadata, annotations } })
    const actions = decide(world).actions
    assert.deepStrictEqual(
      actions.map((action) => [action._tag, action.side, action.resource.plural]),
      [["Patch", "host", "externalsecrets"]],
    )
  })

  it("that comes back without the label yields no value", () => {
    const world = synced()
    world.remove("host", "ClusterSecretStore", "store")
    settle(world)
    setStore(world, "no")
    for (const secret of world.all("host", "Secret")) world.put("host", "Secret", { ...secret, data: { value: "9" } })
    settle(world)
    assert.isUndefined(copyIn(world))
    assert.deepStrictEqual(dataIn(world), { value: "1" })
  })

  it("a new value is handed on only while the store stands as it was seen", () => {
    const world = synced()
    for (const secret of world.all("host", "Secret")) world.put("host", "Secret", { ...secret, data: { value: "9" } })
    const store = world.get("host", "ClusterSecretStore", "store")
    const provided = decide(world).actions.map((action) => action.provided?.map(({ object }) => object))
    assert.deepStrictEqual(provided, [[store ?? assert.fail("no store")]])
  })
})

describe("an authorisation that is withdrawn", () => {
  it("takes the Secret too where the policy says so, which counts as mass deletion", () => {
    const world = synced()
    setStore(world, "no")
    const policy = { ...defaultPolicy, revocation: "Delete" } as const
    assert.deepStrictEqual(
      decide(world, { policy }).actions.map((action) => [
        action._tag,
        action.side,
        "becauseAbsent" in action && action.becauseAbsent,
      ]),
      [
        ["Delete", "virtual", true],
        ["Delete", "host", false],
        ["Status", "virtual", false],
      ],
    )
    world.remove("host", "ClusterSecretStore", "store")
    assert.deepStrictEqual(decide(world, { policy }).actions, [], "a store that is absent is no word of the operator's")
  })
})

describe("one that is not selected any more", () => {
  it("by the tenant's own labels goes as if it were deleted, the Secret first", () => {
    const world = synced()
    world.put("virtual", "ExternalSecret", labelled(get(world), { sync: "no" }))
    const { actions } = decide(world)
    assert.deepStrictEqual(
      actions.map(({ _tag, side, resource }) => `${_tag} ${side} ${resource.kind}`),
      ["Delete virtual Secret", "Delete host ExternalSecret", "Status virtual ExternalSecret"],
    )
  })

  const others: ReadonlyArray<readonly [what: string, changed: typeof settings.externalSecrets]> = [
    ["another selector", { enabled: true, selector: { matchLabels: { sync: "other" } } }],
    ["the sync switched off", { enabled: false, selector: settings.externalSecrets.selector }],
  ]
  for (const [what, externalSecrets] of others)
    it(`by ${what} in the settings keeps its Secret`, () => {
      const world = synced()
      const before = secretIn(world)
      const changes = { settings: { ...settings, externalSecrets } }
      settle(world, changes)
      assert.isUndefined(copyIn(world))
      assert.strictEqual(secretIn(world), before)
      assert.match(readyIn(world)?.message ?? "", /; Secret app stays as it is, without a new value since /)
      world.put("virtual", "ExternalSecret", labelled(get(world), { sync: "no" }))
      settle(world, changes)
      assert.strictEqual(secretIn(world), before, "also when the labels change afterwards")
    })
})

describe("the status of one whose edit is refused", () => {
  it("goes on telling of the last refresh", () => {
    const world = synced()
    edit(world, spec("2", { refreshInterval: "soon" }))
    settle(world)
    assert.deepInclude(get(world)["status"], { binding: { name: "app" } })
  })
})
