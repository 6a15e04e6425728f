import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Forbidden, ServerFault } from "../../../../src/effects/client/api-error.ts"
import { acquireLease } from "../../../../src/effects/leader-election/leader-election.ts"
import { leaseResource, microTime, readLease } from "../../../../src/effects/leader-election/lease.ts"
import { leaseOptions, leaseRef, storedLease, theirLease } from "../../../support/lease.ts"
import { apiError, makeMemoryClient } from "../../../support/memory-client.ts"

describe("taking the Lease", () => {
  it.effect("creates it, with labels and annotations", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      yield* TestClock.setTime(Date.parse("2026-01-02T03:04:05.678Z"))
      const held = yield* acquireLease(
        leaseOptions(client, { annotations: () => ({ a: "1", b: "" }), labels: { app: "vcluster-es" } }),
      )
      assert.isTrue(held.isHeld())
      const { resourceVersion: _, uid: __, ...metadata } = storedLease(client).metadata
      assert.deepStrictEqual(metadata, { ...leaseRef, labels: { app: "vcluster-es" }, annotations: { a: "1" } })
      assert.deepStrictEqual(storedLease(client)["spec"], {
        holderIdentity: "me",
        leaseDurationSeconds: 15,
        acquireTime: "2026-01-02T03:04:05.678000Z",
        renewTime: "2026-01-02T03:04:05.678000Z",
        leaseTransitions: 0,
      })
      assert.deepStrictEqual(held.current(), storedLease(client))
    }),
  )

  it.effect("fails while another holder's time runs, telling who and since when", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      client.put(leaseResource, theirLease(microTime(0)))
      yield* TestClock.adjust(14_999)
      const error = yield* Effect.flip(acquireLease(leaseOptions(client)))
      assert.strictEqual(error._tag, "LeaseHeld")
      assert.strictEqual(error.message, "lease team-x/sync is held by they (renewed at 1970-01-01T00:00:00.000000Z)")
      assert.deepStrictEqual(
        client.calls.map(({ verb }) => verb),
        ["get"],
      )
    }),
  )

  it.effect("takes over what has expired, and keeps what is not ours", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      client.put(leaseResource, theirLease(microTime(0)))
      yield* TestClock.adjust(75_000)
      yield* acquireLease(
        leaseOptions(client, { annotations: () => ({ mine: "new", gone: "" }), leaseDurationMs: 20_000 }),
      )
      assert.deepStrictEqual(storedLease(client).metadata.annotations, { theirs: "kept", empty: "", mine: "new" })
      assert.deepStrictEqual(storedLease(client).metadata.labels, { team: "x" })
      assert.deepStrictEqual(storedLease(client)["spec"], {
        holderIdentity: "me",
        leaseDurationSeconds: 20,
        acquireTime: microTime(75_000),
        renewTime: microTime(75_000),
        leaseTransitions: 5,
        strategy: "OldestEmulationVersion",
      })
    }),
  )

  it.effect("counts the duration that the holder wrote, not ours", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      client.put(leaseResource, theirLease(microTime(0), { leaseDurationSeconds: 60 }))
      yield* TestClock.adjust(59_999)
      assert.strictEqual((yield* Effect.flip(acquireLease(leaseOptions(client))))._tag, "LeaseHeld")
      yield* TestClock.adjust(60_001)
      assert.isTrue((yield* acquireLease(leaseOptions(client))).isHeld())
    }),
  )

  it.effect("watches for one duration whether a holder that seems to have expired only has a slow clock", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      client.put(leaseResource, theirLease(microTime(0)))
      yield* TestClock.adjust(20_000)
      const dead = yield* Effect.forkChild(acquireLease(leaseOptions(client)), { startImmediately: true })
      yield* TestClock.adjust(14_000)
      assert.isUndefined(dead.pollUnsafe())
      yield* TestClock.adjust(2_000)
      assert.isTrue((yield* Fiber.join(dead)).isHeld())

      client.put(leaseResource, theirLease(microTime(10_000)))
      const alive = yield* Effect.forkChild(Effect.flip(acquireLease(leaseOptions(client))), { startImmediately: true })
      for (let renewal = 1; renewal < 5; renewal++) {
        yield* TestClock.adjust(5_000)
        client.put(leaseResource, theirLease(microTime(10_000 + renewal * 5_000)))
      }
      assert.strictEqual((yield* Fiber.join(alive))._tag, "LeaseHeld")
      assert.strictEqual(readLease(storedLease(client)).holder, "they")
    }),
  )

  it.effect("takes a released Lease at once", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      client.put(leaseResource, theirLease(microTime(0), { holderIdentity: "" }))
      yield* acquireLease(leaseOptions(client))
      assert.strictEqual(readLease(storedLease(client)).holder, "me")
    }),
  )

  it.effect("gives exactly one of two candidates the Lease", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      // Both have looked before either writes.
      client.fault = { after: (call) => (call.verb === "get" ? Effect.sleep(10) : Effect.void) }
      const both = yield* Effect.forkChild(
        Effect.forEach(["one", "two"], (identity) => Effect.exit(acquireLease(leaseOptions(client, { identity }))), {
          concurrency: "unbounded",
        }),
      )
      for (let turn = 0; turn < 3; turn++) yield* TestClock.adjust(10)
      client.fault = {}
      const exits = yield* Fiber.join(both)
      assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
      assert.strictEqual(client.calls.filter(({ verb }) => verb === "create").length, 2)
    }),
  )

  it.effect("reports an error of the server", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      client.fault = { before: (call) => Effect.fail(apiError(call, new Forbidden({}))) }
      const error = yield* Effect.flip(acquireLease(leaseOptions(client, { wait: true })))
      assert.strictEqual(error._tag, "ApiError")
    }),
  )
})

describe("waiting for the Lease", () => {
  it.effect("tells every holder once, outlives passing errors, and takes it when it is released", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      const told: Array<string> = []
      const onWaiting = (holder: string) => Effect.sync(() => void told.push(holder))
      client.put(leaseResource, theirLease(microTime(0)))
      const waiting = yield* Effect.forkChild(acquireLease(leaseOptions(client, { wait: true, onWaiting })))
      yield* TestClock.adjust(5_000)
      client.put(leaseResource, theirLease(microTime(5_000), { holderIdentity: "others" }))
      yield* TestClock.adjust(5_000)
      client.fault = {
        before: (call) => Effect.fail(apiError(call, new ServerFault({ status: 503, resourceVersionTooLarge: false }))),
      }
      yield* TestClock.adjust(5_000)
      client.fault = {}
      client.put(leaseResource, theirLease(microTime(10_000), { holderIdentity: "" }))
      yield* TestClock.adjust(2_000)
      assert.isTrue((yield* Fiber.join(waiting)).isHeld())
      assert.deepStrictEqual(told, ["they", "others"])
    }),
  )

  it.effect("does not take from a holder that renews, though its clock is slow", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      yield* TestClock.setTime(1_000_000)
      client.put(leaseResource, theirLease(microTime(990_000)))
      const waiting = yield* Effect.forkChild(acquireLease(leaseOptions(client, { wait: true })))
      for (let renewal = 1; renewal < 20; renewal++) {
        yield* TestClock.adjust(5_000)
        client.put(leaseResource, theirLease(microTime(980_000 + renewal * 5_000)))
      }
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust(14_000)
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust(6_000)
      assert.isTrue((yield* Fiber.join(waiting)).isHeld())
    }),
  )

  it.effect("does not wait an hour for a dead holder whose clock was fast", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      client.put(leaseResource, theirLease(microTime(3_600_000), { leaseDurationSeconds: 60 }))
      const waiting = yield* Effect.forkChild(acquireLease(leaseOptions(client, { wait: true })))
      yield* TestClock.adjust(59_000)
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust(2_000)
      assert.isTrue((yield* Fiber.join(waiting)).isHeld())
    }),
  )
})
