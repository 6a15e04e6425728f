import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { normalizeGoDuration, parseGoDuration } from "../../../../src/effects/text/go-duration.ts"

describe("durations", () => {
  /** The second and third columns are what Go prints for `int64(d)` and `d.String()`. */
  const table: ReadonlyArray<readonly [text: string, nanoseconds: number, written: string]> = [
    ["0", 0, "0s"],
    ["-0", 0, "0s"],
    ["0h", 0, "0s"],
    ["1h", 3_600e9, "1h0m0s"],
    ["60m", 3_600e9, "1h0m0s"],
    ["1h0m0s", 3_600e9, "1h0m0s"],
    ["90s", 90e9, "1m30s"],
    ["1.5h", 5_400e9, "1h30m0s"],
    ["1.s", 1e9, "1s"],
    [".5s", 5e8, "500ms"],
    ["1.1s", 1_100_000_000, "1.1s"],
    ["1100ms", 1_100_000_000, "1.1s"],
    ["1us", 1_000, "1µs"],
    ["1µs", 1_000, "1µs"],
    ["1μs", 1_000, "1µs"],
    ["1500ns", 1_500, "1.5µs"],
    ["10ns", 10, "10ns"],
    ["10.0000ms", 10_000_000, "10ms"],
    ["100h", 360_000e9, "100h0m0s"],
    ["60.000000001s", 60_000_000_001, "1m0.000000001s"],
    ["-1.5h", -5_400e9, "-1h30m0s"],
    ["+1s", 1e9, "1s"],
    ["1m1h", 3_660e9, "1h1m0s"],
  ]
  for (const [text, nanoseconds, written] of table)
    it(text, () => {
      assert.strictEqual(parseGoDuration(text), nanoseconds)
      assert.strictEqual(normalizeGoDuration(text), written)
    })

  const wrong = [
    "",
    "-",
    "+",
    "1",
    "h",
    ".",
    ".s",
    "1 h",
    "1h ",
    " 1h",
    "1d",
    "1H",
    "--1s",
    "1h-1m",
    "1e3s",
    "0x1s",
    "1.2.3s",
    "∞",
    "2562048h",
    "9223372036854775808ns",
  ]
  for (const text of [...wrong, "1s".repeat(5_000), "9".repeat(100_000)])
    it(`not ${JSON.stringify(text.slice(0, 30))}`, () => {
      assert.isUndefined(parseGoDuration(text))
      assert.isUndefined(normalizeGoDuration(text))
    })

  it("Go's spelling keeps the meaning and is its own spelling", () =>
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), fc.boolean(), (amount, negative) => {
        const text = `${negative ? "-" : ""}${amount}ns`
        const written = normalizeGoDuration(text) ?? ""
        assert.strictEqual(parseGoDuration(written), parseGoDuration(text), text)
        assert.strictEqual(normalizeGoDuration(written), written, text)
      }),
      { numRuns: 500 },
    ))
})
