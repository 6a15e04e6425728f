import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Expired, Forbidden, Unreachable } from "../../../../src/effects/client/api-error.ts"
import { added, bookmark, deleted, listEnd, modified } from "../../../support/scripted-client.ts"
import { object, pass, start, startSynced } from "../../../support/scripted-reflector.ts"

const refused = new Unreachable({ code: "ECONNREFUSED" })

describe("the first list", () => {
  it.effect("is streamed, and counts only when it is complete", () =>
    Effect.gen(function* () {
      const { script, reflector, told, untold } = yield* start()
      const watch = yield* script.nextWatch
      assert.isTrue(watch.options.sendInitialEvents)
      assert.isUndefined(watch.options.resourceVersion)
      assert.strictEqual(watch.options.namespace, "team")
      assert.isAtLeast(watch.options.timeoutSeconds ?? 0, 300)
      assert.isAtMost(watch.options.timeoutSeconds ?? 0, 600)

      watch.send(
        added(object("a", "1")),
        added(object("b", "2")),
        modified(object("a", "3")),
        deleted(object("b", "4")),
      )
      yield* pass("1 second")
      assert.isFalse(reflector.isSynced())
      assert.strictEqual(reflector.store.size(), 0)
      assert.strictEqual(untold(), 0)
      assert.strictEqual(reflector.resourceVersion(), "")

      watch.send(listEnd("10"))
      yield* reflector.synced
      yield* reflector.syncedOrFailed
      assert.deepStrictEqual(yield* told(1), ["+a@3"])
      assert.isTrue(reflector.isSynced())
      assert.isTrue(reflector.state().connected)
      assert.strictEqual(reflector.resourceVersion(), "10")
    }),
  )

  it.effect("is in the store as a whole before its first delta is told", () =>
    Effect.gen(function* () {
      const sizes: Array<number> = []
      const { script, reflector } = yield* start({ onDelta: () => void sizes.push(reflector.store.size()) })
      const watch = yield* script.nextWatch
      watch.send(added(object("a", "1")), added(object("b", "2")), listEnd("10"))
      yield* reflector.synced
      assert.deepStrictEqual(sizes, [2, 2])
    }),
  )

  it.effect("fails at once where waiting does not help, and is tried again all the same", () =>
    Effect.gen(function* () {
      const { script, reflector } = yield* start()
      const watch = yield* script.nextWatch
      const waiter = yield* Effect.forkChild(Effect.flip(reflector.syncedOrFailed))
      watch.fail(new Forbidden({}))
      assert.strictEqual((yield* Fiber.join(waiter)).reason._tag, "Forbidden")
      assert.strictEqual(reflector.state().lastError?.reason._tag, "Forbidden")
      assert.isFalse(reflector.state().connected)
      yield* pass("1600 millis")
      const second = yield* script.nextWatch
      second.send(listEnd("1"))
      yield* reflector.synced
      yield* reflector.syncedOrFailed
      assert.isUndefined(reflector.state().lastError)
    }),
  )

  it.effect("does not fail at a later attempt for a reason that would have counted at the first", () =>
    Effect.gen(function* () {
      const { script, reflector } = yield* start()
      const waiter = yield* Effect.forkChild(reflector.syncedOrFailed)
      const watch = yield* script.nextWatch
      script.refuseWatches(new Forbidden({}))
      watch.fail(refused)
      yield* pass("1600 millis")
      yield* pass("3200 millis")
      const third = yield* script.nextWatch
      assert.strictEqual(script.opened(), 3)
      third.send(listEnd("1"))
      yield* Fiber.join(waiter)
      assert.isTrue(reflector.isSynced())
    }),
  )

  it.effect("fails after four attempts where waiting might help", () =>
    Effect.gen(function* () {
      const { script, reflector } = yield* start()
      const waiter = yield* Effect.forkChild(Effect.flip(reflector.syncedOrFailed))
      const watch = yield* script.nextWatch
      script.refuseWatches(refused, refused, refused)
      watch.fail(refused)
      yield* pass("1600 millis")
      yield* pass("3200 millis")
      assert.isUndefined(waiter.pollUnsafe())
      yield* pass("6400 millis")
      assert.strictEqual((yield* Fiber.join(waiter)).reason._tag, "Unreachable")
      assert.strictEqual(script.opened(), 4)
    }),
  )
})

describe("a watch", () => {
  it.effect("changes the store event by event", () =>
    Effect.gen(function* () {
      const { reflector, watch, told, names } = yield* startSynced()
      watch.send(added(object("c", "11")), modified(object("a", "12")), deleted(object("b", "13")))
      assert.deepStrictEqual(yield* told(3), ["+c@11", "+a@12", "-b"])
      assert.deepStrictEqual(names(), ["a", "c"])
      assert.strictEqual(reflector.resourceVersion(), "13")
    }),
  )

  it.effect("goes on from the last bookmark after a normal end", () =>
    Effect.gen(function* () {
      const { script, reflector, watch, told } = yield* startSynced()
      watch.send(modified(object("a", "11")), bookmark("50"))
      watch.end()
      yield* pass("1 second")
      const next = yield* script.nextWatch
      assert.strictEqual(next.options.resourceVersion, "50")
      assert.isUndefined(next.options.sendInitialEvents)
      assert.isTrue(reflector.state().connected)
      next.send(modified(object("a", "51")))
      assert.deepStrictEqual(yield* told(2), ["+a@11", "+a@51"])
    }),
  )

  it.effect("is opened at most once a second, however often it ends", () =>
    Effect.gen(function* () {
      const { script, watch } = yield* startSynced()
      watch.end()
      yield* pass("990 millis")
      assert.strictEqual(script.opened(), 1)
      yield* pass("10 millis")
      assert.strictEqual(script.opened(), 2)
    }),
  )

  it.effect("that ends within a second without an event is a failure, and what follows is a list", () =>
    Effect.gen(function* () {
      const { script, reflector, watch } = yield* startSynced()
      yield* pass("1 minute")
      watch.end()
      const next = yield* script.nextWatch
      next.end()
      yield* pass("790 millis")
      assert.strictEqual(script.opened(), 2)
      assert.isFalse(reflector.state().connected)
      assert.include(reflector.state().lastError?.message, "ended at once")
      yield* pass("810 millis")
      assert.isTrue((yield* script.nextWatch).options.sendInitialEvents)
    }),
  )

  it.effect("that answers 410 leads to a list at once, which finds what was deleted meanwhile", () =>
    Effect.gen(function* () {
      const { script, reflector, watch, told, names } = yield* startSynced()
      yield* pass("1 minute")
      watch.fail(new Expired())
      const next = yield* script.nextWatch
      assert.isTrue(next.options.sendInitialEvents)
      next.send(added(object("a", "1")), added(object("c", "15")))
      yield* pass("1 second")
      assert.deepStrictEqual(names(), ["a", "b"], "readers keep the old state while a list runs")
      next.send(listEnd("20"))
      assert.deepStrictEqual(yield* told(2), ["-b unseen", "+c@15"])
      assert.strictEqual(reflector.resourceVersion(), "20")
    }),
  )

  it.effect("does not list without a pause where every list expires at once", () =>
    Effect.gen(function* () {
      const { script, watch } = yield* startSynced()
      watch.fail(new Expired())
      yield* pass("790 millis")
      assert.strictEqual(script.opened(), 1)
      yield* pass("810 millis")
      assert.strictEqual(script.opened(), 2)
    }),
  )

  it.effect("that breaks is never resumed: a version of the future would be silent", () =>
    Effect.gen(function* () {
      const { script, reflector, watch } = yield* startSynced()
      watch.send(bookmark("50"))
      yield* pass("10 seconds")
      watch.fail(new Unreachable({ code: "ECONNRESET" }))
      yield* pass("1600 millis")
      const next = yield* script.nextWatch
      assert.isTrue(next.options.sendInitialEvents)
      assert.isUndefined(next.options.resourceVersion)
      assert.isFalse(reflector.state().connected)
      assert.isTrue(reflector.isSynced())
      next.send(listEnd("7"))
      yield* pass("1 second")
      assert.strictEqual(reflector.resourceVersion(), "7", "of an etcd restored from a backup")
      assert.strictEqual(reflector.store.size(), 0)
    }),
  )

  it.effect("that is silent for three minutes is dead; a bookmark is a sign of life", () =>
    Effect.gen(function* () {
      const { script, reflector, watch } = yield* startSynced()
      yield* pass("2 minutes")
      watch.send(bookmark("11"))
      yield* pass("2 minutes")
      assert.isFalse(watch.isClosed())
      yield* pass("1 minute")
      assert.isTrue(watch.isClosed())
      assert.include(reflector.state().lastError?.message, "silent")
      yield* pass("1600 millis")
      assert.isTrue((yield* script.nextWatch).options.sendInitialEvents)
    }),
  )

  it.effect("ends with the scope", () =>
    Effect.gen(function* () {
      const watch = yield* Effect.scoped(Effect.map(startSynced(), (started) => started.watch))
      assert.isTrue(watch.isClosed())
    }),
  )
})
