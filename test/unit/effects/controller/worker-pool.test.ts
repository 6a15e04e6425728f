import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { runController } from "../../../../src/effects/controller/worker-pool.ts"
import { makeWorkQueue } from "../../../../src/effects/controller/work-queue.ts"

class NotYet extends Schema.TaggedError<NotYet>()("NotYet", {}) {
  override readonly message = "not yet"
}

type Failure = readonly [key: string, cause: string, attempts: number]

const collect = () => {
  const failures: Array<Failure> = []
  return { failures, onError: (...failure: Failure) => void failures.push(failure) }
}

describe("controller", () => {
  it.effect("reconciles every key, and forgets the failures of one that succeeds", () =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue()
      const { failures, onError } = collect()
      const seen: Array<string> = []
      const reconcile = (key: string) =>
        Effect.suspend(() => {
          seen.push(key)
          return key === "a/2" && queue.failures(key) < 2 ? new NotYet() : Effect.void
        })
      yield* Effect.forkScoped(runController({ queue, workers: 2, reconcile, onError }))
      queue.add("a/1")
      queue.add("a/2")
      yield* TestClock.adjust("1 minute")
      yield* queue.idle
      assert.deepStrictEqual(seen, ["a/1", "a/2", "a/2", "a/2"])
      assert.deepStrictEqual(failures, [
        ["a/2", "not yet", 1],
        ["a/2", "not yet", 2],
      ])
      assert.strictEqual(queue.failures("a/2"), 0)
    }),
  )

  it.effect("outlives defects, thrown errors and an onError that throws", () =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue()
      const causes: Array<string> = []
      const good: Array<string> = []
      const reconcile = (key: string): Effect.Effect<void> => {
        if (queue.failures(key) > 0) return Effect.sync(() => void good.push(key))
        if (key === "thrown") throw new Error("thrown while it was built")
        if (key === "interrupted") return Effect.interrupt
        return Effect.die(new Error("a bug"))
      }
      const onError = (_key: string, cause: string) => {
        causes.push(cause)
        throw new Error("bad observer")
      }
      yield* Effect.forkScoped(runController({ queue, workers: 1, reconcile, onError }))
      for (const key of ["thrown", "bug", "interrupted"]) queue.add(key)
      yield* TestClock.adjust("1 second")
      yield* queue.idle
      assert.deepStrictEqual(causes.toSorted(), ["a bug", "interrupted", "thrown while it was built"])
      assert.deepStrictEqual(good.toSorted(), ["bug", "interrupted", "thrown"])
    }),
  )

  it.effect("works on as many keys at once as it has workers, and never twice on one", () =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue()
      const gate = yield* Deferred.make<void>()
      const inWork: Array<string> = []
      const reconcile = (key: string) =>
        Effect.andThen(
          Effect.sync(() => inWork.push(key)),
          Deferred.await(gate),
        )
      yield* Effect.forkScoped(runController({ queue, workers: 3, reconcile, onError: (key) => assert.fail(key) }))
      for (const key of ["a/1", "a/2", "a/3", "a/4"]) queue.add(key)
      yield* TestClock.adjust(1)
      queue.add("a/1")
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(inWork, ["a/1", "a/2", "a/3"])
      yield* Deferred.succeed(gate, undefined)
      yield* queue.idle
      assert.deepStrictEqual(inWork.toSorted(), ["a/1", "a/1", "a/2", "a/3", "a/4"])
    }),
  )

  it.effect("interrupts the reconcile when it is stopped, gives the key back, and calls that no failure", () =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue()
      const { failures, onError } = collect()
      const started = yield* Deferred.make<void>()
      let cleanedUp = false
      const reconcile = () =>
        Effect.andThen(Deferred.succeed(started, undefined), Effect.never).pipe(
          Effect.onInterrupt(() => Effect.sync(() => (cleanedUp = true))),
        )
      const running = yield* Effect.forkChild(runController({ queue, workers: 2, reconcile, onError }))
      queue.add("a/1")
      yield* Deferred.await(started)
      yield* Fiber.interrupt(running)
      assert.isTrue(cleanedUp)
      assert.deepStrictEqual(failures, [])
      assert.deepStrictEqual(queue.size(), { queued: 0, processing: 0, delayed: 0 })
    }),
  )
})
