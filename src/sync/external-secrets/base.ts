/**
 * What both sides of a SecretStore last agreed on, as it is noted on the host's object. The API server takes 256 KiB of annotations, and a
 * spec may hold a company's whole bundle of authorities; of what is large, only its hash is kept. Nothing is ever taken from the base: each side is
 * compared with it.
 */
import { createHash } from "node:crypto"
import { Result } from "effect"
import { isRecord, recordAt, stringAt } from "../../effects/client/unstructured.ts"
import type { JsonRecord } from "../../effects/client/unstructured.ts"
import { jsonEqual } from "../../effects/client/merge-patch.ts"
import { isNestedDeeperThan } from "../tenancy/structural-schema.ts"

/** In the place of a value: the only field, with the hash of the value. No field of ESO's API has a name like that. */
const hashField = "vcluster-es.io/sha256"

/** Characters of JSON from which on a scalar or a list is kept as its hash. */
const large = 512
/** Characters of all that is kept: an annotation has 256 KiB together with the others. */
const longest = 64 * 1024

/** One text for equal values, whatever the order of their keys. */
const sortedJson = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    isRecord(part) ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1))) : part,
  )

const hashOf = (value: unknown): JsonRecord => ({
  [hashField]: createHash("sha256").update(sortedJson(value)).digest("base64"),
})

const digested = (value: unknown): unknown => {
  if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, digested(part)]))
  return JSON.stringify(value).length < large ? value : hashOf(value)
}

/** @param spec what both sides hold from now on */
export const writeBase = (spec: JsonRecord): string => {
  const text = JSON.stringify(digested(spec))
  return text.length <= longest ? text : JSON.stringify(hashOf(spec))
}

/** Host specs nest as deep as ESO's API does; an annotation that somebody wrote on the host may hold anything. */
const maxDepth = 32

/** Also of older versions, which kept all values as they were. */
export const readBase = (text: string): JsonRecord | undefined => {
  const parsed = Result.getOrUndefined(Result.try((): unknown => JSON.parse(text)))
  return isNestedDeeperThan(parsed, maxDepth) ? undefined : recordAt(parsed)
}

/** Whether a value stands as it did in the base; the depth of both must be limited by the caller. */
export const equalsBase = (value: unknown, base: unknown): boolean => {
  if (jsonEqual(value, base)) return true
  if (!isRecord(base)) return false
  const hash = stringAt(base, hashField)
  if (hash !== undefined) return value !== undefined && hash === hashOf(value)[hashField]
  return (
    isRecord(value) &&
    Object.keys(value).length === Object.keys(base).length &&
    Object.entries(value).every(([key, part]) => Object.hasOwn(base, key) && equalsBase(part, base[key]))
  )
}

/**
 * The base with the values themselves, as far as they still stand somewhere.
 *
 * @param standing what stands on either side now; the depth must be limited by the caller
 */
export const withValues = (base: unknown, standing: ReadonlyArray<unknown>): unknown => {
  if (!isRecord(base)) return base
  if (stringAt(base, hashField) !== undefined) return standing.find((value) => equalsBase(value, base)) ?? base
  const at = (key: string) =>
    standing.map((value) => (isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined))
  return Object.fromEntries(Object.entries(base).map(([key, part]) => [key, withValues(part, at(key))]))
}
