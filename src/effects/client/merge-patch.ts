/**
 * JSON merge patches (RFC 7386): the least that turns one JSON value into another.
 *
 * Nothing here recurses: the API server takes nesting up to ten thousand levels, which a tenant could use to overflow our stack.
 */
import { isRecord } from "./unstructured.ts"
import type { JsonRecord } from "./unstructured.ts"

const own = (record: JsonRecord, key: string): unknown => (Object.hasOwn(record, key) ? record[key] : undefined)

/** Puts what must be equal for these two to be onto the stack, left above right. @returns whether they may still be equal */
const descend = (left: unknown, right: unknown, stack: Array<unknown>): boolean => {
  if (left === right) return true
  if (Array.isArray(left)) {
    if (!Array.isArray(right) || left.length !== right.length) return false
    for (let index = 0; index < left.length; index += 1) stack.push(right[index], left[index])
    return true
  }
  if (!isRecord(left) || !isRecord(right)) return false
  for (const key of Object.keys(left)) stack.push(own(right, key), left[key])
  return Object.keys(right).every((key) => right[key] === undefined || Object.hasOwn(left, key))
}

/** Deep equality of JSON, whatever the order of keys. An absent and an undefined field are the same. */
export const jsonEqual = (left: unknown, right: unknown): boolean => {
  const stack = [right, left]
  while (stack.length > 0) if (!descend(stack.pop(), stack.pop(), stack)) return false
  return true
}

/** Not by assignment: a tenant may choose the key `__proto__`. */
const put = (target: object, key: string, value: unknown): void => {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true })
}

/**
 * The patch from `current` to `desired`; undefined when they are equal. Lists are replaced whole, as the RFC has it.
 * `desired` must not hold nulls: the RFC cannot express them, although the API server keeps those of nullable and free-form fields.
 */
export const mergePatch = (current: JsonRecord, desired: JsonRecord): JsonRecord | undefined => {
  const patch: JsonRecord = {}
  const open = [{ before: current, after: desired, into: patch }]
  for (let step = open.pop(); step !== undefined; step = open.pop()) {
    const { before, after, into } = step
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const [old, wanted] = [own(before, key), own(after, key)]
      if (jsonEqual(old, wanted)) continue
      if (isRecord(old) && isRecord(wanted)) {
        const child: JsonRecord = {}
        put(into, key, child)
        open.push({ before: old, after: wanted, into: child })
      } else put(into, key, wanted === undefined ? null : wanted)
    }
  }
  return Object.keys(patch).length === 0 ? undefined : patch
}

/** What the API server makes of a patch; for tests of the round trip. */
export const applyMergePatch = (target: unknown, patch: unknown): unknown => {
  if (!isRecord(patch)) return patch
  const base = isRecord(target) ? target : {}
  const kept = Object.entries(base).filter(([key]) => !Object.hasOwn(patch, key))
  const patched = Object.entries(patch).flatMap(([key, value]) =>
    value === null ? [] : [[key, applyMergePatch(own(base, key), value)] as const],
  )
  return Object.fromEntries([...kept, ...patched])
}
