/**
 * Any history ends in sync: tagged steps are played over two modelled clusters with the real decisions, also with crashes
 * between two writes; afterwards the host holds just what the tenant's objects ask for, foreign objects are untouched, and
 * one more round writes nothing.
 */
import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { keyOf, objectKey } from "../../src/effects/client/kube-object.ts"
import { externalSecretKind } from "../../src/sync/kinds/kinds.ts"
import { readyCondition } from "../../src/sync/tenancy/conditions.ts"
import { stringAt } from "../../src/effects/client/unstructured.ts"
import { hostName } from "../../src/sync/tenancy/names.ts"
import { originOf } from "../../src/sync/tenancy/ownership.ts"
import { round, wantedValue, World } from "./world.ts"

const Names = Schema.Literals(["a", "a-x-b", "web"])
const Namespaces = Schema.Literals(["default", "c", "b-x-c"])
const Which = { name: Names, namespace: Namespaces }

const Step = Schema.Union([
  Schema.TaggedStruct("Apply", { ...Which, value: Schema.Literals(["1", "2"]), target: Schema.Literals(["", "t"]) }),
  Schema.TaggedStruct("Delete", Which),
  Schema.TaggedStruct("Recreate", Which),
  Schema.TaggedStruct("EditHost", Which),
  Schema.TaggedStruct("DeleteHost", Which),
  Schema.TaggedStruct("EditVirtualSecret", Which),
  Schema.TaggedStruct("DeleteVirtualSecret", Which),
  Schema.TaggedStruct("ForeignHostObject", Which),
  Schema.TaggedStruct("Operator", {}),
  Schema.TaggedStruct("Crash", { afterWrites: Schema.Literals([0, 1, 2]) }),
])
type Step = typeof Step.Type

const externalSecret = (step: {
  readonly name: string
  readonly namespace: string
  readonly value: string
  readonly target: string
}): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name: step.name, namespace: step.namespace },
  spec: {
    secretStoreRef: { name: "store", kind: "ClusterSecretStore" },
    data: [{ secretKey: "value", remoteRef: { key: step.value } }],
    ...(step.target === "" ? {} : { target: { name: `${step.target}-${step.name}` } }),
  },
})

const foreign = (name: string): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name, namespace: "team-x", labels: { owner: "somebody" } },
  spec: { data: [{ secretKey: "value", remoteRef: { key: "foreign" } }] },
})

const kinds = [externalSecretKind]

const edit = (
  world: World,
  side: "host" | "virtual",
  kind: string,
  key: string,
  change: (object: KubeObject) => KubeObject,
) => {
  const object = world.get(side, kind, key)
  if (object !== undefined) world.put(side, kind, change(object))
}

const play = (world: World, step: Step): void => {
  if (step._tag === "Operator") return world.runOperator()
  if (step._tag === "Crash") return void round(world, kinds, step.afterWrites)
  const key = keyOf(step.namespace, step.name)
  const hostKey = keyOf("team-x", hostName(step.name, step.namespace, "vc"))
  switch (step._tag) {
    case "Apply":
      world.put("virtual", "ExternalSecret", {
        ...world.get("virtual", "ExternalSecret", key),
        ...externalSecret(step),
      })
      return
    case "Delete":
      return world.remove("virtual", "ExternalSecret", key)
    case "Recreate":
      world.remove("virtual", "ExternalSecret", key)
      world.put("virtual", "ExternalSecret", externalSecret({ ...step, value: "1", target: "" }))
      return
    case "EditHost":
      if (world.get("host", "ExternalSecret", hostKey)?.metadata.labels?.["owner"] === "somebody") return
      return edit(world, "host", "ExternalSecret", hostKey, (object) => ({
        ...object,
        spec: { data: [{ secretKey: "value", remoteRef: { key: "edited by hand" } }] },
      }))
    case "DeleteHost":
      return world.remove("host", "ExternalSecret", hostKey)
    case "EditVirtualSecret":
      return edit(world, "virtual", "Secret", key, (object) => ({
        ...object,
        data: { value: "edited", extra: "kept" },
      }))
    case "DeleteVirtualSecret":
      return world.remove("virtual", "Secret", key)
    case "ForeignHostObject":
      if (world.get("host", "ExternalSecret", hostKey) === undefined)
        world.put("host", "ExternalSecret", foreign(hostName(step.name, step.namespace, "vc")))
      return
  }
}

const settle = (world: World): void => {
  for (let turn = 0; turn < 20; turn += 1) {
    const wrote = round(world, kinds)
    const before = JSON.stringify([...world.objects.values()])
    world.runOperator()
    if (wrote === 0 && JSON.stringify([...world.objects.values()]) === before) return
  }
  assert.fail("not in step after 20 rounds")
}

const checkVirtual = (world: World, virtual: KubeObject): void => {
  const target = stringAt(virtual, "spec", "target", "name") ?? virtual.metadata.name
  const copies = world
    .all("host", "ExternalSecret")
    .filter((copy) => originOf(copy, world.context.tenancy)?.key === objectKey(virtual))
  const hostKey = keyOf("team-x", hostName(virtual.metadata.name, virtual.metadata.namespace ?? "", "vc"))
  if (copies.length === 0) {
    const standing = world.get("host", "ExternalSecret", hostKey)
    assert.isDefined(standing, "only a name that is taken keeps an object from the host")
    assert.include(["HostObjectNotOurs", "HostNameTaken"], readyCondition(virtual)?.reason)
    return
  }
  assert.deepStrictEqual(
    copies.map((copy) => objectKey(copy)),
    [hostKey],
  )
  assert.strictEqual(copies[0] === undefined ? undefined : wantedValue(copies[0]), wantedValue(virtual))
  const secret = world.get("virtual", "Secret", keyOf(virtual.metadata.namespace, target))
  if (readyCondition(virtual)?.status === "True")
    assert.strictEqual(stringAt(secret, "data", "value"), wantedValue(virtual))
}

it.effect.prop(
  "any history ends in sync, and then nothing more is written",
  [Schema.Array(Step)],
  ([history]) =>
    Effect.sync(() => {
      const world = new World()
      for (const step of history) play(world, step)
      const foreigners = world
        .all("host", "ExternalSecret")
        .filter((object) => object.metadata.labels?.["owner"] === "somebody")
      settle(world)
      for (const object of foreigners)
        assert.deepStrictEqual(world.get("host", "ExternalSecret", objectKey(object))?.["spec"], object["spec"])
      const virtuals = world.all("virtual", "ExternalSecret")
      for (const virtual of virtuals) checkVirtual(world, virtual)
      for (const copy of world.all("host", "ExternalSecret")) {
        const origin = originOf(copy, world.context.tenancy)
        if (origin !== undefined) assert.isDefined(world.get("virtual", "ExternalSecret", origin.key))
      }
      assert.strictEqual(round(world, kinds), 0)
    }),
  { arbitrary: { runs: 400, size: 100 } },
)
