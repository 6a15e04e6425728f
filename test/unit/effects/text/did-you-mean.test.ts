import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { nearestWord } from "../../../../src/effects/text/did-you-mean.ts"
import { describeValue, unknownKey } from "../../../../src/effects/text/problem-text.ts"

const keys = ["enabled", "version", "webhook", "sync"]

describe("nearestWord", () => {
  const table: ReadonlyArray<readonly [word: string, known: ReadonlyArray<string>, near: string | undefined]> = [
    ["matchLabel", ["matchLabels", "matchExpressions"], "matchLabels"],
    ["MATCHLABELS", ["matchLabels"], "matchLabels"],
    ["enabeld", keys, "enabled"],
    ["verson", keys, "version"],
    ["snyc", keys, "sync"],
    ["webhooks", keys, "webhook"],
    ["clusterSecretStores", ["clusterStores", "stores"], undefined],
    ["frobnicate", keys, undefined],
    ["", keys, undefined],
    ["a", ["b"], undefined],
    ["vautl", ["vault-a", "vault"], "vault"],
    ["x", [], undefined],
  ]
  for (const [word, known, near] of table)
    it(`${word || "(empty)"} → ${near ?? "nothing"}`, () => {
      assert.strictEqual(nearestWord(word, known), near)
    })

  it("finds a word itself, and one with two letters swapped or one more", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{4,12}$/), fc.nat(2), (word, at) => {
        const swapped = word.slice(0, at) + word.charAt(at + 1) + word.charAt(at) + word.slice(at + 2)
        for (const typed of [word, swapped, `${word.slice(0, at)}q${word.slice(at)}`, word.toUpperCase()])
          assert.strictEqual(nearestWord(typed, ["!!!!", word]), word)
      }),
    )
  })

  it("takes no time for a word of a million letters", () => {
    assert.isUndefined(nearestWord("e".repeat(1_000_000), keys))
  })
})

describe("unknownKey", () => {
  it("names the nearest key, else all that are known", () => {
    assert.strictEqual(
      unknownKey("matchLabel", ["matchLabels", "matchExpressions"]),
      'unknown key "matchLabel" (did you mean "matchLabels"?)',
    )
    assert.strictEqual(
      unknownKey("labels", ["matchExpressions", "enabled", "selector"]),
      'unknown key "labels" (known here: matchExpressions, enabled or selector)',
    )
    assert.strictEqual(unknownKey("x", ["enabled"]), 'unknown key "x" (known here: enabled)')
  })
})

describe("describeValue", () => {
  it("says what a value is, not what a long one holds", () => {
    const said = [null, undefined, true, 3, "yes", [1], { a: 1 }].map(describeValue)
    assert.deepStrictEqual(said, ["nothing", "nothing", "true", "3", '"yes"', "a list", "a map"])
    assert.isBelow(describeValue("x".repeat(10_000)).length, 70)
  })

  it("stays on one line", () => {
    assert.strictEqual(describeValue("a\nb"), '"a\\nb"')
  })
})
