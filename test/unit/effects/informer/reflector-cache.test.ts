import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { makeReflectorCache } from "../../../../src/effects/informer/reflector-cache.ts"

const object = (resourceVersion: string, spec: object, more: object = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Thing",
  metadata: { name: "a", namespace: "b", uid: "u", resourceVersion },
  spec,
  ...more,
})

const cached = () => {
  const taken: Array<string> = []
  const cache = makeReflectorCache({
    transform: (each) => {
      taken.push(each.metadata.resourceVersion ?? "")
      return each
    },
  })
  return { cache, taken, specOf: () => cache.store.get("b/a")?.["spec"] }
}

describe("a cache", () => {
  it("keeps the spec of before while an equal one comes, and only then", () => {
    const { cache, specOf } = cached()
    const first = { target: { name: "x" }, data: [{ key: "1" }] }
    cache.apply({ type: "ADDED", object: object("1", first) })
    cache.apply({ type: "MODIFIED", object: object("2", structuredClone(first), { status: { ready: true } }) })
    assert.strictEqual(specOf(), first)
    assert.deepStrictEqual(cache.store.get("b/a"), object("2", first, { status: { ready: true } }))
    cache.observe(object("3", structuredClone(first)))
    assert.strictEqual(specOf(), first)
    cache.apply({ type: "MODIFIED", object: object("4", { target: { name: "x" }, data: [{ key: "2" }] }) })
    assert.deepStrictEqual(specOf(), { target: { name: "x" }, data: [{ key: "2" }] })
    cache.apply({ type: "MODIFIED", object: { ...object("5", {}), spec: null } })
    assert.isNull(specOf())
  })

  it("does not look again into what the answer to a write has brought already", () => {
    const { cache, taken } = cached()
    cache.observe(object("1", {}))
    assert.isUndefined(cache.apply({ type: "ADDED", object: object("1", {}) }))
    assert.deepStrictEqual(taken, ["1"])
    assert.strictEqual(cache.version(), "1")
    cache.apply({
      type: "MODIFIED",
      object: { ...object("1", {}), metadata: { ...object("1", {}).metadata, uid: "v" } },
    })
    assert.strictEqual(cache.store.get("b/a")?.metadata.uid, "v")
    cache.apply({ type: "DELETED", object: object("1", {}) })
    assert.isUndefined(cache.store.get("b/a"))
  })
})
