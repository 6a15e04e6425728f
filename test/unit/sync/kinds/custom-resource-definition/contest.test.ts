/** Somebody else writes our CRDs as well (`field-cases.md` 21). */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import { arrayAt, recordAt, valueAt } from "../../../../../src/effects/client/unstructured.ts"
import { compareCrd } from "../../../../../src/sync/kinds/custom-resource-definition/ensure.ts"
import { customResourceDefinitions as crds } from "../../../../../src/sync/resources.ts"
import { hostCrd, nameOf, place, withoutStores } from "./follower-ground.ts"

const plural = "externalsecrets"
const ref = { name: nameOf(plural) }

/** As a server-side apply with force leaves it: our label stays, the versions are the other's. */
const appliedBy = (manager: string, crd: KubeObject): KubeObject => ({
  ...crd,
  metadata: {
    ...crd.metadata,
    managedFields: [{ manager, operation: "Apply", fieldsV1: { "f:spec": { "f:versions": {} } } }],
  },
  spec: { ...recordAt(crd, "spec"), versions: arrayAt(crd, "spec", "versions").slice(0, 1) },
})

const contested = Effect.gen(function* () {
  const ground = place(withoutStores)
  const { clients, start, virtual, writes } = ground
  const { follower } = yield* start()
  /** The other applies its bundle, and we look. */
  const round = Effect.gen(function* () {
    const standing = virtual.stored(crds, ref)
    assert.isDefined(standing)
    virtual.put(crds, appliedBy("argocd-controller", standing))
    return yield* follower.keep(clients, plural)
  })
  const patches = () => writes().filter((write) => write === `patch ${ref.name}`).length
  return { ...ground, follower, round, patches }
})

const served = (crd: KubeObject | undefined) =>
  arrayAt(crd, "spec", "versions").map((version) => valueAt(version, "name"))

describe("GitOps that owns the CRDs", () => {
  it.effect("is answered a few times, and then told instead", () =>
    Effect.gen(function* () {
      const { follower, patches, round, virtual } = yield* contested
      for (let turn = 0; turn < 3; turn += 1) {
        assert.isUndefined((yield* round)?.contested)
        assert.deepStrictEqual(served(virtual.stored(crds, ref)), ["v1", "v1beta1"])
      }
      for (let turn = 0; turn < 20; turn += 1)
        assert.strictEqual(
          (yield* round)?.contested,
          "it is written by argocd-controller as well, and so does not serve v1beta1",
        )
      assert.strictEqual(patches(), 3)
      assert.deepStrictEqual(served(virtual.stored(crds, ref)), ["v1"])
      // A restart must not take it for in step.
      assert.notInclude(follower.note(), `"${plural}"`)
    }),
  )

  it.effect("does not keep an upgrade of the host's away", () =>
    Effect.gen(function* () {
      const { host, patches, round, virtual } = yield* contested
      for (let turn = 0; turn < 5; turn += 1) yield* round
      host.put(crds, hostCrd(plural, "second"))
      assert.isUndefined((yield* round)?.contested)
      assert.strictEqual(patches(), 4)
      assert.include(JSON.stringify(virtual.stored(crds, ref)), "second")
    }),
  )

  it.effect("is tried again a day later", () =>
    Effect.gen(function* () {
      const { patches, round } = yield* contested
      for (let turn = 0; turn < 5; turn += 1) yield* round
      yield* TestClock.adjust("25 hours")
      assert.isUndefined((yield* round)?.contested)
      assert.strictEqual(patches(), 4)
    }),
  )

  it.effect("is named by a look from outside, and only where it makes a difference", () =>
    Effect.gen(function* () {
      const { clients, follower, virtual } = yield* contested
      const look = Effect.map(compareCrd(clients, plural, withoutStores), (pair) => pair.contested)
      assert.isUndefined(yield* look)
      const standing = virtual.stored(crds, ref)
      assert.isDefined(standing)
      virtual.put(crds, appliedBy("kubectl", standing))
      assert.strictEqual(yield* look, "it is written by kubectl as well, and so does not serve v1beta1")
      // What we have written ourselves, and is only out of date, nobody else contests.
      virtual.put(crds, appliedBy("vcluster-es", standing))
      assert.isUndefined(yield* look)
      yield* follower.keep(clients, plural)
      assert.isUndefined(yield* look)
    }),
  )
})
