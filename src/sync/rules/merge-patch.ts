/** JSON merge patches (RFC 7386): the least that turns one JSON value into another. */
import { Predicate } from "effect"
import type { JsonRecord } from "./json.ts"

const isRecord = (value: unknown): value is JsonRecord => Predicate.isObject(value) && !Array.isArray(value)

/** Deep equality of JSON, whatever the order of keys. An absent and an undefined field are the same. */
export const jsonEqual = (left: unknown, right: unknown): boolean => {
  if (left === right) return true
  if (Array.isArray(left))
    return (
      Array.isArray(right) && left.length === right.length && left.every((item, index) => jsonEqual(item, right[index]))
    )
  if (!isRecord(left) || !isRecord(right)) return false
  return (
    Object.keys(left).every((key) => jsonEqual(left[key], Object.hasOwn(right, key) ? right[key] : undefined)) &&
    Object.keys(right).every((key) => Object.hasOwn(left, key) || right[key] === undefined)
  )
}

const own = (record: JsonRecord, key: string): unknown => (Object.hasOwn(record, key) ? record[key] : undefined)

const patchOfKey = (current: JsonRecord, desired: JsonRecord, key: string): ReadonlyArray<readonly [string, unknown]> => {
  const before = own(current, key)
  const after = own(desired, key)
  if (jsonEqual(before, after)) return []
  if (after === undefined) return [[key, null]]
  if (!isRecord(before) || !isRecord(after)) return [[key, after]]
  return [[key, mergePatch(before, after) ?? {}]]
}

/**
 * The patch from `current` to `desired`; undefined when they are equal. Lists are replaced whole, as the RFC has it.
 * `desired` must not hold nulls (the RFC cannot express them); the API server stores none.
 */
export const mergePatch = (current: JsonRecord, desired: JsonRecord): JsonRecord | undefined => {
  const keys = new Set([...Object.keys(current), ...Object.keys(desired)])
  // fromEntries, not assignment: a tenant may choose the key `__proto__`.
  const patch = Object.fromEntries([...keys].flatMap((key) => patchOfKey(current, desired, key)))
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
