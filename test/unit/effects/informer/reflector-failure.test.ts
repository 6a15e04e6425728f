import { assert, describe, it } from "@effect/vitest"
import { Data, Effect, Fiber, Random } from "effect"
import { Expired, Forbidden, NotFound, Throttled, Unreachable } from "../../../../src/effects/client/api-error.ts"
import { added, listEnd } from "../../../support/scripted-client.ts"
import { object, pass, start, startSynced } from "../../../support/scripted-reflector.ts"

const refused = new Unreachable({ code: "ECONNREFUSED" })

const withDice = (dice: number) =>
  Effect.provideService(Random.Random, { nextIntUnsafe: () => 0, nextDoubleUnsafe: () => dice })

class Refusal extends Data.TaggedError("Refusal") {}

describe("after a failure", () => {
  for (const [dice, factor] of [
    [0, 1],
    [0.5, 1.5],
  ] as const) {
    it.effect(`waits 0.8 s, doubled up to 30 s, times ${factor} when the dice show ${dice}`, () =>
      Effect.gen(function* () {
        const { script, watch } = yield* startSynced()
        script.refuseWatches(...Array.from({ length: 7 }, () => refused))
        watch.fail(new Unreachable({}))
        for (const [attempt, seconds] of [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30].entries()) {
          yield* pass(seconds * factor * 1000 - 1)
          assert.strictEqual(script.opened(), attempt + 1)
          yield* pass("1 milli")
          assert.strictEqual(script.opened(), attempt + 2)
        }
      }).pipe(withDice(dice), Effect.scoped),
    )
  }

  it.effect("begins anew with 0.8 s after two good minutes", () =>
    Effect.gen(function* () {
      const { script, watch } = yield* startSynced()
      script.refuseWatches(refused, refused, refused)
      watch.fail(new Unreachable({}))
      yield* pass("12 seconds")
      const next = yield* script.nextWatch
      next.send(listEnd("20"))
      yield* pass("2 minutes")
      next.fail(new Unreachable({}))
      yield* pass("800 millis")
      assert.strictEqual(script.opened(), 6)
    }).pipe(withDice(0), Effect.scoped),
  )

  it.effect("waits as long as the server asks for, within reason", () =>
    Effect.gen(function* () {
      const { script, watch } = yield* startSynced()
      script.refuseWatches(new Throttled({ retryAfterMs: Number.MAX_SAFE_INTEGER }))
      watch.fail(new Throttled({ retryAfterMs: 20_000 }))
      yield* pass("19999 millis")
      assert.strictEqual(script.opened(), 1)
      yield* pass("1 milli")
      assert.strictEqual(script.opened(), 2)
      yield* pass("5 minutes")
      assert.strictEqual(script.opened(), 3)
    }),
  )

  it.effect("keeps the store when the resource is gone, and says so until it is back", () =>
    Effect.gen(function* () {
      const { script, reflector, watch, names, untold } = yield* startSynced()
      watch.fail(new NotFound({ resourceMissing: true }))
      yield* pass("1 milli")
      assert.isTrue(reflector.state().resourceMissing)
      assert.isFalse(reflector.state().connected)
      assert.deepStrictEqual(names(), ["a", "b"])
      yield* pass("1600 millis")
      const next = yield* script.nextWatch
      next.send(added(object("a", "1")), added(object("b", "2")), listEnd("20"))
      yield* pass("1 milli")
      assert.deepStrictEqual(reflector.state(), { connected: true, resourceMissing: false })
      assert.strictEqual(untold(), 0)
    }),
  )

  it.effect("keeps the store when the right to read is lost", () =>
    Effect.gen(function* () {
      const { reflector, watch, names } = yield* startSynced()
      watch.fail(new Forbidden({}))
      yield* pass("1 milli")
      assert.strictEqual(reflector.state().lastError?.reason._tag, "Forbidden")
      assert.isFalse(reflector.state().resourceMissing)
      assert.deepStrictEqual(names(), ["a", "b"])
    }),
  )
})

describe("the guard", () => {
  it.effect("that fails keeps a list out of the store, and is asked again for the next list", () =>
    Effect.gen(function* () {
      let refuses = false
      const asked: Array<string> = []
      const guard = (version: string) =>
        Effect.suspend(() => {
          asked.push(version)
          return refuses ? Effect.fail(new Refusal()) : Effect.void
        })
      const { script, reflector, watch, told, untold, names } = yield* startSynced({ guard })
      refuses = true
      yield* pass("1 minute")
      watch.fail(new Expired())
      const guarded = yield* script.nextWatch
      guarded.send(listEnd("20"))
      yield* pass("1 milli")
      assert.isTrue(guarded.isClosed())
      assert.instanceOf(reflector.state().guardError, Refusal)
      assert.isFalse(reflector.state().connected)
      assert.deepStrictEqual(names(), ["a", "b"])
      assert.strictEqual(untold(), 0)
      assert.strictEqual(reflector.resourceVersion(), "10")

      refuses = false
      yield* pass("1600 millis")
      const accepted = yield* script.nextWatch
      accepted.send(added(object("b", "2")), listEnd("21"))
      assert.deepStrictEqual(yield* told(1), ["-a unseen"])
      assert.deepStrictEqual(reflector.state(), { connected: true, resourceMissing: false })
      assert.deepStrictEqual(asked, ["10", "20", "21"])
    }),
  )

  it.effect("also stands before the first list; four refusals end the wait", () =>
    Effect.gen(function* () {
      const { script, reflector } = yield* start({ guard: () => Effect.fail(new Refusal()) })
      const waiter = yield* Effect.forkChild(Effect.flip(reflector.syncedOrFailed))
      for (const pause of ["1600 millis", "3200 millis", "6400 millis", "12800 millis"] as const) {
        assert.isUndefined(waiter.pollUnsafe())
        const watch = yield* script.nextWatch
        watch.send(added(object("a", "1")), listEnd("10"))
        yield* pass(pause)
      }
      assert.instanceOf(yield* Fiber.join(waiter), Refusal)
      assert.isFalse(reflector.isSynced())
      assert.strictEqual(reflector.store.size(), 0)
    }),
  )
})
