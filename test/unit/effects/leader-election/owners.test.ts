import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { acquireLease } from "../../../../src/effects/leader-election/leader-election.ts"
import { leaseResource, microTime } from "../../../../src/effects/leader-election/lease.ts"
import { leaseOptions, leaseRef, storedLease, theirLease } from "../../../support/lease.ts"
import { makeMemoryClient } from "../../../support/memory-client.ts"

const owner = { apiVersion: "v1", kind: "Service", name: "my-vcluster", uid: "uid-1", controller: false }

describe("the owners of the Lease", () => {
  it.effect("are there from the first write on", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      yield* acquireLease(leaseOptions(client, { owners: Effect.succeed([owner]) }))
      assert.deepStrictEqual(storedLease(client).metadata.ownerReferences, [owner])
    }),
  )

  it.effect("are given to a Lease that was made without any, and are not asked for at each renewal", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      client.put(leaseResource, theirLease(microTime(0), { holderIdentity: "" }))
      let asked = 0
      const owners = Effect.sync(() => {
        asked++
        return [owner]
      })
      yield* acquireLease(leaseOptions(client, { owners }))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(storedLease(client).metadata.ownerReferences, [owner])
      assert.strictEqual(asked, 1)
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

  it.effect("are those of now when somebody only deleted the Lease", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      let owners = [owner]
      const held = yield* acquireLease(leaseOptions(client, { owners: Effect.sync(() => owners) }))
      owners = [{ ...owner, uid: "uid-2" }]
      client.remove(leaseResource, leaseRef)
      yield* TestClock.adjust("10 seconds")
      assert.isTrue(held.isHeld())
      assert.deepStrictEqual(storedLease(client).metadata.ownerReferences, owners)
    }),
  )
})
