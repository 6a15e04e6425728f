/** When the virtual cluster is asked who it is, and for whom the answer counts. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { NotFound } from "../../../../src/effects/client/api-error.ts"
import type { KubeClient } from "../../../../src/effects/client/kube-client.ts"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { anchorObject } from "../../../../src/sync/engine/identity.ts"
import { makeIdentityGuard } from "../../../../src/sync/engine/identity-guard.ts"
import { makeScriptedClient, scriptedError } from "../../../support/scripted-client.ts"

const expected = { hostNamespace: "team-x", hostNamespaceUid: "host", vcluster: "vc" }

const kubeSystem = (uid: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: "kube-system", uid },
})

/** A virtual cluster that a test may replace, and whose answers it may hold back. */
const place = Effect.fnUntraced(function* (highest?: string) {
  const { client } = yield* makeScriptedClient
  const cluster: { uid: string; anchor: KubeObject | undefined; version: string; ready: Effect.Effect<void> } = {
    uid: "uid",
    anchor: anchorObject(expected),
    version: "100",
    ready: Effect.void,
  }
  const asked: Array<string> = []
  const virtual: KubeClient = {
    ...client,
    get: (resource) =>
      Effect.suspend(() => {
        asked.push(resource.plural)
        const { uid, anchor, ready } = cluster
        const found = resource.plural === "namespaces" ? kubeSystem(uid) : anchor
        return Effect.andThen(
          ready,
          found === undefined
            ? Effect.fail(scriptedError(new NotFound({ resourceMissing: false })))
            : Effect.succeed(found),
        )
      }),
    list: (resource) =>
      Effect.suspend(() => {
        asked.push(`list ${resource.plural}`)
        const { anchor, version } = cluster
        return Effect.succeed({ items: anchor === undefined ? [] : [anchor], resourceVersion: version })
      }),
  }
  const guard = makeIdentityGuard({ virtual, uid: "uid", expected, highest })
  return { guard, cluster, asked }
})

const once = ["configmaps", "namespaces"]

describe("a list of the virtual cluster", () => {
  it.effect("is believed when it is as far as all that was seen: two objects are read, and nothing is listed", () =>
    Effect.gen(function* () {
      const { guard, asked } = yield* place("100")
      yield* guard.check("100")
      assert.deepStrictEqual(asked.toSorted(), once)
    }),
  )

  it.effect("is not believed when the cluster, or its anchor, is another one", () =>
    Effect.gen(function* () {
      const { guard, cluster } = yield* place("100")
      cluster.uid = "other"
      assert.strictEqual((yield* Effect.flip(guard.check("100")))._tag, "IdentityMismatch")
      cluster.uid = "uid"
      cluster.anchor = anchorObject({ ...expected, vcluster: "clone" })
      assert.strictEqual((yield* Effect.flip(guard.check("100")))._tag, "IdentityMismatch")
      cluster.anchor = undefined
      yield* guard.check("100")
    }),
  )

  it.effect("with a lower version, or one that says nothing, is measured by the store's", () =>
    Effect.gen(function* () {
      const { guard, cluster, asked } = yield* place("100")
      for (const version of ["99", "", "abc"]) yield* guard.check(version)
      assert.lengthOf(
        asked.filter((what) => what === "list configmaps"),
        3,
      )
      cluster.version = "98"
      const error = yield* Effect.flip(guard.check("99"))
      assert.include(error.message, "went back from 100 to 98")
    }),
  )

  it.effect("may be lower than what other watches have seen meanwhile", () =>
    Effect.gen(function* () {
      const { guard, cluster } = yield* place("100")
      guard.saw("150")
      cluster.version = "151"
      yield* guard.check("120")
      assert.strictEqual(guard.highest(), "151")
    }),
  )
})

describe("lists that come at the same time", () => {
  const held = Effect.gen(function* () {
    const bench = yield* place("100")
    const gate = yield* Deferred.make<void>()
    bench.cluster.ready = Deferred.await(gate)
    const check = Effect.forkChild(bench.guard.check("100"), { startImmediately: true })
    const first = yield* check
    assert.deepStrictEqual(bench.asked.splice(0).toSorted(), once)
    const later = yield* Effect.all([check, check, check, check])
    assert.deepStrictEqual(bench.asked, [], "one question at a time")
    return { ...bench, gate, first, later }
  })

  it.effect("share one question, but not the one that was sent before they were complete", () =>
    Effect.gen(function* () {
      const { gate, first, later, asked } = yield* held
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.joinAll([first, ...later])
      assert.deepStrictEqual(asked.toSorted(), once)
    }),
  )

  it.effect("are not believed by an answer that is older than they are", () =>
    Effect.gen(function* () {
      const { gate, first, later, cluster } = yield* held
      // The answer that is under way is the old cluster's; the lists may be the new one's.
      cluster.uid = "other"
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(first)
      for (const fiber of later) assert.strictEqual((yield* Effect.flip(Fiber.join(fiber)))._tag, "IdentityMismatch")
    }),
  )

  it.effect("ask themselves when whoever asked is gone", () =>
    Effect.gen(function* () {
      const { gate, first, later, asked } = yield* held
      yield* Fiber.interrupt(first)
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.joinAll(later)
      assert.deepStrictEqual(asked.toSorted(), once)
    }),
  )
})
