import { assert, it } from "@effect/vitest"
import { cutText } from "../../../../src/effects/text/cut-text.ts"

it("cuts between characters", () => {
  const key = "\u{1f511}"
  assert.strictEqual(cutText("abc", 3), "abc")
  assert.strictEqual(cutText("abcd", 3), "abc")
  assert.strictEqual(cutText(`a${key}b`, 3), `a${key}`)
  assert.strictEqual(cutText(`ab${key}`, 3), "ab")
  assert.strictEqual(cutText(key, 1), "")
  assert.strictEqual(cutText(key, 2), key)
})
