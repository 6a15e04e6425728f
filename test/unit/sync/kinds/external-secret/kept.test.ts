/** What the tenant keeps when an edit is refused, a store is gone, an authorisation is withdrawn, settings change (DESIGN §4). */
import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import { externalSecretKind } from "../../../../../src/sync/kinds/kinds.ts"
import type { SyncContext } from "../../../../../src/sync/engine/context.ts"
import type { Decision } from "../../../../../src/sync/engine/actions.ts"
import { readyCondition } from "../../../../../src/sync/tenancy/conditions.ts"
import { hostName } from "../../../../../src/sync/tenancy/names.ts"
import { defaultPolicy } from "../../../../../src/sync/tenancy/policy.ts"
import { stringMapAt } from "../../../../../src/effects/client/unstructured.ts"
import { testContext, World } from "../../../../model/world.ts"

const key = "default/app"
const copyKey = `team-x/${hostName("app", "default", "vc")}`

const base = testContext()
const settings = {
  ...base.settings,
  externalSecrets: { enabled: true, selector: { matchLabels: { sync: "yes" } } },
  clusterStores: { enabled: true, selector: { matchLabels: { accessible: "yes" } } },
}
const context = testContext({ settings })

const spec = (value: string, rest: object = {}) => ({
  secretStoreRef: { name: "store", kind: "ClusterSecretStore" },
  data: [{ secretKey: "value", remoteRef: { key: value } }],
  ...rest,
})

const labelled = (object: KubeObject, labels: Readonly<Record<string, string>>): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, labels },
})

const setStore = (world: World, accessible: string): void => {
  const store = {
    apiVersion: "external-secrets.io/v1",
    kind: "ClusterSecretStore",
    metadata: { name: "store" },
    spec: {},
  }
  world.put("host", "ClusterSecretStore", labelled(store, { accessible }))
}

const decide = (world: World, changes: Partial<SyncContext> = {}): Decision =>
  externalSecretKind.decide(key, world.caches(), { ...world.context, ...changes }, { refusedWrite: undefined })

const settle = (world: World, changes: Partial<SyncContext> = {}): void => {
  for (let turn = 0; turn < 5; turn += 1) {
    for (const action of decide(world, changes).actions) world.perform(action)
    world.runOperator()
  }
  assert.deepStrictEqual(decide(world, changes).actions, [], "at rest")
}

const get = (world: World) => world.get("virtual", "ExternalSecret", key) ?? assert.fail("gone")
const edit = (world: World, next: object) => world.put("virtual", "ExternalSecret", { ...get(world), spec: next })
const secretIn = (world: World) => world.get("virtual", "Secret", key)
const dataIn = (world: World) => stringMapAt(secretIn(world), "data")
const copyIn = (world: World) => world.get("host", "ExternalSecret", copyKey)
const readyIn = (world: World) => readyCondition(get(world))

const synced = (rest: object = {}): World => {
  const world = new World(context)
  setStore(world, "yes")
  world.put("virtual", "ExternalSecret", {
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: { name: "app", namespace: "default", labels: { sync: "yes" } },
    spec: spec("1", rest),
  })
  settle(world)
  assert.deepStrictEqual(dataIn(world), { value: "1" })
  return world
}

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
