import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import { ServerFault } from "../../../../src/effects/client/api-error.ts"
import type { LeaseOptions } from "../../../../src/effects/leader-election/candidate.ts"
import { acquireLease } from "../../../../src/effects/leader-election/leader-election.ts"
import { leaseResource, microTime, readLease } from "../../../../src/effects/leader-election/lease.ts"
import { leaseOptions, leaseRef, storedLease, theirLease } from "../../../support/lease.ts"
import { apiError, type Call, makeMemoryClient } from "../../../support/memory-client.ts"

/** Acquired in a scope of its own, to be closed by hand. */
const acquireIn = Effect.fnUntraced(function* (lease: LeaseOptions) {
  const scope = yield* Scope.make()
  const held = yield* Scope.provide(acquireLease(lease), scope)
  return { held, close: Scope.close(scope, Exit.void) }
})

const failWrites = {
  before: (call: Call) =>
    call.verb === "update"
      ? Effect.fail(apiError(call, new ServerFault({ status: 500, resourceVersionTooLarge: false })))
      : Effect.void,
}

/** Milliseconds from outside; who sleeps by it sleeps for ever. */
const frozenClock = (wall: () => number, monotonic: () => number): Clock.Clock => {
  const wallNanos = () => BigInt(wall()) * 1_000_000n
  const monotonicNanos = () => BigInt(monotonic()) * 1_000_000n
  return {
    currentTimeMillisUnsafe: wall,
    currentTimeMillis: Effect.sync(wall),
    currentTimeNanosUnsafe: wallNanos,
    currentTimeNanos: Effect.sync(wallNanos),
    monotonicTimeNanosUnsafe: monotonicNanos,
    monotonicTimeNanos: Effect.sync(monotonicNanos),
    sleep: () => Effect.never,
  }
}

describe("holding the Lease", () => {
  it.effect("renews every 5 s with what the annotations are then", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      let version = 1
      const held = yield* acquireLease(leaseOptions(client, { annotations: () => ({ version: String(version) }) }))
      version = 2
      yield* TestClock.adjust(4_999)
      assert.strictEqual(readLease(storedLease(client)).renewTime, microTime(0))
      yield* TestClock.adjust(1)
      assert.strictEqual(readLease(storedLease(client)).renewTime, microTime(5_000))
      assert.strictEqual(storedLease(client).metadata.annotations?.["version"], "2")
      yield* TestClock.adjust("1 hour")
      assert.isTrue(held.isHeld())
      assert.strictEqual(readLease(storedLease(client)).transitions, 0)
      assert.deepStrictEqual(held.current(), storedLease(client))
    }),
  )

  it.effect("renews over an annotation that somebody else wrote meanwhile, and keeps it", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      const held = yield* acquireLease(leaseOptions(client))
      client.put(leaseResource, {
        ...storedLease(client),
        metadata: { ...storedLease(client).metadata, annotations: { allow: "yes" } },
      })
      yield* TestClock.adjust(5_000)
      assert.strictEqual(readLease(storedLease(client)).renewTime, microTime(5_000))
      assert.deepStrictEqual(held.current().metadata.annotations, { allow: "yes" })
    }),
  )

  it.effect("creates a Lease that was deleted anew", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      const held = yield* acquireLease(leaseOptions(client))
      client.remove(leaseResource, leaseRef)
      yield* TestClock.adjust(5_000)
      assert.strictEqual(readLease(storedLease(client)).holder, "me")
      assert.isTrue(held.isHeld())
    }),
  )

  it.effect("outlives errors shorter than the deadline, an answer that got lost among them", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      const held = yield* acquireLease(leaseOptions(client))
      client.fault = { after: (call) => (call.verb === "update" ? Effect.never : Effect.void) }
      yield* TestClock.adjust(7_000)
      client.fault = {}
      yield* TestClock.adjust("1 minute")
      assert.isTrue(held.isHeld())
    }),
  )

  for (const [what, fault] of [
    ["errors", failWrites],
    ["silence", { before: () => Effect.never }],
  ] as const) {
    it.effect(`is lost 10 s after the last renewal: ${what}`, () =>
      Effect.gen(function* () {
        const client = makeMemoryClient()
        const held = yield* acquireLease(leaseOptions(client))
        yield* TestClock.adjust(5_000)
        client.fault = fault
        const lost = yield* Effect.forkChild(held.lost)
        yield* TestClock.adjust(9_999)
        assert.isTrue(held.isHeld())
        assert.isUndefined(lost.pollUnsafe())
        yield* TestClock.adjust(1)
        assert.isFalse(held.isHeld())
        yield* Fiber.join(lost)
        client.fault = {}
        yield* TestClock.adjust("1 minute")
        assert.isFalse(held.isHeld())
      }),
    )
  }

  for (const jump of ["wall clock", "monotonic clock"] as const) {
    it.effect(`is not held by time alone, though no timer fired, and never again: ${jump}`, () =>
      Effect.gen(function* () {
        const now = { "wall clock": 0, "monotonic clock": 0 }
        const frozen = frozenClock(
          () => now["wall clock"],
          () => now["monotonic clock"],
        )
        const held = yield* Effect.provideService(acquireLease(leaseOptions(makeMemoryClient())), Clock.Clock, frozen)
        now[jump] = 9_999
        assert.isTrue(held.isHeld())
        now[jump] = 10_000
        assert.isFalse(held.isHeld())
        now[jump] = 0
        assert.isFalse(held.isHeld())
      }),
    )
  }

  it.effect("is lost with the defect that ends its renewing, and not held any more", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      let writes = 0
      const annotations = () => {
        if (writes++ > 0) throw new Error("a fault of ours")
        return {}
      }
      const { held } = yield* acquireIn(leaseOptions(client, { annotations }))
      const lost = yield* Effect.forkChild(Effect.exit(held.lost), { startImmediately: true })
      yield* TestClock.adjust("5 seconds")
      const exit = yield* Fiber.join(lost)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.isFalse(held.isHeld())
    }),
  )

  it.effect("is lost as soon as another holder is seen, and leaves that one alone", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      const { held, close } = yield* acquireIn(leaseOptions(client))
      client.put(leaseResource, theirLease(microTime(4_000)))
      yield* TestClock.adjust(5_000)
      assert.isFalse(held.isHeld())
      yield* held.lost
      yield* close
      assert.strictEqual(readLease(storedLease(client)).holder, "they")
    }),
  )
})

describe("giving the Lease back", () => {
  it.effect("empties the holder and keeps the rest", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      const { close } = yield* acquireIn(leaseOptions(client, { annotations: () => ({ a: "1" }) }))
      yield* TestClock.adjust(1_000)
      yield* close
      assert.deepStrictEqual(storedLease(client)["spec"], {
        holderIdentity: "",
        leaseDurationSeconds: 1,
        acquireTime: microTime(0),
        renewTime: microTime(1_000),
        leaseTransitions: 0,
      })
      assert.deepStrictEqual(storedLease(client).metadata.annotations, { a: "1" })
    }),
  )

  it.effect("does so although somebody wrote meanwhile", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      const { close } = yield* acquireIn(leaseOptions(client))
      client.put(leaseResource, storedLease(client))
      yield* close
      assert.strictEqual(readLease(storedLease(client)).holder, "")
    }),
  )

  it.effect("gives up after 1 s", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      const working = yield* Effect.forkChild(
        Effect.scoped(Effect.andThen(acquireLease(leaseOptions(client)), Effect.never)),
      )
      yield* TestClock.adjust(1)
      client.fault = { before: () => Effect.never }
      const closing = yield* Effect.forkChild(Fiber.interrupt(working))
      yield* TestClock.adjust(999)
      assert.isUndefined(closing.pollUnsafe())
      yield* TestClock.adjust(1)
      yield* Fiber.join(closing)
    }),
  )

  it.effect("does nothing once it is lost", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      const { close, held } = yield* acquireIn(leaseOptions(client))
      client.fault = failWrites
      yield* TestClock.adjust(10_000)
      yield* held.lost
      client.fault = {}
      const before = client.calls.length
      yield* close
      assert.strictEqual(client.calls.length, before)
    }),
  )

  it.effect("also when it was interrupted while the answer to its first write was on its way", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      client.fault = { after: (call) => (call.verb === "create" ? Effect.never : Effect.void) }
      const starting = yield* Effect.forkChild(Effect.scoped(acquireLease(leaseOptions(client))))
      yield* TestClock.adjust(1)
      assert.strictEqual(readLease(storedLease(client)).holder, "me")
      yield* Fiber.interrupt(starting)
      assert.strictEqual(readLease(storedLease(client)).holder, "")
    }),
  )
})
