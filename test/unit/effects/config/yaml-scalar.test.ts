/** Expectations as Go gave them (sigs.k8s.io/yaml 1.4.0 and 1.6.0); `test/integration/charts.test.ts` asks it about many more. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { parseYaml, plainValue } from "../../../../src/effects/config/yaml-position.ts"
import {
  keyText,
  type ResolvedScalar,
  resolvePlain,
  resolveTagged,
} from "../../../../src/effects/config/yaml-scalar.ts"

describe("words without quotes", () => {
  const texts =
    "12e3456 1e3456 9e999 -9e999 .9e999 7e12345 0x1FFFFFFFFFFFFFFFFF 0o7777777777777777777777777 0x 0xg 0b 0b12 1e e1 1e_5x _1 + - . .. 2026-11-27 12:30:45 1.2.3 v1 tRUE nULL inf nan 0x1p3 .e1 ._1 --1 1,000"
  for (const text of texts.split(" ")) it(`${text} is text`, () => assert.strictEqual(resolvePlain(text), text))

  const numbers: ReadonlyArray<readonly [text: string, value: bigint | number, key: string | undefined]> = [
    ["017", 15n, "15"],
    ["010", 8n, "8"],
    ["-017", -15n, "-15"],
    ["08", 8, "8"],
    ["1_000", 1000n, "1000"],
    ["1__0", 10n, "10"],
    ["1_", 1n, "1"],
    ["2026_11_27", 20_261_127n, "20261127"],
    ["0b11", 3n, "3"],
    ["-0b11", -3n, "-3"],
    ["0b-11", -3n, "-3"],
    ["0B11", 3n, "3"],
    ["0X1f", 31n, "31"],
    ["+0o17", 15n, "15"],
    ["0_x1", 1n, "1"],
    ["+1", 1n, "1"],
    ["9007199254740993", 9_007_199_254_740_993n, "9007199254740993"],
    ["-9223372036854775808", -(2n ** 63n), "-9223372036854775808"],
    ["18446744073709551615", 2n ** 64n - 1n, undefined],
    ["18446744073709551616", 2 ** 64, "1.8446744e+19"],
    ["1e6", 1e6, "1e+06"],
    ["1E+5", 1e5, "100000"],
    ["1e_5", 1e5, "100000"],
    ["3.50", 3.5, "3.5"],
    ["5.", 5, "5"],
    [".5", 0.5, "0.5"],
    [".1_0", 0.1, "0.1"],
    ["1_0.5", 10.5, "10.5"],
    ["-0.0000001", -1e-7, "-1e-07"],
    ["0.0001", 1e-4, "0.0001"],
    ["0.00001", 1e-5, "1e-05"],
    ["123456789.5", 123_456_789.5, "1.2345679e+08"],
    ["-0.0", -0, "-0"],
    ["1e39", 1e39, ".inf"],
    [".inf", Infinity, ".inf"],
    ["-.INF", -Infinity, "-.inf"],
    [".NaN", Number.NaN, ".nan"],
  ]
  for (const [text, value, key] of numbers)
    it(`${text} is the number ${value}, and ${key ?? "nothing"} as a key`, () => {
      assert.deepStrictEqual(resolvePlain(text), value)
      assert.strictEqual(keyText(resolvePlain(text)), key)
    })

  it("booleans and nulls of YAML 1.1", () => {
    for (const text of ["y", "Yes", "ON", "true", "TRUE"]) assert.isTrue(resolvePlain(text))
    for (const text of ["n", "No", "OFF", "false", "False"]) assert.isFalse(resolvePlain(text))
    for (const text of ["", "~", "null", "NULL"]) assert.isNull(resolvePlain(text))
    assert.deepStrictEqual([keyText(true), keyText(false), keyText(null)], ["true", "false", undefined])
  })
})

describe("words with a tag", () => {
  const good: ReadonlyArray<readonly [tag: string, text: string, value: ResolvedScalar]> = [
    ["str", "12", "12"],
    ["int", "12", 12n],
    ["float", "12", 12],
    ["bool", "yes", true],
    ["null", "~", null],
    ["binary", "aGk=", "hi"],
    ["timestamp", "2001-01-01", "2001-01-01"],
  ]
  for (const [tag, text, value] of good)
    it(`!!${tag} ${text}`, () => assert.deepStrictEqual(resolveTagged(tag, text), Result.succeed(value)))
  for (const [tag, text] of [
    ["int", "x"],
    ["int", "1.5"],
    ["bool", "x"],
    ["null", "x"],
    ["binary", "!"],
  ] as const)
    it(`!!${tag} ${text} is refused, without the text`, () => {
      const resolved = resolveTagged(tag, text)
      assert.isTrue(Result.isFailure(resolved))
      if (Result.isFailure(resolved)) assert.notInclude(resolved.failure, ` ${text}`)
    })
})

const read = (text: string): unknown =>
  Result.match(parseYaml(text), {
    onFailure: (problems) => assert.fail(problems[0]?.message ?? ""),
    onSuccess: plainValue,
  })

describe("maps", () => {
  it("what is merged in below a key replaces it, what is merged in above does not", () => {
    assert.deepStrictEqual(read("x: {<<: {a: 1}, a: 2}"), { x: { a: 2 } })
    assert.deepStrictEqual(read("x: {a: 2, <<: {a: 1}}"), { x: { a: 1 } })
    assert.deepStrictEqual(read("x:\n  <<: {a: 1}\n  <<: {a: 3}"), { x: { a: 3 } })
    assert.deepStrictEqual(read("x: {<<: [{a: 1}, {a: 2, b: 2}]}"), { x: { a: 1, b: 2 } })
  })

  it("<< is a key of its own in quotes and as !!str", () => {
    assert.deepStrictEqual(read('x: {"<<": {a: 1}}'), { x: { "<<": { a: 1 } } })
    assert.deepStrictEqual(read("x: {!!str <<: {a: 1}}"), { x: { "<<": { a: 1 } } })
    assert.deepStrictEqual(read("x: {!!merge <<: {a: 1}}"), { x: { a: 1 } })
  })

  it("keys are called as Go calls them, and twice is twice", () => {
    assert.deepStrictEqual(read("{010: a, 0x1F: b, yes: c, 1e6: d}"), { 8: "a", 31: "b", true: "c", "1e+06": "d" })
    assert.isTrue(Result.isFailure(parseYaml("{010: a, 8: b}")))
    assert.isTrue(Result.isFailure(parseYaml("~: a")))
    assert.isTrue(Result.isFailure(parseYaml("18446744073709551615: a")))
  })

  it("an anchor on a key, a block at the end without a line break", () => {
    assert.deepStrictEqual(read("&k a: b\nc: *k"), { a: "b", c: "a" })
    assert.deepStrictEqual(read("a: |\n  x"), { a: "x" })
    assert.deepStrictEqual(read("a: |\n  x\n"), { a: "x\n" })
  })
})
