import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import type { Action } from "../../../../src/sync/engine/actions.ts"
import { secrets } from "../../../../src/sync/resources.ts"
import { makeWriteBrake } from "../../../../src/sync/engine/write-limiter.ts"

const action: Action = {
  _tag: "Create",
  side: "virtual",
  resource: secrets,
  body: { apiVersion: "v1", kind: "Secret", metadata: { name: "s", namespace: "default" } },
}

describe("the write brake", () => {
  it.effect("stops the eleventh equal write, and lets one go every half minute", () =>
    Effect.gen(function* () {
      let now = 0
      const brake = makeWriteBrake(() => now)
      let writes = 0
      const write = brake.allow(
        "key",
        action,
        Effect.sync(() => {
          writes += 1
        }),
      )
      for (let turn = 0; turn < 20; turn += 1) yield* Effect.exit(write)
      assert.strictEqual(writes, 10)
      assert.include((yield* Effect.flip(write)).message, "virtual Secret default/s")
      now = 30_000
      yield* write
      assert.isTrue(Exit.isFailure(yield* Effect.exit(write)))
      assert.strictEqual(writes, 11)
    }),
  )

  it.effect("takes the same status for the same write, whatever it is written over", () =>
    Effect.gen(function* () {
      const brake = makeWriteBrake(() => 0)
      const status = (resourceVersion: string, ready: boolean): Action => ({
        _tag: "Status",
        side: "virtual",
        resource: secrets,
        current: { ...action.body, metadata: { ...action.body.metadata, resourceVersion } },
        status: { ready },
      })
      for (let turn = 0; turn < 10; turn += 1) yield* brake.allow("key", status(`${turn}`, true), Effect.void)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(brake.allow("key", status("10", true), Effect.void))))
      yield* brake.allow("key", status("10", false), Effect.void)
    }),
  )

  it.effect("stops a fight over a status, whose conditions bear another time each second", () =>
    Effect.gen(function* () {
      let now = 0
      const brake = makeWriteBrake(() => now)
      let writes = 0
      const write = Effect.sync(() => (writes += 1))
      const refused = (second: number): Action => ({
        _tag: "Status",
        side: "virtual",
        resource: secrets,
        current: action.body,
        status: {
          conditions: [
            {
              type: "Ready",
              status: "False",
              lastTransitionTime: new Date(second * 1000).toISOString(),
              message: "no",
            },
          ],
        },
      })
      for (let second = 0; second < 60; second += 1) {
        now = second * 1000
        yield* Effect.exit(brake.allow("key", refused(second), write))
      }
      assert.strictEqual(writes, 11)
    }),
  )

  it.effect("lets every refresh of ESO's go, however often it comes", () =>
    Effect.gen(function* () {
      const brake = makeWriteBrake(() => 0)
      const refreshed = (turn: number): Action => ({
        _tag: "Status",
        side: "virtual",
        resource: secrets,
        current: action.body,
        status: { refreshTime: new Date(turn * 10_000).toISOString(), conditions: [{ type: "Ready", status: "True" }] },
      })
      for (let turn = 0; turn < 50; turn += 1) yield* brake.allow("key", refreshed(turn), Effect.void)
    }),
  )

  it.effect("stops no second write because a clock went back", () =>
    Effect.gen(function* () {
      let now = 3_600_000
      const brake = makeWriteBrake(() => now)
      yield* brake.allow("key", action, Effect.void)
      yield* brake.allow("key", action, Effect.void)
      now = 0
      yield* brake.allow("key", action, Effect.void)
    }),
  )

  it.effect("a write that fails undoes nobody's: an outage is no fight", () =>
    Effect.gen(function* () {
      const brake = makeWriteBrake(() => 0)
      for (let turn = 0; turn < 50; turn += 1)
        assert.strictEqual(yield* Effect.flip(brake.allow("key", action, Effect.fail("down"))), "down")
      yield* brake.allow("key", action, Effect.void)
    }),
  )
})
