import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { isNewer, makeMemoryStore } from "../../../../src/effects/informer/memory-store.ts"
import { emptyStore } from "../../../../src/effects/informer/store.ts"

const object = (name: string, resourceVersion: string, extra: Readonly<Record<string, unknown>> = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { namespace: "team", name, uid: `uid-${name}`, resourceVersion },
  ...extra,
})

/** Objects are found by the words of their field `words`. */
const words = (of: KubeObject): ReadonlyArray<string> => (Array.isArray(of["words"]) ? of["words"].map(String) : [])

const found = (objects: ReadonlyArray<KubeObject>): ReadonlyArray<string> =>
  objects.map((each) => each.metadata.name).toSorted()

describe("isNewer", () => {
  it("compares as numbers, also beyond a double", () => {
    assert.isTrue(isNewer("10", "9"))
    assert.isFalse(isNewer("9", "10"))
    assert.isFalse(isNewer("10", "10"))
    assert.isTrue(isNewer("9007199254740993", "9007199254740992"))
    assert.isTrue(isNewer("1", ""))
  })
})

describe("emptyStore", () => {
  it("answers for any index, as a store does that holds nothing", () => {
    assert.deepStrictEqual(emptyStore.byIndex("whatever", "x"), [])
    assert.deepStrictEqual([...emptyStore.values()], [])
    assert.isUndefined(emptyStore.get("a"))
    assert.strictEqual(emptyStore.size(), 0)
  })
})

describe("an indexer that throws", () => {
  const indexers = {
    words,
    strict: (of: KubeObject): ReadonlyArray<string> => {
      if (words(of).includes("bad")) throw new Error("a fault of ours")
      return words(of)
    },
  }

  it("leaves an object as it stood, in the store and in every index, and disturbs no other", () => {
    const refused: Array<string> = []
    const store = makeMemoryStore(indexers, (key) => void refused.push(key))
    store.replace([object("a", "1", { words: ["good"] }), object("b", "2", { words: ["bad"] })])
    assert.isUndefined(store.upsert(object("a", "3", { words: ["bad"] })))
    store.replace([object("a", "4", { words: ["bad"] }), object("c", "5", { words: ["good"] })])
    for (const index of Object.keys(indexers)) {
      assert.deepStrictEqual(found(store.byIndex(index, "good")), ["a", "c"])
      assert.deepStrictEqual(store.byIndex(index, "bad"), [])
    }
    assert.strictEqual(store.get("team/a")?.metadata.resourceVersion, "1")
    assert.deepStrictEqual(refused, ["team/b", "team/a", "team/a"])
  })

  it("throws where nobody is told, before anything has changed", () => {
    const store = makeMemoryStore(indexers)
    store.upsert(object("a", "1", { words: ["good"] }))
    assert.throws(() => store.upsert(object("a", "2", { words: ["bad"] })), "a fault of ours")
    assert.deepStrictEqual(store.byIndex("words", "bad"), [])
    assert.deepStrictEqual(found(store.byIndex("words", "good")), ["a"])
  })
})

describe("upsert", () => {
  it("tells what was there before", () => {
    const store = makeMemoryStore()
    const [first, second] = [object("a", "1"), object("a", "2")]
    assert.deepStrictEqual(store.upsert(first), { _tag: "Upserted", key: "team/a", object: first, previous: undefined })
    assert.deepStrictEqual(store.upsert(second), { _tag: "Upserted", key: "team/a", object: second, previous: first })
    assert.strictEqual(store.get("team/a"), second)
    assert.strictEqual(store.size(), 1)
  })

  it("ignores an older and an equal version of the same object", () => {
    const store = makeMemoryStore()
    const current = object("a", "10")
    store.upsert(current)
    assert.isUndefined(store.upsert(object("a", "9")))
    assert.isUndefined(store.upsert(object("a", "10")))
    assert.strictEqual(store.get("team/a"), current)
  })

  it("takes any version of another incarnation", () => {
    const store = makeMemoryStore()
    store.upsert(object("a", "10"))
    const recreated = { ...object("a", "9"), metadata: { ...object("a", "9").metadata, uid: "another" } }
    assert.strictEqual(store.upsert(recreated)?.object, recreated)
  })

  it("keeps a key that is a word of JavaScript", () => {
    const store = makeMemoryStore({ words })
    const odd: KubeObject = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "__proto__" },
      words: ["__proto__", "constructor"],
    }
    assert.deepStrictEqual(store.byIndex("words", "constructor"), [])
    store.upsert(odd)
    assert.strictEqual(store.get("__proto__"), odd)
    assert.deepStrictEqual(store.byIndex("words", "__proto__"), [odd])
    assert.isUndefined(store.get("constructor"))
  })
})

describe("remove", () => {
  it("tells the last state, once", () => {
    const store = makeMemoryStore()
    const last = object("a", "1")
    store.upsert(last)
    assert.deepStrictEqual(store.remove("team/a", true), { _tag: "Deleted", key: "team/a", object: last, seen: true })
    assert.isUndefined(store.remove("team/a", true))
    assert.strictEqual(store.size(), 0)
  })
})

describe("replace", () => {
  it("tells what is missing as unseen deletions, what is new, what has changed, and nothing else", () => {
    const store = makeMemoryStore()
    const [gone, same, old] = [object("gone", "1"), object("same", "2"), object("changed", "3")]
    store.replace([gone, same, old])
    const [changed, fresh] = [object("changed", "4"), object("fresh", "5")]
    assert.deepStrictEqual(store.replace([object("same", "2"), changed, fresh]), [
      { _tag: "Deleted", key: "team/gone", object: gone, seen: false },
      { _tag: "Upserted", key: "team/changed", object: changed, previous: old },
      { _tag: "Upserted", key: "team/fresh", object: fresh, previous: undefined },
    ])
    assert.deepStrictEqual(found([...store.values()]), ["changed", "fresh", "same"])
  })

  it("goes back to an older version: the server was restored", () => {
    const store = makeMemoryStore()
    store.upsert(object("a", "10"))
    const restored = object("a", "9")
    assert.lengthOf(store.replace([restored]), 1)
    assert.strictEqual(store.get("team/a"), restored)
  })
})

describe("byIndex", () => {
  it("follows every change", () => {
    const store = makeMemoryStore({ words })
    store.upsert(object("a", "1", { words: ["x", "y"] }))
    store.upsert(object("b", "2", { words: ["y", "y"] }))
    assert.deepStrictEqual(found(store.byIndex("words", "y")), ["a", "b"])
    store.upsert(object("a", "3", { words: ["z"] }))
    assert.deepStrictEqual(found(store.byIndex("words", "x")), [])
    assert.deepStrictEqual(found(store.byIndex("words", "y")), ["b"])
    assert.deepStrictEqual(found(store.byIndex("words", "z")), ["a"])
    store.replace([object("b", "4", { words: ["z"] })])
    assert.deepStrictEqual(found(store.byIndex("words", "z")), ["b"])
    store.remove("team/b", true)
    assert.deepStrictEqual(store.byIndex("words", "z"), [])
  })

  it("finds all that share a value, as they come and go", () => {
    const store = makeMemoryStore({ first: ({ metadata }) => [metadata.name.slice(0, 1)] })
    const names = () => found(store.byIndex("first", "a"))
    const [one, two, three] = [object("a1", "1"), object("a2", "2"), object("a3", "3")]
    for (const [added, expected] of [
      [one, ["a1"]],
      [two, ["a1", "a2"]],
      [two, ["a1", "a2"]],
      [three, ["a1", "a2", "a3"]],
    ] as const) {
      store.upsert(added)
      assert.deepStrictEqual(names(), expected)
    }
    for (const [removed, left] of [
      ["team/a1", ["a2", "a3"]],
      ["team/a3", ["a2"]],
      ["team/a2", []],
    ] as const) {
      store.remove(removed, true)
      assert.deepStrictEqual(names(), left)
    }
    store.upsert(one)
    assert.deepStrictEqual(names(), ["a1"])
  })

  it("dies of an unknown name", () => {
    assert.throws(() => makeMemoryStore({ words }).byIndex("toString", "x"), 'no index "toString"')
  })
})

it("a cache that is not kept is empty, under every index", () => {
  assert.deepStrictEqual([...emptyStore.values()], [])
  assert.deepStrictEqual(emptyStore.byIndex("words", "x"), [])
  assert.isUndefined(emptyStore.get("team/a"))
  assert.strictEqual(emptyStore.size(), 0)
})
