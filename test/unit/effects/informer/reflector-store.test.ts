import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Expired } from "../../../../src/effects/client/api-error.ts"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { added, bookmark, deleted, listEnd, modified } from "../../../support/scripted-client.ts"
import { object, pass, start, startSynced } from "../../../support/scripted-reflector.ts"

const withManagers = (each: KubeObject): KubeObject => ({
  ...each,
  managers: JSON.stringify(each.metadata["managedFields"]),
})

describe("what is stored", () => {
  it.effect("has no managedFields, but the transform has seen them", () =>
    Effect.gen(function* () {
      const { script, reflector } = yield* start({ transform: withManagers })
      const watch = yield* script.nextWatch
      watch.send(added(object("a", "1", { managedFields: [1] })), listEnd("10"))
      yield* reflector.synced
      const stored = reflector.store.get("team/a")
      assert.strictEqual(stored?.["managers"], "[1]")
      assert.notProperty(stored?.metadata, "managedFields")
      reflector.observe(object("a", "11", { managedFields: [2] }))
      assert.strictEqual(reflector.store.get("team/a")?.["managers"], "[2]")
      assert.notProperty(reflector.store.get("team/a")?.metadata, "managedFields")
    }),
  )

  it.effect("is metadata alone where only metadata is watched, also of a write's answer", () =>
    Effect.gen(function* () {
      const { reflector } = yield* startSynced({ selection: { namespace: "team", metadataOnly: true } })
      reflector.observe({ ...object("c", "11"), data: { password: "c2VjcmV0" } })
      assert.deepStrictEqual(reflector.store.get("team/c"), object("c", "11"))
    }),
  )
})

describe("observe", () => {
  it.effect("is ahead of the watch, which tells nothing twice", () =>
    Effect.gen(function* () {
      const { reflector, watch, told, untold } = yield* startSynced()
      reflector.observe(object("a", "12"))
      reflector.observe(object("c", "13"))
      assert.deepStrictEqual(yield* told(2), ["+a@12", "+c@13"])
      assert.strictEqual(reflector.resourceVersion(), "10")
      watch.send(modified(object("a", "11")), modified(object("a", "12")), added(object("c", "13")))
      watch.send(modified(object("b", "14")))
      assert.deepStrictEqual(yield* told(1), ["+b@14"])
      assert.strictEqual(untold(), 0)
    }),
  )

  it.effect("ignores what the watch has overtaken: an older state, and an object deleted since", () =>
    Effect.gen(function* () {
      const { reflector, watch, told, untold } = yield* startSynced()
      watch.send(modified(object("a", "12")), deleted(object("b", "13")))
      yield* told(2)
      reflector.observe(object("a", "11"))
      reflector.observe(object("b", "11"))
      reflector.observe(object("b", "13"))
      assert.strictEqual(untold(), 0)
      assert.strictEqual(reflector.store.get("team/a")?.metadata.resourceVersion, "12")
      assert.isUndefined(reflector.store.get("team/b"))
    }),
  )

  it.effect("of a new incarnation outlives the late events of the old one", () =>
    Effect.gen(function* () {
      const { reflector, watch, told } = yield* startSynced()
      reflector.observe(object("a", "13", { uid: "second" }))
      watch.send(modified(object("a", "11")), deleted(object("a", "12")), added(object("a", "13", { uid: "second" })))
      watch.send(added(object("c", "14")))
      assert.deepStrictEqual(yield* told(2), ["+a@13", "+c@14"])
      assert.strictEqual(reflector.store.get("team/a")?.metadata.uid, "second")
    }),
  )

  it.effect("outlives a list that was begun before it", () =>
    Effect.gen(function* () {
      const { script, reflector, watch, told, untold } = yield* startSynced()
      yield* pass("1 minute")
      watch.fail(new Expired())
      const next = yield* script.nextWatch
      next.send(added(object("a", "1")), added(object("b", "2")))
      reflector.observe(object("a", "21"))
      reflector.observe(object("c", "22"))
      yield* told(2)
      next.send(listEnd("20"), bookmark("30"))
      yield* pass("1 milli")
      assert.strictEqual(reflector.resourceVersion(), "30")
      assert.strictEqual(untold(), 0)
      assert.strictEqual(reflector.store.get("team/a")?.metadata.resourceVersion, "21")
      assert.strictEqual(reflector.store.get("team/c")?.metadata.resourceVersion, "22")
    }),
  )

  it.effect("but a list that is newer decides", () =>
    Effect.gen(function* () {
      const { script, reflector, watch, told } = yield* startSynced()
      yield* pass("1 minute")
      watch.fail(new Expired())
      const next = yield* script.nextWatch
      reflector.observe(object("c", "22"))
      yield* told(1)
      next.send(added(object("a", "1")), added(object("b", "2")), listEnd("30"))
      assert.deepStrictEqual(yield* told(1), ["-c unseen"])
    }),
  )
})
