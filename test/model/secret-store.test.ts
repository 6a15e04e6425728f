/**
 * SecretStores and what they refer to: any history over two modelled clusters, edits of both sides and crashes between two
 * writes included, ends in agreement; no edit is lost that the other side did not contradict; one more round writes nothing.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { objectKey } from "../../src/effects/client/kube-object.ts"
import { referencedConfigMapKind, referencedSecretKind } from "../../src/sync/kinds/kinds.ts"
import { stringAt, stringMapAt, valueAt } from "../../src/effects/client/unstructured.ts"
import { hostReferenceName, isReferencesPlace } from "../../src/sync/tenancy/names.ts"
import { originOf } from "../../src/sync/tenancy/ownership.ts"
import { secretStoreKind } from "../../src/sync/kinds/secret-store/kind.ts"
import { round, testContext, World } from "./world.ts"

const text = { type: "string" }
const reference = { type: "object", properties: { name: text, namespace: text, key: text } }
const schema = {
  type: "object",
  properties: {
    refreshInterval: { type: "integer" },
    controller: text,
    provider: {
      type: "object",
      properties: {
        acme: {
          type: "object",
          properties: { server: text, path: { ...text, default: "secret" }, token: reference },
        },
      },
    },
  },
}

const kinds = [referencedSecretKind, referencedConfigMapKind, secretStoreKind]

const base = testContext()
const context = testContext({
  settings: { ...base.settings, stores: { enabled: true, selector: {} } },
  hostSpecSchema: (plural) => (plural === "secretstores" ? schema : undefined),
})

const acme = (server: string, token: string) => ({ provider: { acme: { server, token: { name: token, key: "k" } } } })

const store = (spec: object, name = "mine"): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "SecretStore",
  metadata: { name, namespace: "default" },
  spec: { ...spec },
})

const secret = (name: string, value: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "default" },
  data: { k: value },
})

const key = "default/mine"
const hostKey = "team-x/mine-x-default-x-vc"

const settle = (world: World): void => {
  for (let turn = 0; turn < 20; turn += 1) if (round(world, kinds) === 0) return
  assert.fail("not in step after 20 rounds")
}

const editSpec = (world: World, side: "host" | "virtual", place: string, change: object): void => {
  const object = world.get(side, "SecretStore", place)
  if (object !== undefined)
    world.put(side, "SecretStore", { ...object, spec: Object.assign({}, object["spec"], change) })
}

const specOf = (world: World, side: "host" | "virtual", place: string): unknown =>
  world.get(side, "SecretStore", place)?.["spec"]

describe("edits of both sides", () => {
  const agreed = (): World => {
    const world = new World(context)
    world.put("virtual", "Secret", secret("token", "MQ=="))
    world.put("virtual", "SecretStore", store({ ...acme("https://a", "token"), refreshInterval: 1 }))
    settle(world)
    return world
  }

  it("an edit on the host comes to the tenant", () => {
    const world = agreed()
    editSpec(world, "host", hostKey, { refreshInterval: 5 })
    settle(world)
    assert.strictEqual(valueAt(specOf(world, "virtual", key), "refreshInterval"), 5)
  })

  it("after a crash between the two writes it is not taken back", () => {
    for (const writes of [0, 1, 2]) {
      const world = agreed()
      editSpec(world, "host", hostKey, { refreshInterval: 5 })
      round(world, kinds, writes)
      settle(world)
      assert.strictEqual(valueAt(specOf(world, "virtual", key), "refreshInterval"), 5, `after ${writes} writes`)
      assert.strictEqual(valueAt(specOf(world, "host", hostKey), "refreshInterval"), 5, `after ${writes} writes`)
    }
  })

  it("where both changed the same thing the tenant's stands, and the tenant is told", () => {
    const world = agreed()
    editSpec(world, "host", hostKey, { refreshInterval: 5 })
    editSpec(world, "virtual", key, { refreshInterval: 7 })
    const { notice } = secretStoreKind.decide(key, world.caches(), context, { refusedWrite: undefined })
    assert.include(notice?.message, "spec.refreshInterval")
    settle(world)
    assert.strictEqual(valueAt(specOf(world, "host", hostKey), "refreshInterval"), 7)
  })

  it("an edit on the host that refers to what is not the tenant's is undone", () => {
    const world = agreed()
    editSpec(world, "host", hostKey, acme("https://a", "vc-vc"))
    settle(world)
    assert.strictEqual(
      stringAt(specOf(world, "host", hostKey), "provider", "acme", "token", "name"),
      hostReferenceName("token", "default", "vc"),
    )
    assert.strictEqual(stringAt(specOf(world, "virtual", key), "provider", "acme", "token", "name"), "token")
  })

  it("without the base (somebody removed it) the tenant's stands", () => {
    const world = agreed()
    const host = world.get("host", "SecretStore", hostKey)
    assert.isDefined(host)
    if (host !== undefined)
      world.put("host", "SecretStore", {
        ...host,
        metadata: {
          ...host.metadata,
          annotations: Object.fromEntries(
            Object.entries(host.metadata.annotations ?? {}).filter(([name]) => !name.endsWith("/base")),
          ),
        },
      })
    editSpec(world, "host", hostKey, { refreshInterval: 5 })
    settle(world)
    assert.strictEqual(valueAt(specOf(world, "host", hostKey), "refreshInterval"), 1)
  })
})

const Step = Schema.Union([
  Schema.TaggedStruct("Apply", {
    name: Schema.Literals(["mine", "other"]),
    server: Schema.Literals(["a", "b"]),
    token: Schema.Literals(["t", "u"]),
  }),
  Schema.TaggedStruct("Delete", { name: Schema.Literals(["mine", "other"]) }),
  Schema.TaggedStruct("Secret", { name: Schema.Literals(["t", "u"]), value: Schema.Literals(["MQ==", "Mg=="]) }),
  Schema.TaggedStruct("DeleteSecret", { name: Schema.Literals(["t", "u"]) }),
  Schema.TaggedStruct("EditHost", { name: Schema.Literals(["mine", "other"]), interval: Schema.Literals([1, 2]) }),
  Schema.TaggedStruct("DeleteHost", { name: Schema.Literals(["mine", "other"]) }),
  Schema.TaggedStruct("EditCopy", { name: Schema.Literals(["t", "u"]) }),
  Schema.TaggedStruct("Crash", { afterWrites: Schema.Literals([0, 1, 2, 3]) }),
])

const play = (world: World, step: typeof Step.Type): void => {
  if (step._tag === "Crash") return void round(world, kinds, step.afterWrites)
  const own = `default/${step.name}`
  const scheme = `team-x/${step.name}-x-default-x-vc`
  switch (step._tag) {
    case "Apply":
      world.put("virtual", "SecretStore", {
        ...world.get("virtual", "SecretStore", own),
        ...store(acme(step.server, step.token), step.name),
      })
      return
    case "Delete":
      return world.remove("virtual", "SecretStore", own)
    case "Secret":
      world.put("virtual", "Secret", { ...world.get("virtual", "Secret", own), ...secret(step.name, step.value) })
      return
    case "DeleteSecret":
      return world.remove("virtual", "Secret", own)
    case "EditHost":
      return editSpec(world, "host", scheme, { refreshInterval: step.interval })
    case "DeleteHost":
      return world.remove("host", "SecretStore", scheme)
    case "EditCopy": {
      const copy = world.get("host", "Secret", `${scheme}.ref`)
      if (copy !== undefined) world.put("host", "Secret", { ...copy, data: { k: "by hand" } })
    }
  }
}

const checkStores = (world: World): void => {
  for (const virtual of world.all("virtual", "SecretStore")) {
    const copy = world.get("host", "SecretStore", `team-x/${virtual.metadata.name}-x-default-x-vc`)
    assert.isDefined(copy)
    const name = (object: KubeObject | undefined) => stringAt(object, "spec", "provider", "acme", "token", "name")
    assert.strictEqual(name(copy), hostReferenceName(name(virtual) ?? "", "default", "vc"))
    for (const path of [["provider", "acme", "server"], ["refreshInterval"]])
      assert.strictEqual(valueAt(copy, "spec", ...path), valueAt(virtual, "spec", ...path))
  }
  for (const copy of world.all("host", "SecretStore"))
    assert.isDefined(world.get("virtual", "SecretStore", originOf(copy, context.tenancy)?.key ?? ""))
}

const checkCopies = (world: World): void => {
  const referred = new Set(
    world
      .all("virtual", "SecretStore")
      .map((each) => stringAt(each, "spec", "provider", "acme", "token", "name") ?? ""),
  )
  for (const virtual of world.all("virtual", "Secret")) {
    const copy = world.get("host", "Secret", `team-x/${hostReferenceName(virtual.metadata.name, "default", "vc")}`)
    assert.strictEqual(copy !== undefined, referred.has(virtual.metadata.name), `copy of ${objectKey(virtual)}`)
    if (copy !== undefined) assert.deepStrictEqual(stringMapAt(copy, "data"), stringMapAt(virtual, "data"))
  }
  for (const copy of world.all("host", "Secret"))
    assert.isDefined(world.get("virtual", "Secret", originOf(copy, context.tenancy, isReferencesPlace)?.key ?? ""))
}

it.effect.prop(
  "any history ends in agreement, and then nothing more is written",
  [Schema.Array(Step)],
  ([history]) =>
    Effect.sync(() => {
      const world = new World(context)
      for (const step of history) play(world, step)
      settle(world)
      checkStores(world)
      checkCopies(world)
      assert.strictEqual(round(world, kinds), 0)
    }),
  { arbitrary: { runs: 400, size: 100 } },
)
