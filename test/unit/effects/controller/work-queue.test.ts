import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scheduler, Scope } from "effect"
import { TestClock } from "effect/testing"
import { makeWorkQueue, type WorkQueue } from "../../../../src/effects/controller/work-queue.ts"

const takeAll = (queue: WorkQueue) =>
  Effect.gen(function* () {
    const keys: Array<string> = []
    while (queue.size().queued > 0) {
      const key = yield* queue.take
      keys.push(key)
      queue.done(key)
    }
    return keys
  })

describe("work queue", () => {
  it.effect("gives a key once, however often it was added", () =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue()
      queue.add("a/1")
      queue.add("a/1")
      queue.add("a/1", "background")
      assert.deepStrictEqual(queue.size(), { queued: 1, processing: 0, delayed: 0 })
      assert.strictEqual(yield* queue.take, "a/1")
      assert.deepStrictEqual(queue.size(), { queued: 0, processing: 1, delayed: 0 })
    }),
  )

  it.effect("gives a key that was added in work once more, after done", () =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue()
      queue.add("a/1")
      yield* queue.take
      queue.add("a/1")
      queue.add("a/1")
      const second = yield* Effect.forkChild(queue.take, { startImmediately: true })
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(second.pollUnsafe())
      queue.done("a/1")
      assert.strictEqual(yield* Fiber.join(second), "a/1")
      queue.done("a/1")
      assert.deepStrictEqual(queue.size(), { queued: 0, processing: 0, delayed: 0 })
    }),
  )

  it.effect("serves live before background, and lifts a background key that becomes live", () =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue()
      for (const key of ["a/1", "a/2", "a/3"]) queue.add(key, "background")
      queue.add("b/1")
      queue.add("a/2")
      queue.add("b/1", "background")
      assert.deepStrictEqual(yield* takeAll(queue), ["b/1", "a/2", "a/1", "a/3"])
    }),
  )

  it.effect("lets groups take turns", () =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue()
      for (const key of ["a/1", "a/2", "a/3", "b/1", "c/1", "b/2"]) queue.add(key)
      assert.deepStrictEqual(yield* takeAll(queue), ["a/1", "b/1", "c/1", "a/2", "b/2", "a/3"])
    }),
  )

  it.effect("groups by a function of the caller's", () =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue({ groupOf: (key) => key.slice(-1) })
      for (const key of ["a/1", "b/1", "c/2"]) queue.add(key)
      assert.deepStrictEqual(yield* takeAll(queue), ["a/1", "c/2", "b/1"])
    }),
  )

  it.effect("adds after a delay, the earliest of several", () =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue()
      queue.addAfter("a/1", 10_000)
      queue.addAfter("a/1", 1_000)
      queue.addAfter("a/1", 5_000)
      queue.addAfter("a/2", 0)
      assert.deepStrictEqual(queue.size(), { queued: 1, processing: 0, delayed: 1 })
      yield* TestClock.adjust(999)
      assert.strictEqual(queue.size().delayed, 1)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(queue.size(), { queued: 2, processing: 0, delayed: 0 })
      assert.deepStrictEqual(yield* takeAll(queue), ["a/2", "a/1"])
      yield* TestClock.adjust(10_000)
      assert.deepStrictEqual(queue.size(), { queued: 0, processing: 0, delayed: 0 })
    }),
  )

  it.effect("backs off per key, doubling, give or take a fifth, up to the limit", () =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue({ baseDelayMs: 1000, maxDelayMs: 60_000 })
      const waits: Array<number> = []
      for (let attempt = 0; attempt < 12; attempt++) {
        queue.retry("a/1")
        let waited = 0
        while (queue.size().delayed > 0) {
          yield* TestClock.adjust(100)
          waited += 100
        }
        waits.push(waited)
        yield* takeAll(queue)
      }
      for (const [attempt, waited] of waits.entries()) {
        const middle = 1000 * 2 ** attempt
        assert.isAtLeast(waited, Math.min(60_000, middle * 0.8))
        assert.isAtMost(waited, Math.min(60_000, middle * 1.2) + 100)
      }
      assert.strictEqual(queue.failures("a/1"), 12)
      assert.strictEqual(queue.failures("a/2"), 0)
      queue.forget("a/1")
      queue.retry("a/1")
      yield* TestClock.adjust(1_200)
      assert.strictEqual(queue.size().queued, 1)
    }),
  )

  it.effect("brings a background key back as background", () =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue()
      queue.add("a/1", "background")
      yield* queue.take
      queue.retry("a/1")
      queue.done("a/1")
      yield* TestClock.adjust(10)
      queue.add("a/2")
      assert.deepStrictEqual(yield* takeAll(queue), ["a/2", "a/1"])
    }),
  )

  it.effect("waits with the next try as long as the server asks", () =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue({ baseDelayMs: 1000, maxDelayMs: 10_000 })
      queue.retry("a/1", 60_000)
      queue.retry("a/2", 1)
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(yield* takeAll(queue), ["a/2"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* takeAll(queue), ["a/1"])
    }),
  )

  it.effect("tries nothing again that has succeeded meanwhile, but looks again at what is to be looked at later", () =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue({ baseDelayMs: 30_000 })
      queue.retry("a/failed")
      queue.retry("a/both")
      queue.addAfter("a/both", 90_000)
      const idle = yield* Effect.forkChild(queue.idle, { startImmediately: true })
      for (const key of ["a/failed", "a/both"]) queue.forget(key)
      assert.deepStrictEqual(queue.size(), { queued: 0, processing: 0, delayed: 1 })
      yield* TestClock.adjust("89 seconds")
      assert.isUndefined(idle.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* takeAll(queue), ["a/both"])
      yield* Fiber.join(idle)
    }),
  )

  it.effect("is idle at once when the only delayed key has succeeded", () =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue({ baseDelayMs: 30_000 })
      queue.add("a/1")
      yield* queue.take
      queue.retry("a/1")
      queue.done("a/1")
      const idle = yield* Effect.forkChild(queue.idle, { startImmediately: true })
      queue.add("a/1")
      yield* queue.take
      queue.forget("a/1")
      queue.done("a/1")
      yield* Fiber.join(idle)
    }),
  )

  it.effect("adds later with the priority that is asked for; live outweighs background", () =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue()
      queue.addAfter("a/hint", 10, "background")
      queue.addAfter("a/both", 10, "live")
      queue.addAfter("a/both", 5, "background")
      yield* TestClock.adjust(10)
      queue.add("a/new")
      assert.deepStrictEqual(yield* takeAll(queue), ["a/both", "a/new", "a/hint"])
    }),
  )

  /** Wherever the scheduler puts a fiber aside: after each number of operations once (below three it would never get on). */
  const putAsideAfter = Array.from({ length: 60 }, (_, operations) => operations + 3)

  const manyTurns = Effect.repeat(Effect.yieldNow, { times: 100 })

  it.effect("loses no wake-up of a taker that was put aside", () =>
    Effect.gen(function* () {
      for (const operations of putAsideAfter) {
        const queue = yield* makeWorkQueue()
        const taker = yield* Effect.forkChild(
          Effect.provideService(queue.take, Scheduler.MaxOpsBeforeYield, operations),
          { startImmediately: true },
        )
        queue.add("a/1")
        yield* manyTurns
        assert.isDefined(taker.pollUnsafe(), `put aside after ${operations} operations`)
      }
    }),
  )

  it.effect("nor of one who waits until it is idle", () =>
    Effect.gen(function* () {
      for (const operations of putAsideAfter) {
        const queue = yield* makeWorkQueue()
        queue.add("a/1")
        yield* queue.take
        const idle = yield* Effect.forkChild(
          Effect.provideService(queue.idle, Scheduler.MaxOpsBeforeYield, operations),
          { startImmediately: true },
        )
        queue.done("a/1")
        yield* manyTurns
        assert.isDefined(idle.pollUnsafe(), `put aside after ${operations} operations`)
      }
    }),
  )

  it.effect("is idle only when nothing is queued, in work or delayed", () =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue()
      yield* queue.idle
      queue.add("a/1")
      const idle = yield* Effect.forkChild(queue.idle, { startImmediately: true })
      yield* queue.take
      queue.retry("a/1")
      queue.done("a/1")
      yield* TestClock.adjust(0)
      assert.isUndefined(idle.pollUnsafe())
      yield* TestClock.adjust(10)
      assert.strictEqual(yield* queue.take, "a/1")
      assert.isUndefined(idle.pollUnsafe())
      queue.done("a/1")
      yield* Fiber.join(idle)
    }),
  )

  it.effect("loses no key to a taker that was interrupted", () =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue()
      const first = yield* Effect.forkChild(queue.take, { startImmediately: true })
      const second = yield* Effect.forkChild(queue.take, { startImmediately: true })
      queue.add("a/1")
      first.interruptUnsafe()
      assert.strictEqual(yield* Fiber.join(second), "a/1")
    }),
  )

  it.effect("runs no taker inside add", () =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue()
      let taken = 0
      const taker = yield* Effect.forkChild(
        Effect.tap(queue.take, () => Effect.sync(() => taken++)),
        { startImmediately: true },
      )
      queue.add("a/1")
      assert.strictEqual(taken, 0)
      assert.strictEqual(yield* Fiber.join(taker), "a/1")
      assert.strictEqual(taken, 1)
    }),
  )

  it.effect("is idle although a stuck key waits, and lets only stuck keys wait for long", () =>
    Effect.gen(function* () {
      const isStuck = (key: string) => key === "a/stuck"
      const queue = yield* makeWorkQueue({ isStuck, baseDelayMs: 1000, maxHopefulDelayMs: 2000 })
      const failAgain = (key: string) => {
        queue.retry(key)
        queue.done(key)
      }
      for (const key of ["a/stuck", "a/hopeful"]) queue.add(key)
      for (let failures = 0; failures < 5; failures++) {
        failAgain(yield* queue.take)
        failAgain(yield* queue.take)
        yield* TestClock.adjust("20 seconds")
      }
      const idle = yield* Effect.forkChild(queue.idle, { startImmediately: true })
      const due = new Set([yield* queue.take, yield* queue.take])
      assert.deepStrictEqual(due, new Set(["a/stuck", "a/hopeful"]))
      for (const key of due) failAgain(key)
      yield* TestClock.adjust("2.4 seconds")
      assert.strictEqual(yield* queue.take, "a/hopeful")
      assert.isUndefined(idle.pollUnsafe())
      assert.deepStrictEqual(queue.size(), { queued: 0, processing: 1, delayed: 1 })
      queue.done("a/hopeful")
      yield* Fiber.join(idle)
    }),
  )

  it.effect("does nothing after its scope was closed", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const queue = yield* Scope.provide(makeWorkQueue(), scope)
      queue.addAfter("a/1", 10)
      yield* Scope.close(scope, Exit.void)
      queue.add("a/2")
      queue.addAfter("a/3", 10)
      queue.retry("a/4")
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(queue.size(), { queued: 0, processing: 0, delayed: 0 })
    }),
  )
})
