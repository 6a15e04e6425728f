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

  it.effect("a write that fails undoes nobody's: an outage is no fight", () =>
    Effect.gen(function* () {
      const brake = makeWriteBrake(() => 0)
      for (let turn = 0; turn < 50; turn += 1)
        assert.strictEqual(yield* Effect.flip(brake.allow("key", action, Effect.fail("down"))), "down")
      yield* brake.allow("key", action, Effect.void)
    }),
  )
})
