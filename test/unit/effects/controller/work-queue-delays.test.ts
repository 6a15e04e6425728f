/** Keys that come back later: when, how, and who waits for them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { makeWorkQueue } from "../../../../src/effects/controller/work-queue.ts"
import { takeAll } from "./take-all.ts"

describe("delays of the work queue", () => {
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
})
