import { assert, it } from "@effect/vitest"
import { remembering } from "../../../../src/effects/controller/remembering.ts"

it("works out again only what it has forgotten, results of undefined too", () => {
  const asked: Array<string> = []
  const half = remembering(2, (text: string): string | undefined => {
    asked.push(text)
    return text === "none" ? undefined : text.slice(text.length / 2)
  })
  assert.deepStrictEqual(["abcd", "none", "none", "abcd"].map(half), ["cd", undefined, undefined, "cd"])
  assert.deepStrictEqual(asked.splice(0), ["abcd", "none"])
  half("ef")
  assert.deepStrictEqual(["abcd", "none"].map(half), ["cd", undefined])
  assert.deepStrictEqual(asked, ["ef", "none"])
})
