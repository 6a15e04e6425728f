/** A value is handed on only while the store that it comes from is what it was taken for, in whatever order the watches tell of the two. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { makeConfirmations } from "../../../../src/sync/engine/confirmations.ts"
import { clusterSecretStores } from "../../../../src/sync/resources.ts"
import { store } from "../../../support/engine-bench.ts"
import { makeMemoryClient } from "../../../support/memory-client.ts"

const resource = clusterSecretStores("v1")

describe("confirmations", () => {
  it.effect("hold while it is the very version that was seen", () =>
    Effect.gen(function* () {
      const host = makeMemoryClient()
      const seen = host.put(resource, store)
      const { confirm } = makeConfirmations(host)
      assert.isTrue(yield* confirm([{ resource, object: seen }]))
      host.put(resource, { ...seen, metadata: { ...seen.metadata, labels: { other: "yes" } } })
      assert.isFalse(yield* confirm([{ resource, object: seen }]), "another label")
      host.remove(resource, { name: "store" })
      assert.isFalse(yield* confirm([{ resource, object: seen }]), "gone")
      host.put(resource, { ...store, metadata: { ...store.metadata, uid: "another" } })
      assert.isFalse(yield* confirm([{ resource, object: seen }]), "made anew")
      assert.isTrue(yield* confirm([]))
    }),
  )

  it.effect("one reading serves all that ask before it is sent, and none that ask after", () =>
    Effect.gen(function* () {
      const host = makeMemoryClient()
      const object = host.put(resource, store)
      const sent = yield* Deferred.make<void>()
      const answered = yield* Deferred.make<void>()
      host.fault = {
        before: () => Effect.andThen(Deferred.succeed(sent, undefined), Deferred.await(answered)),
      }
      const { confirm } = makeConfirmations(host)
      const ask = Effect.forkChild(confirm([{ resource, object }]), { startImmediately: true })
      const first = yield* ask
      yield* Deferred.await(sent)
      const later = yield* Effect.all([ask, ask, ask])
      // Taken away while the first one is being read.
      host.put(resource, { ...object, metadata: { ...object.metadata, labels: { other: "yes" } } })
      yield* Deferred.succeed(answered, undefined)
      yield* Fiber.join(first)
      assert.deepStrictEqual(yield* Effect.forEach(later, Fiber.join), [false, false, false])
      assert.lengthOf(
        host.calls.filter(({ verb }) => verb === "get"),
        2,
      )
    }),
  )
})
