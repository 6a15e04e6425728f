import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scheduler, Scope } from "effect"
import { TestClock } from "effect/testing"
import { makeWorkQueue } from "../../../../src/effects/controller/work-queue.ts"
import { takeAll } from "./take-all.ts"

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
