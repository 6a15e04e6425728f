import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { isRecord, type JsonRecord } from "../../../../src/effects/client/unstructured.ts"
import { applyMergePatch, jsonEqual, mergePatch } from "../../../../src/effects/client/merge-patch.ts"

/** As a request brings it: `__proto__` is a key like any other. */
const fromJson = (text: string): JsonRecord => JSON.parse(text)

const nested = (leaf: string) => fromJson(`${'{"a":'.repeat(10_000)}${leaf}${"}".repeat(10_000)}`)

describe("mergePatch", () => {
  const table: ReadonlyArray<readonly [current: string, desired: string, patch: string | undefined]> = [
    ["{}", "{}", undefined],
    ['{"a":1,"b":2}', '{"b":2,"a":1}', undefined],
    ['{"a":1}', '{"a":2}', '{"a":2}'],
    ['{"a":1}', "{}", '{"a":null}'],
    ["{}", '{"a":{}}', '{"a":{}}'],
    ['{"a":{"b":1,"c":2}}', '{"a":{"b":1,"c":3}}', '{"a":{"c":3}}'],
    ['{"a":{"b":1}}', '{"a":{}}', '{"a":{"b":null}}'],
    ['{"a":[1,2]}', '{"a":[2,1]}', '{"a":[2,1]}'],
    ['{"a":[{"b":1}]}', '{"a":[{"b":1}]}', undefined],
    ['{"a":{"b":1}}', '{"a":"b"}', '{"a":"b"}'],
    ['{"a":"b"}', '{"a":{"b":1}}', '{"a":{"b":1}}'],
    ['{"a":[]}', '{"a":{}}', '{"a":{}}'],
    ['{"a":0}', '{"a":false}', '{"a":false}'],
    ['{"__proto__":{"a":1}}', '{"__proto__":{"a":2}}', '{"__proto__":{"a":2}}'],
    ['{"constructor":"x"}', '{"toString":"y"}', '{"constructor":null,"toString":"y"}'],
    // What stands on the right can't be written; what stands on the left is what becomes of it.
    ['{"a":[{"b":1}]}', '{"a":[{"b":1,"c":null}]}', undefined],
    ['{"a":[{"b":1,"c":null}]}', '{"a":[{"b":1,"c":null}]}', undefined],
    ['{"a":[{"b":1,"c":2}]}', '{"a":[{"b":1,"c":null}]}', '{"a":[{"b":1,"c":null}]}'],
    ['{"a":[{"b":1,"c":null}]}', '{"a":[{"b":1}]}', '{"a":[{"b":1}]}'],
    ['{"a":[[{}]]}', '{"a":[[{"b":null}]]}', undefined],
    ['{"a":{"b":{}}}', '{"a":{"b":{"c":null}},"d":null}', undefined],
    ['{"a":1}', '{"a":null}', '{"a":null}'],
    ['{"a":[null]}', '{"a":[null]}', undefined],
    ['{"a":[]}', '{"a":[null]}', '{"a":[null]}'],
  ]
  for (const [current, desired, patch] of table)
    it(`${current} → ${desired}`, () => {
      const made = mergePatch(fromJson(current), fromJson(desired))
      assert.strictEqual(made === undefined ? undefined : JSON.stringify(made), patch)
    })

  // findings/merge-patch-nulls-in-lists.sh has them from the API server's own library.
  const results: ReadonlyArray<readonly [patch: string, result: string]> = [
    ['{"list":[{"a":null,"b":1}]}', '{"list":[{"b":1}]}'],
    ['{"list":[null,{"a":{"c":null}}]}', '{"list":[null,{"a":{}}]}'],
    ['{"list":[[{"a":null}]]}', '{"list":[[{}]]}'],
  ]
  for (const [patch, result] of results)
    it(`applied as the API server does: ${patch}`, () =>
      assert.strictEqual(JSON.stringify(applyMergePatch({ list: [1] }, fromJson(patch))), result))

  it("an undefined field is an absent one", () => {
    assert.isUndefined(mergePatch({ a: undefined }, {}))
    assert.deepStrictEqual(mergePatch({ a: 1 }, { a: undefined }), { a: null })
  })

  it("nesting as deep as the API server takes it is no crash", () => {
    assert.isUndefined(mergePatch(nested("1"), nested("1")))
    assert.isFalse(jsonEqual(nested("1"), nested("2")))
  })

  const key = fc.oneof(
    fc.constantFrom("a", "b", "c", "__proto__", "constructor", "toString"),
    fc.string({ maxLength: 3 }),
  )
  const recordOf = (...leaves: ReadonlyArray<unknown>): fc.Arbitrary<JsonRecord> => {
    const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(...leaves),
        fc.array(tie("value"), { maxLength: 3 }),
        tie("record"),
      ),
      record: fc
        .array(fc.tuple(key, tie("value")), { maxLength: 4 })
        .map((entries): unknown => Object.fromEntries(entries)),
    })).value
    return fc.array(fc.tuple(key, value), { maxLength: 5 }).map((entries): JsonRecord => Object.fromEntries(entries))
  }
  const record = recordOf("", "x", 0, 1, true, false)
  const recordWithNulls = recordOf("x", 1, null)

  it("applied, it gives what was desired", () =>
    fc.assert(
      fc.property(record, record, (current, desired) => {
        const patch = mergePatch(current, desired)
        const applied = patch === undefined ? current : applyMergePatch(current, patch)
        assert.isTrue(jsonEqual(applied, desired), JSON.stringify([current, desired, patch, applied]))
      }),
      { numRuns: 500 },
    ))

  it("is not asked for again once it is applied, with nulls wherever they may be", () =>
    fc.assert(
      fc.property(recordWithNulls, recordWithNulls, (current, desired) => {
        const patch = mergePatch(current, desired)
        const after = patch === undefined ? current : applyMergePatch(current, patch)
        assert.isTrue(isRecord(after) && mergePatch(after, desired) === undefined, JSON.stringify([patch, after]))
      }),
      { numRuns: 500 },
    ))

  it("holds nothing that need not change", () =>
    fc.assert(
      fc.property(record, record, (current, desired) => {
        const patch = mergePatch(current, desired) ?? {}
        for (const name of Object.keys(patch)) {
          const old = Object.hasOwn(current, name) ? current[name] : undefined
          assert.isFalse(jsonEqual(old, Object.hasOwn(desired, name) ? desired[name] : undefined), name)
        }
      }),
      { numRuns: 300 },
    ))

  it("is undefined exactly for equal values, in whatever order", () =>
    fc.assert(
      fc.property(record, (same) => {
        assert.isUndefined(mergePatch(same, Object.fromEntries(Object.entries(same).toReversed())))
        assert.isDefined(mergePatch(same, { ...same, "a new key": 1 }))
      }),
      { numRuns: 300 },
    ))
})
