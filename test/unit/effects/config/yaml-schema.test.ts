import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { parseYaml } from "../../../../src/effects/config/yaml-position.ts"
import {
  decodeYaml,
  isWrong,
  itemsInText,
  settingPaths,
  superseded,
} from "../../../../src/effects/config/yaml-schema.ts"

const optional = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const Color = Schema.String.check(
  Schema.makeFilter((text: string) => (text === "red" ? undefined : `${text} is no color`)),
)

const Example = Schema.Struct({
  name: optional(Schema.String),
  color: optional(Color),
  colour: optional(Color).pipe(Schema.annotateKey(superseded)),
  labels: optional(Schema.Record(Schema.String, Schema.String)),
  nested: optional(
    Schema.Struct({ active: optional(Schema.Boolean), list: optional(Schema.Array(Schema.Finite)) }).annotate({
      title: "n",
    }),
  ),
})

const decode = (text: string) =>
  decodeYaml(
    Example,
    Result.getOrThrowWith(parseYaml(text), ([problem]) => new Error(problem?.message)),
  )

const wrongIn = (text: string) =>
  decode(text).wrongValues.map(({ at, message }) => `${at.line}:${at.column} ${message}`)

describe("a YAML tree by a Schema", () => {
  it("all that is wrong, each with its place", () => {
    const text =
      "name: 010\ncolor: blue\nlabels:\n  a: yes\n  b: ~\n  c.d: [1]\nnested:\n  active: x\n  list: [1, true, 3]\n"
    assert.deepStrictEqual(wrongIn(text), [
      "1:7 name: expected a string, found 8; put it in quotes",
      "2:8 color: blue is no color",
      "4:6 labels.a: expected a string, found true; put it in quotes",
      "5:6 labels.b: expected a string, found nothing",
      '6:8 labels["c.d"]: expected a string, found a list',
      '8:11 nested.active: expected true or false, found "x"',
      "9:13 nested.list[1]: expected a number, found true",
    ])
  })

  it("quotes are no remedy for a text of a certain form", () => {
    assert.deepStrictEqual(wrongIn("color: 1"), ["1:8 color: expected a string, found 1"])
  })

  it("the rest is read", () => {
    const { value } = decode(
      "name: a\ncolor: blue\nlabels: {a: b, c: 1, __proto__: d}\nnested: {active: true, list: [x]}\nother: 1",
    )
    assert.deepStrictEqual(Object.entries(value.labels ?? {}), [
      ["a", "b"],
      ["__proto__", "d"],
    ])
    assert.deepStrictEqual({ ...value, labels: {} }, { name: "a", labels: {}, nested: { active: true, list: [] } })
    assert.deepStrictEqual(decode("name: a\nnested: 5").value, { name: "a" })
    for (const text of ["", "hello", "[1]"]) assert.deepStrictEqual(decode(text).value, {})
    assert.deepStrictEqual(wrongIn("hello"), ['1:1 expected a map, found "hello"'])
  })

  it("keys that the Schema does not name, with those that it does", () => {
    const found = decode("nam: a\nnested: {actve: true}").unknownKeys.map(({ at, path, key, known, schema }) => [
      `${at.line}:${at.column}`,
      path.join("."),
      key,
      known,
      schema.annotations?.["title"],
    ])
    assert.deepStrictEqual(found, [
      ["1:1", "", "nam", ["name", "color", "labels", "nested"], undefined],
      ["2:10", "nested", "actve", ["active", "list"], "n"],
    ])
  })

  it("what is wrong below a place makes it wrong", () => {
    const decoded = decode("labels: {a: 1}")
    assert.deepStrictEqual(
      [[], ["labels"], ["labels", "a"], ["labels", "b"], ["name"]].map((path) => isWrong(decoded, path)),
      [true, true, true, false, false],
    )
  })

  it("a wrong item leaves the others in their list, and each knows its place", () => {
    const decoded = decode("nested: {list: [x, 1, ~, [5], 2, 3, {a: b}]}")
    const path = ["nested", "list"]
    const list = decoded.value.nested?.list ?? []
    assert.deepStrictEqual(list, [1, 2, 3])
    assert.deepStrictEqual(itemsInText(decoded, path, list), [
      [1, 1],
      [4, 2],
      [5, 3],
    ])
    assert.deepStrictEqual(decode("nested: {list: 5}").value, { nested: {} })
  })

  it("paths of all values", () => {
    assert.deepStrictEqual(
      settingPaths(Example).map((path) => path.join(".")),
      ["name", "color", "colour", "labels", "nested.active", "nested.list"],
    )
  })

  it("thousands of wrong values are no work without end", () => {
    const labels = Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`)
    assert.lengthOf(decode(`labels: {${labels.join(", ")}}`).wrongValues, 20_000)
  })
})
