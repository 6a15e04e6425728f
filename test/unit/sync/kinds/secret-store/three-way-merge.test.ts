import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { mergeThreeWays } from "../../../../../src/sync/kinds/secret-store/three-way-merge.ts"

const merge = (base: unknown, ours: unknown, theirs: unknown) => mergeThreeWays(base, ours, theirs, "spec")

describe("edits of two sides", () => {
  const base = { server: "https://a", path: "secret", auth: { token: { name: "t", key: "k" } }, hosts: ["a"] }

  it("in different places are both kept", () => {
    const ours = { ...base, server: "https://b" }
    const theirs = { ...base, auth: { token: { name: "t", key: "other" } } }
    assert.deepStrictEqual(merge(base, ours, theirs), {
      value: { ...base, server: "https://b", auth: { token: { name: "t", key: "other" } } },
      conflicts: [],
    })
  })

  it("in the same place: ours stands, and the place is named", () => {
    const ours = { ...base, auth: { token: { name: "ours", key: "k" } } }
    const theirs = { ...base, auth: { token: { name: "theirs", key: "k" } } }
    assert.deepStrictEqual(merge(base, ours, theirs), { value: ours, conflicts: ["spec.auth.token.name"] })
  })

  it("what one side took away is gone, what one side added is there", () => {
    const { path: _, ...ours } = base
    const theirs = { ...base, version: "v2" }
    assert.deepStrictEqual(merge(base, ours, theirs), { value: { ...ours, version: "v2" }, conflicts: [] })
  })

  it("one takes away what the other changes: a conflict", () => {
    const { path: _, ...ours } = base
    assert.deepStrictEqual(merge(base, ours, { ...base, path: "kv" }).conflicts, ["spec.path"])
  })

  it("lists are one value", () => {
    const merged = merge(base, { ...base, hosts: ["a", "b"] }, { ...base, hosts: ["c"] })
    assert.deepStrictEqual(merged, { value: { ...base, hosts: ["a", "b"] }, conflicts: ["spec.hosts"] })
  })

  it("the same edit on both sides is no conflict", () => {
    const edited = { ...base, server: "https://b" }
    assert.deepStrictEqual(merge(base, edited, { ...edited }), { value: edited, conflicts: [] })
  })

  it("keys that are special to JavaScript are data", () => {
    const theirs = JSON.parse('{"__proto__": {"polluted": "yes"}, "constructor": "x"}')
    const merged = merge({}, { a: "1" }, theirs)
    assert.deepStrictEqual(JSON.stringify(merged.value), '{"a":"1","__proto__":{"polluted":"yes"},"constructor":"x"}')
    assert.isUndefined(Reflect.get({}, "polluted"))
  })
})

describe("laws", () => {
  const json = fc.dictionary(
    fc.constantFrom("a", "b", "c"),
    fc.oneof(fc.constantFrom("1", "2"), fc.dictionary(fc.constantFrom("x", "y"), fc.constantFrom("1", "2"))),
  )

  it("who changed nothing takes the other's value over", () => {
    fc.assert(
      fc.property(json, json, (base, edited) => {
        assert.deepEqual(merge(base, edited, base), { value: edited, conflicts: [] })
        assert.deepEqual(merge(base, base, edited), { value: edited, conflicts: [] })
      }),
    )
  })

  it("a second merge with the result as base changes nothing", () => {
    fc.assert(
      fc.property(json, json, json, (base, ours, theirs) => {
        const { value } = merge(base, ours, theirs)
        assert.deepEqual(merge(value, value, value), { value, conflicts: [] })
        assert.deepEqual(merge(base, value, theirs).value, value)
      }),
    )
  })
})
