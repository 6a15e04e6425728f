/** What becomes of lines while nobody reads them. */
import { assert, it } from "@effect/vitest"
import { type Duration, Effect, Exit, Fiber, Latch, Scope } from "effect"
import { TestClock } from "effect/testing"
import { makeNarrator } from "../../../src/plugin/output/line-writer.ts"
import { Terminal } from "../../../src/plugin/output/terminal.ts"

/** A terminal that takes lines only while its `reader` is open. */
const stoppable = Effect.fnUntraced(function* (patience?: Duration.Input) {
  const reader = yield* Latch.make(true)
  const read: Array<string> = []
  const take = (text: string) =>
    Effect.andThen(
      reader.await,
      Effect.sync(() => void read.push(text)),
    )
  const style = { color: false, unicode: true }
  const terminal = Terminal.of({
    out: take,
    err: take,
    outStyle: style,
    errStyle: style,
    outColumns: undefined,
    errColumns: undefined,
  })
  const narrator = yield* Effect.provideService(makeNarrator("text", patience), Terminal, terminal)
  return { reader, read, narrator }
})

it.effect("writes in order what is said from callbacks", () =>
  Effect.gen(function* () {
    const { read, narrator } = yield* stoppable()
    narrator.say("a\n")
    narrator.warn("b")
    narrator.say("c\n")
    yield* narrator.flush
    assert.deepStrictEqual(read, ["a\n", "Warning: b\n", "c\n"])
  }),
)

it.effect("holds up who has more to say while nobody reads, and loses no line", () =>
  Effect.gen(function* () {
    const { reader, read, narrator } = yield* stoppable()
    yield* reader.close
    let said = 0
    const speaker = yield* Effect.forkChild(
      Effect.forEach(
        Array.from({ length: 5000 }),
        (_, index) =>
          Effect.andThen(
            narrator.ready,
            Effect.sync(() => {
              narrator.say(`${index}\n`)
              said += 1
            }),
          ),
        { discard: true },
      ),
      { startImmediately: true },
    )
    // A speaker that nothing holds up would be done by then.
    for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow
    assert.strictEqual(said, 1000)
    yield* reader.open
    yield* Fiber.join(speaker)
    yield* narrator.flush
    assert.deepStrictEqual(
      read,
      Array.from({ length: 5000 }, (_, index) => `${index}\n`),
    )
  }),
)

it.effect("counts the warnings that it leaves out while nobody reads", () =>
  Effect.gen(function* () {
    const { reader, read, narrator } = yield* stoppable()
    yield* reader.close
    for (let index = 0; index < 100_000; index++) narrator.warn(String(index))
    yield* reader.open
    yield* narrator.flush
    yield* narrator.flush
    assert.strictEqual(read.length, 2001)
    assert.strictEqual(read.at(-1), "Warning: 98000 warnings were left out while nobody read\n")
  }),
)

/** Says a line that nobody reads yet, and begins to close. */
const closing = Effect.fnUntraced(function* (patience?: Duration.Input) {
  const scope = yield* Scope.make()
  const { reader, read, narrator } = yield* Scope.provide(stoppable(patience), scope)
  yield* reader.close
  narrator.say("last words\n")
  const closed = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
  return { reader, read, closed }
})

it.effect("closes when its patience is over, though nobody has read the last line", () =>
  Effect.gen(function* () {
    const { read, closed } = yield* closing("1 second")
    yield* TestClock.adjust("1 second")
    yield* Fiber.join(closed)
    assert.deepStrictEqual(read, [])
  }),
)

it.effect("without such a limit, waits for whoever reads the last line", () =>
  Effect.gen(function* () {
    const { reader, read, closed } = yield* closing()
    yield* TestClock.adjust("1 hour")
    assert.isUndefined(closed.pollUnsafe())
    yield* reader.open
    yield* Fiber.join(closed)
    assert.deepStrictEqual(read, ["last words\n"])
  }),
)
