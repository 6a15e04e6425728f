/** What the tests of kept.test.ts and its neighbours share. */
import { assert } from "@effect/vitest"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import { externalSecretKind } from "../../../../../src/sync/kinds/kinds.ts"
import type { SyncContext } from "../../../../../src/sync/engine/context.ts"
import type { Decision } from "../../../../../src/sync/engine/actions.ts"
import { readyCondition } from "../../../../../src/sync/tenancy/conditions.ts"
import { hostName } from "../../../../../src/sync/tenancy/names.ts"
import { stringMapAt } from "../../../../../src/effects/client/unstructured.ts"
import { testContext, World } from "../../../../model/world.ts"

export const key = "default/app"
export const copyKey = `team-x/${hostName("app", "default", "vc")}`

export const base = testContext()
export const settings = {
  ...base.settings,
  externalSecrets: { enabled: true, selector: { matchLabels: { sync: "yes" } } },
  clusterStores: { enabled: true, selector: { matchLabels: { accessible: "yes" } } },
}
export const context = testContext({ settings })

export const spec = (value: string, rest: object = {}) => ({
  secretStoreRef: { name: "store", kind: "ClusterSecretStore" },
  data: [{ secretKey: "value", remoteRef: { key: value } }],
  ...rest,
})

export const labelled = (object: KubeObject, labels: Readonly<Record<string, string>>): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, labels },
})

export const setStore = (world: World, accessible: string): void => {
  const store = {
    apiVersion: "external-secrets.io/v1",
    kind: "ClusterSecretStore",
    metadata: { name: "store" },
    spec: {},
  }
  world.put("host", "ClusterSecretStore", labelled(store, { accessible }))
}

export const decide = (world: World, changes: Partial<SyncContext> = {}): Decision =>
  externalSecretKind.decide(key, world.caches(), { ...world.context, ...changes }, { refusedWrite: undefined })

export const settle = (world: World, changes: Partial<SyncContext> = {}): void => {
  for (let turn = 0; turn < 5; turn += 1) {
    for (const action of decide(world, changes).actions) world.perform(action)
    world.runOperator()
  }
  assert.deepStrictEqual(decide(world, changes).actions, [], "at rest")
}

export const get = (world: World) => world.get("virtual", "ExternalSecret", key) ?? assert.fail("gone")
export const edit = (world: World, next: object) =>
  world.put("virtual", "ExternalSecret", { ...get(world), spec: next })
export const secretIn = (world: World) => world.get("virtual", "Secret", key)
export const dataIn = (world: World) => stringMapAt(secretIn(world), "data")
export const copyIn = (world: World) => world.get("host", "ExternalSecret", copyKey)
export const readyIn = (world: World) => readyCondition(get(world))

export const synced = (rest: object = {}): World => {
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
