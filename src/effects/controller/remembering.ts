/** What was worked out lately, so that it need not be again while one thing is looked at several times in a row. */
import { LruMap } from "./lru-cache.ts"

/**
 * The function, with its last results kept.
 *
 * @param capacity how many: what is worked out of all objects of a cluster would be a large part of our memory
 * @param workOut pure, and of what never changes: texts, objects of caches
 */
export const remembering = <Key, Value>(capacity: number, workOut: (key: Key) => Value): ((key: Key) => Value) => {
  const results = new LruMap<Key, { readonly value: Value }>(capacity)
  return (key) => {
    const known = results.get(key)
    if (known !== undefined) return known.value
    const value = workOut(key)
    results.set(key, { value })
    return value
  }
}
