/**
 * Edits of two sides since a common base, put together (as `kubectl apply` and git do it). Maps are merged key by key; lists
 * and scalars are one value each, since nothing says which entry of a list is which.
 */
import { isRecord } from "../../../effects/client/unstructured.ts"
import type { JsonRecord } from "../../../effects/client/unstructured.ts"
import { jsonEqual } from "../../../effects/client/merge-patch.ts"
import { equalsBase } from "../../external-secrets/base.ts"

export interface Merged {
  readonly value: unknown
  /** Where both sides changed the same thing to different values: `spec.provider.vault.server`. */
  readonly conflicts: ReadonlyArray<string>
}

const own = (record: JsonRecord, key: string): unknown => (Object.hasOwn(record, key) ? record[key] : undefined)

const mergeMaps = (base: JsonRecord, ours: JsonRecord, theirs: JsonRecord, path: string): Merged => {
  const conflicts: Array<string> = []
  const keys = new Set([...Object.keys(ours), ...Object.keys(theirs)])
  const entries = [...keys].flatMap((key) => {
    const merged = mergeThreeWays(own(base, key), own(ours, key), own(theirs, key), `${path}.${key}`)
    conflicts.push(...merged.conflicts)
    return merged.value === undefined ? [] : [[key, merged.value] as const]
  })
  return { value: Object.fromEntries(entries), conflicts }
}

/**
 * @param base what both sides had, as `base.ts` keeps it
 * @param ours the side that wins where both changed the same thing
 * @param path of the values, for the list of conflicts
 * @returns undefined as the value where it is to be absent. The depth of the values must be limited by the caller
 */
export const mergeThreeWays = (base: unknown, ours: unknown, theirs: unknown, path: string): Merged => {
  if (jsonEqual(ours, theirs) || equalsBase(theirs, base)) return { value: ours, conflicts: [] }
  if (equalsBase(ours, base)) return { value: theirs, conflicts: [] }
  if (isRecord(ours) && isRecord(theirs)) return mergeMaps(isRecord(base) ? base : {}, ours, theirs, path)
  return { value: ours, conflicts: [path] }
}
