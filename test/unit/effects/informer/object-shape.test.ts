/** The door of a cache: what breaks the shape of an object is left out, and disturbs no other. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject, ObjectMeta } from "../../../../src/effects/client/kube-object.ts"
import { whyMalformed } from "../../../../src/effects/informer/object-shape.ts"
import { added, bookmark, deleted, listEnd, modified } from "../../../support/scripted-client.ts"
import { Expired, Invalid } from "../../../../src/effects/client/api-error.ts"
import { object, pass, start, startSynced } from "../../../support/scripted-reflector.ts"

/** As a server that is none of Kubernetes' may answer, whatever the types say. */
const parsed = (metadata: unknown): KubeObject =>
  JSON.parse(JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata }))

const well = { name: "a", namespace: "team", uid: "u", resourceVersion: "11" }

const broken: ReadonlyArray<readonly [why: string, metadata: unknown]> = [
  ["it has no metadata", undefined],
  ["it has no metadata", "a"],
  ["metadata.name is no name", { ...well, name: 5 }],
  ["metadata.name is no name", { ...well, name: "" }],
  ["metadata.name is no name", { ...well, name: "a/b" }],
  ["metadata.name is no name", { ...well, name: "a b" }],
  ["metadata.name is no name", { ...well, name: ".." }],
  ["metadata.name is no name", { ...well, name: "a".repeat(254) }],
  ["metadata.namespace is no namespace", { ...well, namespace: 5 }],
  ["metadata.namespace is no namespace", { ...well, namespace: "made up;true" }],
  ["metadata.namespace is no namespace", { ...well, namespace: "a/b" }],
  ["metadata.uid is not a text", { ...well, uid: 5 }],
  ["metadata.resourceVersion is not a text", { ...well, resourceVersion: 12 }],
  ["metadata.deletionTimestamp is not a time", { ...well, deletionTimestamp: null }],
  ["metadata.labels is not a map of texts", { ...well, labels: { a: 5 } }],
  ["metadata.labels is not a map of texts", { ...well, labels: ["a"] }],
  ["metadata.annotations is not a map of texts", { ...well, annotations: { a: { b: "c" } } }],
  ["metadata.finalizers is not a list of texts", { ...well, finalizers: 5 }],
  ["metadata.finalizers is not a list of texts", { ...well, finalizers: [5] }],
  ["metadata.ownerReferences is not a list of owners", { ...well, ownerReferences: [{ name: "a" }] }],
  ["metadata.ownerReferences is not a list of owners", { ...well, ownerReferences: {} }],
]

describe("the shape of an object", () => {
  for (const [why, metadata] of broken)
    it(`${why}: ${JSON.stringify(metadata)?.slice(0, 80)}`, () => {
      assert.strictEqual(whyMalformed(parsed(metadata)), why)
    })

  it("is good with all that Kubernetes writes", () => {
    const meta: ObjectMeta = {
      ...well,
      name: "system:a.b",
      labels: { a: "" },
      annotations: {},
      finalizers: ["x"],
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "p", uid: "q", controller: true }],
      deletionTimestamp: "2026-01-01T00:00:00Z",
    }
    assert.isUndefined(whyMalformed(parsed(meta)))
    assert.isUndefined(whyMalformed(parsed({ name: "a" })))
    assert.isUndefined(whyMalformed(parsed({ ...well, labels: null, finalizers: null })))
  })
})

const recorded = () => {
  const refused: Array<string> = []
  return { refused, options: { onRefused: (message: string) => void refused.push(message) } }
}

const bad = (name: string, resourceVersion: string): KubeObject =>
  parsed({ ...well, name, resourceVersion, finalizers: 5 })

describe("a cache", () => {
  it.effect("leaves out what is malformed in a streamed list and after it, with one report; all others come", () =>
    Effect.gen(function* () {
      const { options, refused } = recorded()
      const { script, told, names } = yield* start(options)
      const watch = yield* script.nextWatch
      watch.send(added(bad("bad", "1")), added(parsed(undefined)), added(object("a", "2")), listEnd("10"))
      watch.send(modified(bad("bad", "11")), { type: "MALFORMED", why: "it has no metadata" }, added(object("c", "12")))
      assert.deepStrictEqual(yield* told(2), ["+a@2", "+c@12"])
      assert.deepStrictEqual(names(), ["a", "c"])
      assert.lengthOf(refused, 2)
    }),
  )

  it.effect("leaves out what is malformed in a list of pages, with one report; all others come", () =>
    Effect.gen(function* () {
      const { options, refused } = recorded()
      const { script, told, names } = yield* start(options)
      const streamed = yield* script.nextWatch
      script.answerLists({ items: [bad("bad", "1"), object("a", "2")], nameless: 1, resourceVersion: "10" })
      streamed.fail(new Invalid({ fields: [] }))
      yield* told(1)
      assert.deepStrictEqual(names(), ["a"])
      assert.lengthOf(refused, 2)
    }),
  )

  it.effect("keeps what it knew of an object that becomes malformed, also over a list, until it is deleted", () =>
    Effect.gen(function* () {
      const { options, refused } = recorded()
      const { reflector, told, untold, watch, script, names } = yield* startSynced(options)
      watch.send(modified(bad("a", "11")), bookmark("12"))
      reflector.observe(bad("a", "13"))
      watch.fail(new Expired({}))
      yield* pass("5 seconds")
      const again = yield* script.nextWatch
      again.send(added(bad("a", "13")), added(object("b", "2")), listEnd("20"), added(object("c", "21")))
      assert.deepStrictEqual(yield* told(1), ["+c@21"])
      assert.deepStrictEqual(names(), ["a", "b", "c"])
      assert.strictEqual(untold(), 0)
      again.send(deleted(bad("a", "22")))
      assert.deepStrictEqual(yield* told(1), ["-a"])
      assert.deepStrictEqual(refused, [
        "team/a is left out, and stays as it was last known: metadata.finalizers is not a list of texts",
      ])
    }),
  )

  it.effect("asks its owner, too", () =>
    Effect.gen(function* () {
      const { options, refused } = recorded()
      const { told, watch, names } = yield* startSynced({
        ...options,
        check: ({ metadata }) => (metadata.name === "odd" ? "it is odd" : undefined),
      })
      watch.send(added(object("odd", "11")), added(object("c", "12")))
      yield* told(1)
      assert.deepStrictEqual(names(), ["a", "b", "c"])
      assert.deepStrictEqual(refused, ["team/odd is left out, and stays as it was last known: it is odd"])
    }),
  )

  it.effect("does not tell of every one, where there are many", () =>
    Effect.gen(function* () {
      const { options, refused } = recorded()
      const { told, watch } = yield* startSynced(options)
      watch.send(...Array.from({ length: 100 }, (_, index) => added(bad(`x${index}`, "11"))), added(object("c", "12")))
      yield* told(1)
      assert.lengthOf(refused, 21)
    }),
  )
})
