import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { type LogOptions, logLayer } from "../../../../src/effects/observability/log.ts"

/** The lines that `program` logs. */
const linesOf = <E>(options: Partial<LogOptions>, program: Effect.Effect<unknown, E>) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const write = (line: string) => void lines.push(line)
    yield* TestClock.setTime(Date.parse("2026-01-02T03:04:05.678Z"))
    yield* Effect.provide(program, logLayer({ format: "text", verbosity: 0, write, ...options }))
    return lines
  })

const NASTY = "a\u001b[31mred\u202e\n\u{e0041}b"

describe("log", () => {
  it.effect("writes time, level, message and fields on a line", () =>
    Effect.gen(function* () {
      const program = Effect.logInfo("synced", 3, { a: 1 }).pipe(
        Effect.annotateLogs({ key: "team-x/a", text: "two words", empty: "", n: 5 }),
      )
      assert.deepStrictEqual(yield* linesOf({}, program), [
        '2026-01-02T03:04:05.678Z info synced 3 {"a":1} key=team-x/a text="two words" empty="" n=5\n',
      ])
    }),
  )

  it.effect("writes JSON lines, in which a field cannot pass for the level", () =>
    Effect.gen(function* () {
      const program = Effect.logWarning("careful").pipe(Effect.annotateLogs({ key: "a", level: "none", n: 5 }))
      const [line = ""] = yield* linesOf({ format: "json" }, program)
      assert.deepStrictEqual(JSON.parse(line), {
        key: "a",
        n: 5,
        time: "2026-01-02T03:04:05.678Z",
        level: "warn",
        message: "careful",
      })
    }),
  )

  it.effect("shows more with more verbosity", () =>
    Effect.gen(function* () {
      const program = Effect.all([Effect.logTrace("trace"), Effect.logDebug("debug"), Effect.logInfo("info")])
      const counts = yield* Effect.forEach([0, 5, 6, 7, 8, 10], (verbosity) =>
        Effect.map(linesOf({ verbosity }, program), (lines) => lines.length),
      )
      assert.deepStrictEqual(counts, [1, 1, 2, 2, 3, 3])
    }),
  )

  it.effect("escapes what a terminal obeys and what nobody sees", () =>
    Effect.gen(function* () {
      const program = Effect.logInfo(NASTY).pipe(Effect.annotateLogs({ key: NASTY }))
      const [text = ""] = yield* linesOf({}, program)
      assert.strictEqual(
        text,
        "2026-01-02T03:04:05.678Z info a\\u001b[31mred\\u202e\\n\\udb40\\udc41b " +
          'key="a\\u001b[31mred\\u202e\\n\\udb40\\udc41b"\n',
      )
      const [json = ""] = yield* linesOf({ format: "json" }, program)
      assert.match(json, /^[\x20-\x7e]+\n$/u)
      const { message, key } = JSON.parse(json)
      assert.deepStrictEqual([message, key], [NASTY, NASTY])
    }),
  )

  it.effect("tells errors by their message, never by their stack", () =>
    Effect.gen(function* () {
      const failing = Effect.die(new Error("a bug")).pipe(
        Effect.catchCause((cause) => Effect.logError("failed", cause)),
      )
      assert.deepStrictEqual(yield* linesOf({}, failing), ['2026-01-02T03:04:05.678Z error failed cause="a bug"\n'])
      const direct = Effect.logError(new Error("plain"))
      assert.deepStrictEqual(yield* linesOf({}, direct), ["2026-01-02T03:04:05.678Z error plain\n"])
    }),
  )

  it.effect("outlives values that JSON cannot tell, and keeps redacted ones", () =>
    Effect.gen(function* () {
      const circle: Record<string, unknown> = {}
      circle["self"] = circle
      const values = { circle, big: 1n, secret: Redacted.make("hunter2"), nothing: undefined }
      for (const format of ["text", "json"] as const) {
        const lines = yield* linesOf({ format }, Effect.annotateLogs(Effect.logInfo("values", values), values))
        assert.strictEqual(lines.length, 1)
        assert.notInclude(lines[0] ?? "", "hunter2")
      }
    }),
  )
})
