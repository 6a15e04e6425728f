import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { Forbidden } from "../../../../src/effects/client/api-error.ts"
import { acquireLease } from "../../../../src/effects/leader-election/leader-election.ts"
import { valueAt } from "../../../../src/effects/client/unstructured.ts"
import { leaseResource, microTime } from "../../../../src/effects/leader-election/lease.ts"
import { leaseOptions, leaseRef, storedLease, theirLease } from "../../../support/lease.ts"
import { apiError, makeMemoryClient } from "../../../support/memory-client.ts"

const owner = { apiVersion: "v1", kind: "Service", name: "my-vcluster", uid: "uid-1", controller: false }

describe("the owners of the Lease", () => {
  it.effect("are there from the first write on", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      yield* acquireLease(leaseOptions(client, { owners: Effect.succeed([owner]) }))
      assert.deepStrictEqual(storedLease(client).metadata.ownerReferences, [owner])
    }),
  )

  it.effect("are given to a Lease that had none or others, when it is taken; renewals ask nobody", () =>
    Effect.gen(function* () {
      for (const others of [[], [{ ...owner, uid: "uid-of-the-vCluster-before" }]]) {
        const client = makeMemoryClient()
        const free = theirLease(microTime(0), { holderIdentity: "" })
        client.put(leaseResource, { ...free, metadata: { ...free.metadata, ownerReferences: others } })
        let asked = 0
        const owners = Effect.sync(() => {
          asked++
          return [owner]
        })
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* acquireLease(leaseOptions(client, { owners }))
            yield* TestClock.adjust("1 minute")
          }),
        )
        assert.deepStrictEqual(storedLease(client).metadata.ownerReferences, [owner])
        assert.strictEqual(asked, 1)
      }
    }),
  )

  it.effect("are left out where they may not be asked for, or not be changed", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      client.put(leaseResource, theirLease(microTime(0), { holderIdentity: "" }))
      client.fault = {
        before: (call) =>
          call.verb === "update" && valueAt(call.body, "metadata", "ownerReferences") !== undefined
            ? Effect.fail(apiError(call, new Forbidden({})))
            : Effect.void,
      }
      const held = yield* acquireLease(leaseOptions(client, { owners: Effect.succeed([owner]) }))
      assert.isTrue(held.isHeld())
      assert.isUndefined(storedLease(client).metadata.ownerReferences)
    }),
  )

  it.effect("take the Lease with them: it is lost then, and not made anew", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      let owners: ReadonlyArray<typeof owner> = [owner]
      const held = yield* acquireLease(leaseOptions(client, { owners: Effect.sync(() => owners) }))
      owners = []
      client.remove(leaseResource, leaseRef)
      yield* TestClock.adjust("10 seconds")
      assert.isFalse(held.isHeld())
      assert.isUndefined(client.stored(leaseResource, leaseRef))
    }),
  )

  it.effect("are there still when somebody only deleted the Lease: it is made anew", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      const held = yield* acquireLease(leaseOptions(client, { owners: Effect.succeed([owner]) }))
      client.remove(leaseResource, leaseRef)
      yield* TestClock.adjust("10 seconds")
      assert.isTrue(held.isHeld())
      assert.deepStrictEqual(storedLease(client).metadata.ownerReferences, [owner])
    }),
  )

  it.effect(
    "were replaced by others of the same name: the Lease went with the old ones, and is not made for the new",
    () =>
      Effect.gen(function* () {
        const client = makeMemoryClient()
        let owners = [owner]
        const held = yield* acquireLease(leaseOptions(client, { owners: Effect.sync(() => owners) }))
        owners = [{ ...owner, uid: "uid-2" }]
        client.remove(leaseResource, leaseRef)
        yield* TestClock.adjust("10 seconds")
        assert.isFalse(held.isHeld())
        assert.isUndefined(client.stored(leaseResource, leaseRef))
      }),
  )
})
