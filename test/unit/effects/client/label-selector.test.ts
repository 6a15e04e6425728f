import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { matches, parseLabelSelector, toQuery } from "../../../../src/effects/client/label-selector.ts"
import type { LabelSelector, Requirement } from "../../../../src/effects/client/label-selector.ts"

const selectorOf = (value: unknown): LabelSelector =>
  Result.match(parseLabelSelector(value, "selector"), {
    onFailure: (problems) => assert.fail(problems.map((problem) => problem.message).join("\n")),
    onSuccess: (selector) => selector,
  })

const problemsOf = (value: unknown): ReadonlyArray<string> =>
  Result.match(parseLabelSelector(value, "selector"), {
    onFailure: (problems) => problems.map((problem) => problem.message),
    onSuccess: () => [],
  })

const expression = (operator: string, values?: ReadonlyArray<unknown>, key: unknown = "a") => ({
  matchExpressions: [{ key, operator, ...(values === undefined ? {} : { values }) }],
})

describe("parseLabelSelector", () => {
  it("nothing selects everything", () => {
    for (const value of [undefined, null, {}, { matchLabels: {} }, { matchLabels: null, matchExpressions: null }]) {
      assert.deepStrictEqual(selectorOf(value), {})
      assert.isTrue(matches(selectorOf(value), {}))
      assert.strictEqual(toQuery(selectorOf(value)), "")
    }
  })

  const good: ReadonlyArray<readonly [value: unknown, query: string]> = [
    [{ matchLabels: { sync: "true", "example.com/a_b.c": "" } }, "sync=true,example.com/a_b.c="],
    [expression("In", ["x", "y"]), "a in (x,y)"],
    [expression("NotIn", ["x"]), "a notin (x)"],
    [expression("Exists"), "a"],
    [expression("Exists", []), "a"],
    [expression("DoesNotExist"), "!a"],
    [
      { matchLabels: { [`${"a".repeat(253)}/${"b".repeat(63)}`]: "c".repeat(63) } },
      `${"a".repeat(253)}/${"b".repeat(63)}=${"c".repeat(63)}`,
    ],
    [{ matchLabels: { a: "1" }, matchExpressions: [{ key: "b", operator: "Exists" }] }, "a=1,b"],
  ]
  for (const [value, query] of good)
    it(JSON.stringify(value).slice(0, 80), () => assert.strictEqual(toQuery(selectorOf(value)), query))

  const bad: ReadonlyArray<readonly [value: unknown, ...places: ReadonlyArray<RegExp>]> = [
    ["a=b", /^selector: expected a map/],
    [[], /^selector: expected a map/],
    [{ matchLabel: {} }, /^selector\.matchLabel: unknown key "matchLabel" \(did you mean "matchLabels"\?\)$/],
    [{ matchLabels: [] }, /^selector\.matchLabels: expected a map/],
    [{ matchLabels: { a: true } }, /^selector\.matchLabels\.a: expected a string, found true; put it in quotes$/],
    [{ matchLabels: { a: null } }, /^selector\.matchLabels\.a: expected a string, found nothing$/],
    [{ matchLabels: { a: {} } }, /^selector\.matchLabels\.a: expected a string, found a map$/],
    [{ matchLabels: { a: "b c" } }, /^selector\.matchLabels\.a: "b c" is not a label value/],
    [{ matchLabels: { a: "b".repeat(64) } }, /is not a label value/],
    [{ matchLabels: { a: "-b" } }, /is not a label value/],
    [{ matchLabels: { a: "b\n" } }, /is not a label value/],
    [{ matchLabels: { "a b": "c" } }, /^selector\.matchLabels\["a b"\]: "a b" is not a label key/],
    [{ matchLabels: { "": "c" } }, /is not a label key/],
    [{ matchLabels: { "a/b/c": "d" } }, /is not a label key/],
    [{ matchLabels: { "/b": "d" } }, /is not a label key/],
    [{ matchLabels: { "A.b/c": "d" } }, /is not a label key/],
    [{ matchLabels: { [`${"a".repeat(254)}/b`]: "d" } }, /is not a label key/],
    [{ matchExpressions: {} }, /^selector\.matchExpressions: expected a list/],
    [{ matchExpressions: ["a"] }, /^selector\.matchExpressions\[0\]: expected a map/],
    [
      expression("in", ["x"]),
      /^selector\.matchExpressions\[0\]\.operator: expected one of In, NotIn, Exists, DoesNotExist, found "in"$/,
    ],
    [expression("In"), /^selector\.matchExpressions\[0\]\.values: operator In needs at least one value$/],
    [expression("In", []), /needs at least one value$/],
    [expression("Exists", ["x"]), /^selector\.matchExpressions\[0\]\.values: operator Exists takes no values$/],
    [
      expression("In", ["x", 1]),
      /^selector\.matchExpressions\[0\]\.values\[1\]: expected a string, found 1; put it in quotes$/,
    ],
    [expression("Exists", undefined, 3), /^selector\.matchExpressions\[0\]\.key: expected a label key, found 3$/],
    [
      { matchExpressions: [{ key: "a", operator: "Exists", value: "x" }] },
      /^selector\.matchExpressions\[0\]\.value: unknown key "value" \(did you mean "values"\?\)$/,
    ],
    [{ matchLabels: { "a b": 1 }, matchExpressions: [{}] }, /label key/, /found 1/, /\.key/, /\.operator/],
  ]
  for (const [value, ...patterns] of bad)
    it(`not ${JSON.stringify(value).slice(0, 80)}`, () => {
      const problems = problemsOf(value)
      assert.lengthOf(problems, patterns.length, problems.join("\n"))
      for (const [index, pattern] of patterns.entries()) assert.match(problems[index] ?? "", pattern)
    })

  it("prototypes are no fields", () => {
    const hostile: unknown = JSON.parse('{"matchExpressions":[{"key":"toString","operator":"Exists"}]}')
    assert.isFalse(matches(selectorOf(hostile), {}))
    assert.isFalse(matches(selectorOf({ matchLabels: { constructor: "x" } }), {}))
    assert.lengthOf(problemsOf(JSON.parse('{"__proto__":{"matchLabels":{}}}')), 1)
  })

  it("any value gives a selector or problems of one line", () =>
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          fc.record({ matchLabels: fc.anything(), matchExpressions: fc.anything() }, { requiredKeys: [] }),
          fc.record({
            matchExpressions: fc.array(
              fc.record({ key: fc.anything(), operator: fc.anything(), values: fc.anything() }),
            ),
          }),
        ),
        (value) => {
          for (const problem of problemsOf(value)) assert.notMatch(problem, /[\n\r]/)
        },
      ),
      { numRuns: 500 },
    ))
})

/** Kubernetes' documentation, word by word, over lists instead of maps. */
const holds = (
  required: Pick<Requirement, "key"> & { operator: string; values?: ReadonlyArray<string> },
  set: Record<string, string>,
) => {
  const found = Object.entries(set).filter(([name]) => name === required.key)
  const inSet = found.filter(([, has]) => (required.values ?? []).some((wanted) => wanted === has)).length === 1
  if (required.operator === "In") return inSet
  if (required.operator === "NotIn") return !inSet
  return (required.operator === "Exists") === (found.length === 1)
}

describe("matches", () => {
  const key = fc.constantFrom("a", "b", "c", "constructor")
  const value = fc.constantFrom("", "x", "y")
  const labels = fc.array(fc.tuple(key, value)).map((entries): Record<string, string> => Object.fromEntries(entries))
  const values = fc.uniqueArray(value, { minLength: 1 })
  const requirement = fc.oneof(
    fc.record({ key, operator: fc.constantFrom("In", "NotIn"), values }),
    fc.record({ key, operator: fc.constantFrom("Exists", "DoesNotExist") }),
  )
  const selector = fc.record({ matchLabels: labels, matchExpressions: fc.array(requirement, { maxLength: 3 }) })

  it("agrees with a naive reading", () =>
    fc.assert(
      fc.property(selector, labels, (given, set) => {
        const expected =
          Object.entries(given.matchLabels).every(([name, wanted]) =>
            holds({ key: name, operator: "In", values: [wanted] }, set),
          ) && given.matchExpressions.every((required) => holds(required, set))
        assert.strictEqual(matches(selectorOf(given), set), expected)
      }),
      { numRuns: 1000 },
    ))

  it("the query agrees too, read back as the API server reads it", () =>
    fc.assert(
      fc.property(selector, labels, (given, set) => {
        const parsed = selectorOf(given)
        assert.strictEqual(queryMatches(toQuery(parsed), set), matches(parsed, set), toQuery(parsed))
      }),
      { numRuns: 1000 },
    ))
})

/** A reader of the API's own syntax, as far as `toQuery` uses it. */
const queryMatches = (query: string, labels: Record<string, string>): boolean => {
  const terms = query.match(/(?:[^,(]|\([^)]*\))+/g) ?? []
  return terms.every((term) => {
    const [, key = "", operator = "", list = ""] = /^(\S+) (in|notin) \((.*)\)$/.exec(term) ?? []
    if (operator !== "") {
      const inSet = Object.hasOwn(labels, key) && list.split(",").includes(labels[key] ?? "")
      return operator === "in" ? inSet : !inSet
    }
    if (term.startsWith("!")) return !Object.hasOwn(labels, term.slice(1))
    const [name = "", wanted] = term.split("=")
    return Object.hasOwn(labels, name) && (wanted === undefined || labels[name] === wanted)
  })
}
