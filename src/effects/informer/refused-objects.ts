/** Tells of objects that a cache does not take, each once, and not of all where there are many. */
import { LruMap } from "../controller/lru-cache.ts"

/** Of more than these in one cache, no further one is told: whoever makes them could fill a log. */
const toldAtMost = 20
const remembered = 256

/**
 * @param tell in words for people; what names the object was written by others and is not escaped
 * @returns to be called for each refused object: how it is known, and why it is refused
 */
export const makeRefusedObjects = (tell: (message: string) => void) => {
  const told = new LruMap<string, string>(remembered)
  let count = 0
  return (key: string, why: string): void => {
    if (count > toldAtMost || told.get(key) === why) return
    told.set(key, why)
    count += 1
    tell(
      count > toldAtMost
        ? "further objects are left out; no more is told of them"
        : `${key === "" ? "an object" : key} is left out, and stays as it was last known: ${why}`,
    )
  }
}
