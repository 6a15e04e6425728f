/**
 * The cache behind a reflector. Plain synchronous code on Maps: object keys come from the cluster, and a Map has no
 * `__proto__`. Every change keeps the indexes up to date, so that a look-up costs what it finds.
 */
import { Result } from "effect"
import { objectKey, type KubeObject, type ObjectKey } from "../client/kube-object.ts"
import type { Delta, Indexer, Store } from "./store.ts"

export interface MemoryStore extends Store {
  /** Adds or changes one object. An older or equal version of the same UID changes nothing and gives `undefined`. */
  readonly upsert: (object: KubeObject) => Delta | undefined
  /** `seen` as in {@link Delta}. `undefined` when there is no such object. */
  readonly remove: (key: ObjectKey, seen: boolean) => Delta | undefined
  /**
   * Makes `objects` the whole content. What is missing in it gives a `Deleted` that was not seen; an unchanged
   * resourceVersion gives nothing. Here also an older version counts: the list is what the server holds now.
   */
  readonly replace: (objects: Iterable<KubeObject>) => ReadonlyArray<Delta>
}

/**
 * Whether `left` is a later resourceVersion than `right`. Since Kubernetes 1.35 (KEP-5504) they are officially decimal
 * numbers without leading zeros that can be compared within one resource; they may exceed a double, so length first.
 */
export const isNewer = (left: string, right: string): boolean =>
  left.length === right.length ? left > right : left.length > right.length

const versionOf = (object: KubeObject): string => object.metadata.resourceVersion ?? ""

const sameIncarnation = (left: KubeObject, right: KubeObject): boolean => left.metadata.uid === right.metadata.uid

const sameState = (left: KubeObject, right: KubeObject): boolean =>
  sameIncarnation(left, right) && versionOf(left) !== "" && versionOf(left) === versionOf(right)

/** Without versions there is no telling what is newer: then the last word wins. */
const isStale = (object: KubeObject, previous: KubeObject): boolean =>
  sameIncarnation(object, previous) &&
  versionOf(object) !== "" &&
  versionOf(previous) !== "" &&
  !isNewer(versionOf(object), versionOf(previous))

const sameValues = (left: ReadonlyArray<string>, right: ReadonlyArray<string>): boolean =>
  left.length === right.length && left.every((value, place) => value === right[place])

class Index {
  readonly #indexer: Indexer
  /** Most values lead to one object: that is no set of its own, of which there would be many for each object. */
  readonly #keys = new Map<string, ObjectKey | Set<ObjectKey>>()
  /** So that taking an object out asks no indexer: the Syncer's decode specs, which costs more than all else here. */
  readonly #values = new Map<ObjectKey, ReadonlyArray<string>>()

  constructor(indexer: Indexer) {
    this.#indexer = indexer
  }

  valuesOf(object: KubeObject): ReadonlyArray<string> {
    return this.#indexer(object)
  }

  /** In place of what stood under the key. */
  put(key: ObjectKey, values: ReadonlyArray<string>): void {
    const before = this.#values.get(key)
    if (before !== undefined && sameValues(before, values)) {
      return
    }
    this.remove(key)
    if (values.length === 0) {
      return
    }
    this.#values.set(key, values)
    for (const value of values) {
      const keys = this.#keys.get(value)
      if (keys === undefined) this.#keys.set(value, key)
      else if (typeof keys !== "string") keys.add(key)
      else if (keys !== key) this.#keys.set(value, new Set([keys, key]))
    }
  }

  remove(key: ObjectKey): void {
    for (const value of this.#values.get(key) ?? []) {
      const keys = this.#keys.get(value)
      if (keys === key) this.#keys.delete(value)
      else if (typeof keys === "object" && keys.delete(key) && keys.size === 0) this.#keys.delete(value)
    }
    this.#values.delete(key)
  }

  keys(value: string): Iterable<ObjectKey> {
    const keys = this.#keys.get(value) ?? []
    return typeof keys === "string" ? [keys] : keys
  }
}

/** What an indexer threw, as it is: whoever made the indexer has to know. */
const rethrow = (_key: ObjectKey, fault: unknown): void => {
  throw fault
}

/**
 * An empty store.
 *
 * @param indexers by the name under which `byIndex` finds them; asked once for each state of an object
 * @param onUnindexable an indexer threw: the object stays as it stood, in the store and in every index
 */
export const makeMemoryStore = (
  indexers: Readonly<Record<string, Indexer>> = {},
  onUnindexable: (key: ObjectKey, fault: unknown) => void = rethrow,
): MemoryStore => {
  const objects = new Map<ObjectKey, KubeObject>()
  const indexes = new Map(Object.entries(indexers).map(([name, indexer]) => [name, new Index(indexer)]))
  const every = [...indexes.values()]

  const put = (key: ObjectKey, object: KubeObject, previous: KubeObject | undefined): Delta | undefined => {
    // All of them before anything changes.
    const values = Result.try(() => every.map((index) => index.valuesOf(object)))
    if (Result.isFailure(values)) {
      onUnindexable(key, values.failure)
      return undefined
    }
    for (const [place, index] of every.entries()) {
      index.put(key, values.success[place] ?? [])
    }
    objects.set(key, object)
    return { _tag: "Upserted", key, object, previous }
  }

  const upsert = (object: KubeObject): Delta | undefined => {
    const key = objectKey(object)
    const previous = objects.get(key)
    return previous !== undefined && isStale(object, previous) ? undefined : put(key, object, previous)
  }

  const remove = (key: ObjectKey, seen: boolean): Delta | undefined => {
    const object = objects.get(key)
    if (object === undefined) {
      return undefined
    }
    for (const index of every) {
      index.remove(key)
    }
    objects.delete(key)
    return { _tag: "Deleted", key, object, seen }
  }

  const replace = (next: Iterable<KubeObject>): ReadonlyArray<Delta> => {
    const wanted = new Map<ObjectKey, KubeObject>()
    for (const object of next) {
      wanted.set(objectKey(object), object)
    }
    const gone = [...objects.keys()].filter((key) => !wanted.has(key)).map((key) => remove(key, false))
    const changed = [...wanted].map(([key, object]) => {
      const previous = objects.get(key)
      return previous !== undefined && sameState(object, previous) ? undefined : put(key, object, previous)
    })
    return [...gone, ...changed].filter((delta) => delta !== undefined)
  }

  return {
    get: (key) => objects.get(key),
    values: () => objects.values(),
    size: () => objects.size,
    byIndex: (name, value) => {
      const index = indexes.get(name)
      if (index === undefined) {
        throw new Error(`no index "${name}"`)
      }
      const found: Array<KubeObject> = []
      for (const key of index.keys(value)) {
        const object = objects.get(key)
        if (object !== undefined) found.push(object)
      }
      return found
    },
    upsert,
    remove,
    replace,
  }
}
