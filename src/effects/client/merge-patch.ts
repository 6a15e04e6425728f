/**
 * JSON merge patches (RFC 7386): the least that turns one JSON value into another.
 *
 * Nothing here recurses: the API server takes nesting up to ten thousand levels, which a tenant could use to overflow our stack.
 */
import { isRecord } from "./unstructured.ts"
import type { JsonRecord } from "./unstructured.ts"

const own = (record: JsonRecord, key: string): unknown => (Object.hasOwn(record, key) ? record[key] : undefined)

/** Whether a key that only the right one has makes a difference. */
type Counts = (value: unknown) => boolean

/** Puts what must be equal for these two to be onto the stack, left above right. @returns whether they may still be equal */
const descend = (left: unknown, right: unknown, stack: Array<unknown>, counts: Counts): boolean => {
  if (left === right) return true
  if (Array.isArray(left)) {
    if (!Array.isArray(right) || left.length !== right.length) return false
    for (let index = 0; index < left.length; index += 1) stack.push(right[index], left[index])
    return true
  }
  if (!isRecord(left) || !isRecord(right)) return false
  for (const key of Object.keys(left)) stack.push(own(right, key), left[key])
  return Object.keys(right).every((key) => !counts(right[key]) || Object.hasOwn(left, key))
}

const isEqual = (left: unknown, right: unknown, counts: Counts): boolean => {
  const stack = [right, left]
  while (stack.length > 0) if (!descend(stack.pop(), stack.pop(), stack, counts)) return false
  return true
}

/** Deep equality of JSON, whatever the order of keys. An absent and an undefined field are the same. */
export const jsonEqual = (left: unknown, right: unknown): boolean =>
  isEqual(left, right, (value) => value !== undefined)

/** Whether another merge patch would bring what stands there no nearer to what is desired. */
const isWritten = (standing: unknown, desired: unknown): boolean =>
  (standing === undefined && desired === null) ||
  isEqual(standing, desired, (value) => value !== undefined && value !== null)

/** Not by assignment: a tenant may choose the key `__proto__`. */
const put = (target: object, key: string, value: unknown): void => {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true })
}

/**
 * The patch from `current` to `desired`; undefined when they are equal. Lists are replaced whole, as the RFC has it.
 *
 * A null of a map can't be written: it means «remove», and the API server drops those in maps within lists too, which the RFC keeps
 * (findings/merge-patch-nulls-in-lists.sh). So where `desired` has one, nothing may stand as well as a null, which a
 * nullable or free-form field keeps of a POST. A null that is an entry of a list is a value like others.
 */
export const mergePatch = (current: JsonRecord, desired: JsonRecord): JsonRecord | undefined => {
  const patch: JsonRecord = {}
  const open = [{ before: current, after: desired, into: patch }]
  for (let step = open.pop(); step !== undefined; step = open.pop()) {
    const { before, after, into } = step
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const [old, wanted] = [own(before, key), own(after, key)]
      if (isWritten(old, wanted)) continue
      if (isRecord(old) && isRecord(wanted)) {
        const child: JsonRecord = {}
        put(into, key, child)
        open.push({ before: old, after: wanted, into: child })
      } else put(into, key, wanted === undefined ? null : wanted)
    }
  }
  return Object.keys(patch).length === 0 ? undefined : patch
}

/** A value as it arrives where nothing stood before: without the nulls of its maps. */
const withoutNulls = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutNulls)
  return isRecord(value) ? applyMergePatch({}, value) : value
}

/** What the API server makes of a patch (`MergePatch` of evanphx/json-patch v4). */
export const applyMergePatch = (target: unknown, patch: unknown): unknown => {
  if (!isRecord(patch)) return withoutNulls(patch)
  const base = isRecord(target) ? target : {}
  const kept = Object.entries(base).filter(([key]) => !Object.hasOwn(patch, key))
  const patched = Object.entries(patch).flatMap(([key, value]) =>
    value === null ? [] : [[key, applyMergePatch(own(base, key), value)] as const],
  )
  return Object.fromEntries([...kept, ...patched])
}
