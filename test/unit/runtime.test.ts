import { assert, it } from "@effect/vitest"

const actual = "bun" in process.versions ? "bun" : "deno" in process.versions ? "deno" : "node"

/** Vitest started the wrong way runs on Node whatever the command says; then three equal reports would prove nothing. */
it("runs on the runtime that it was started for", () => {
  assert.strictEqual(actual, process.env["EXPECT_RUNTIME"] ?? actual)
})
