/** What the tests of refusals.test.ts and its neighbours share. */
import { assert } from "@effect/vitest"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import { externalSecretKind } from "../../../../../src/sync/kinds/kinds.ts"
import type { SyncContext } from "../../../../../src/sync/engine/context.ts"
import type { Decision } from "../../../../../src/sync/engine/actions.ts"
import { hostName } from "../../../../../src/sync/tenancy/names.ts"
import type { Refusal } from "../../../../../src/sync/tenancy/refusals.ts"
import type { RefusalReason } from "../../../../../src/sync/tenancy/refusals.ts"
import type { World } from "../../../../model/world.ts"
import { testContext } from "../../../../model/world.ts"

export const tenants = (name: string, namespace = "default", spec: object = {}): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name, namespace },
  spec: {
    secretStoreRef: { name: "store", kind: "ClusterSecretStore" },
    data: [{ secretKey: "value", remoteRef: { key: "1" } }],
    ...spec,
  },
})

export const decide = (world: World, key: string, refused?: Refusal): Decision =>
  externalSecretKind.decide(key, world.caches(), world.context, { refusedWrite: refused })

/** One decision carried out; true when it wrote something. */
export const step = (world: World, key: string): boolean => {
  const { actions } = decide(world, key)
  for (const action of actions) world.perform(action)
  return actions.length > 0
}

/** Both sides at rest, ESO's turn included. */
export const settle = (world: World, ...keys: ReadonlyArray<string>): void => {
  for (let round = 0; round < 5; round += 1) {
    for (const key of keys) step(world, key)
    world.runOperator()
  }
}

export const selecting = (value: string): SyncContext => {
  const base = testContext()
  const clusterStores = { enabled: true, selector: { matchLabels: { accessible: value } } }
  return testContext({ settings: { ...base.settings, clusterStores } })
}

export const labelStore = (world: World, accessible: string): void => {
  const store = world.get("host", "ClusterSecretStore", "store") ?? assert.fail("no store")
  world.put("host", "ClusterSecretStore", { ...store, metadata: { ...store.metadata, labels: { accessible } } })
}

export const hostKey = (name: string, namespace = "default") => `team-x/${hostName(name, namespace, "vc")}`

export const onHost = (kind: string, name: string, metadata: object = {}): KubeObject => ({
  apiVersion: kind === "Secret" ? "v1" : "external-secrets.io/v1",
  kind,
  metadata: { name, namespace: "team-x", ...metadata },
})

/** Refused: told by status and event, nothing made on the host, what was ours there goes. */
export const assertRefused = (decision: Decision, reason: RefusalReason, message: string) => {
  assert.deepInclude(decision.verdict, { health: "refused", reason })
  assert.include(decision.verdict?.message, message)
  assert.deepInclude(decision.notice, { type: "Warning", reason })
  const writes = decision.actions.map(({ _tag, side }) => `${_tag} ${side}`)
  assert.include(writes, "Status virtual")
  for (const write of writes) assert.notMatch(write, /^(Create|Patch|Apply) host/)
}
