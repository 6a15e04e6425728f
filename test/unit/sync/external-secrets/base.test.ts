import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { equalsBase, readBase, withValues, writeBase } from "../../../../src/sync/external-secrets/base.ts"
import { mergeThreeWays } from "../../../../src/sync/kinds/secret-store/three-way-merge.ts"

const bundle = "c2VjcmV0".repeat(40_000)
const spec = { provider: { vault: { server: "https://v", path: "secret", caBundle: bundle } }, hosts: ["a"] }
const base = readBase(writeBase(spec))
const withVault = (change: object) => ({ ...spec, provider: { vault: { ...spec.provider.vault, ...change } } })

/** `field-cases.md` 22. */
describe("the base of a spec with a whole CA bundle", () => {
  it("takes next to nothing, and nothing of the bundle", () => {
    assert.isBelow(writeBase(spec).length, 300)
    assert.notInclude(writeBase(spec), "c2Vj")
  })

  it("is the spec's own, and no other's", () => {
    assert.isTrue(equalsBase(spec, base))
    assert.isFalse(equalsBase(withVault({ caBundle: `${bundle}A` }), base))
    assert.isFalse(equalsBase(withVault({ path: "kv" }), base))
    assert.isFalse(equalsBase({ ...spec, more: "x" }, base))
    assert.isFalse(equalsBase({ provider: spec.provider }, base))
  })

  it("still tells which side has edited what", () => {
    const ours = withVault({ caBundle: `${bundle}A` })
    const theirs = withVault({ path: "kv" })
    assert.deepStrictEqual(mergeThreeWays(base, ours, theirs, "spec"), {
      value: withVault({ caBundle: `${bundle}A`, path: "kv" }),
      conflicts: [],
    })
    assert.deepStrictEqual(mergeThreeWays(base, ours, withVault({ caBundle: `${bundle}B` }), "spec").conflicts, [
      "spec.provider.vault.caBundle",
    ])
  })

  it("tells that one side has taken it away", () => {
    const { caBundle: _, ...vault } = spec.provider.vault
    const without = { ...spec, provider: { vault } }
    assert.deepStrictEqual(mergeThreeWays(base, spec, without, "spec"), { value: without, conflicts: [] })
    assert.deepStrictEqual(mergeThreeWays(base, without, spec, "spec"), { value: without, conflicts: [] })
  })

  it("is read as older versions wrote it", () => {
    const old = readBase(JSON.stringify(spec))
    assert.deepStrictEqual(mergeThreeWays(old, spec, withVault({ path: "kv" }), "spec"), {
      value: withVault({ path: "kv" }),
      conflicts: [],
    })
  })

  it("stays short for a spec of many small fields", () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`key-${index}`, "x".repeat(20)]))
    assert.isBelow(writeBase(many).length, 100)
    const read = readBase(writeBase(many))
    assert.isTrue(equalsBase(Object.fromEntries(Object.entries(many).toReversed()), read))
    assert.isFalse(equalsBase({ ...many, "key-1": "y" }, read))
  })

  it("is no base where the annotation is none", () => {
    for (const text of ["", "{", "5", "null", '"a"', "[]", `${'{"a":'.repeat(99)}1${"}".repeat(99)}`])
      assert.isUndefined(readBase(text))
  })
})

describe("laws", () => {
  const part = fc.oneof(
    fc.constantFrom<unknown>("1", "2", "x".repeat(600), "y".repeat(600), null, 5),
    fc.array(fc.constantFrom("a", "b".repeat(300)), { maxLength: 3 }),
  )
  const json = fc.dictionary(
    fc.constantFrom("a", "b", "__proto__"),
    fc.oneof(part, fc.dictionary(fc.constantFrom("x", "y"), part)),
  )

  it("equal specs have equal bases, others do not", () => {
    fc.assert(
      fc.property(json, json, (one, other) => {
        assert.isTrue(equalsBase(one, readBase(writeBase(one))))
        assert.strictEqual(equalsBase(other, readBase(writeBase(one))), equalsBase(other, one))
      }),
    )
  })

  it("merges come out as with the whole base", () => {
    fc.assert(
      fc.property(json, json, json, (before, ours, theirs) => {
        assert.deepEqual(
          mergeThreeWays(readBase(writeBase(before)), ours, theirs, "spec"),
          mergeThreeWays(before, ours, theirs, "spec"),
        )
      }),
    )
  })
})

describe("withValues", () => {
  const large = "x".repeat(2000)
  const noted = readBase(writeBase({ provider: { vault: { caBundle: large, path: "a" } } }))

  it("puts back what still stands on a side, and nothing else", () => {
    const ours = { provider: { vault: { caBundle: large, path: "b" } } }
    const theirs = { provider: { vault: { caBundle: `${large}y`, path: "a" } } }
    assert.deepStrictEqual(withValues(noted, [theirs, ours]), { provider: { vault: { caBundle: large, path: "a" } } })
    assert.deepStrictEqual(withValues(noted, [theirs]), noted)
    assert.deepStrictEqual(withValues(noted, []), noted)
  })
})
