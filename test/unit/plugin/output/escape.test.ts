import { assert, describe, it } from "@effect/vitest"
import { cutEnd, cutMiddle, escapeInQuotes, escapeText, textWidth } from "../../../../src/plugin/output/escape.ts"

describe("escapeText", () => {
  const cases: ReadonlyArray<readonly [string, string, string]> = [
    ["plain text stays", "team-x/db (größe: 10 µs, 日本)", "team-x/db (größe: 10 µs, 日本)"],
    ["ANSI sequences", "\u001b[31mred\u001b[0m", "\\x1b[31mred\\x1b[0m"],
    ["C1 controls, which some terminals obey", "\u009b31m", "\\x9b31m"],
    ["line feeds, tabs, carriage returns", "a\nb\tc\rd", "a\\nb\\tc\\rd"],
    ["bell, backspace, delete", "\u0007\u0008\u007f", "\\x07\\x08\\x7f"],
    [
      "bidirectional overrides and isolates",
      "\u202eevil\u202c \u2066x\u2069",
      "\\u{202e}evil\\u{202c} \\u{2066}x\\u{2069}",
    ],
    ["zero-width characters", "a\u200bb\u200dc\ufeffd\u00ade", "a\\u{200b}b\\u{200d}c\\u{feff}d\\xade"],
    ["fillers that look like nothing", "\u3164\u115f", "\\u{3164}\\u{115f}"],
    ["tags and variation selectors", "\u{e0041}\ufe0f", "\\u{e0041}\\u{fe0f}"],
    ["line and paragraph separators", "\u2028\u2029", "\\u{2028}\\u{2029}"],
    ["a lone surrogate", "\ud800", "\\u{d800}"],
    ["marks: three stay, the rest shows", "e\u0301\u0302\u0303\u0304", "e\u0301\u0302\u0303\\u{304}"],
  ]
  for (const [name, input, expected] of cases) it(name, () => assert.strictEqual(escapeText(input), expected))

  it("inside of quotes, JSON still reads the same string", () => {
    const text = "\u202e \u{e0041} \u200b \u0007 \ud800 ok\n"
    const quoted = escapeInQuotes(JSON.stringify(text))
    assert.match(quoted, /^[\u0020-\u007e]*$/)
    assert.strictEqual(JSON.parse(quoted), text)
  })
})

describe("width", () => {
  it("counts columns, not code units", () => {
    assert.strictEqual(textWidth("abc"), 3)
    assert.strictEqual(textWidth("日本"), 4)
    assert.strictEqual(textWidth("e\u0301"), 1)
    assert.strictEqual(textWidth("😀"), 2)
  })
  it("cuts in the middle to exactly the room there is", () => {
    assert.strictEqual(cutMiddle("team-database-credentials-db", 12), "team-d…ls-db")
    assert.strictEqual(cutMiddle("short", 12), "short")
    assert.strictEqual(textWidth(cutMiddle("日本語日本語日本語", 7)), 7)
  })
  it("cuts the end", () => {
    assert.strictEqual(cutEnd("abcdef", 4), "abc…")
    assert.strictEqual(cutEnd("abcd", 4), "abcd")
  })
})
