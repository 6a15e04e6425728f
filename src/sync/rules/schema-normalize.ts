/**
 * Comparing by meaning. What we write on the host comes back different: the API server prunes unknown fields and fills in
 * defaults, and ESO writes the object back through its Go types, which drop empty fields and spell durations out
 * (`1h` → `1h0m0s`). `canonical` does to a value what they would do, so that equal meaning is equal JSON.
 */
import { Predicate } from "effect"
import { parseGoDuration } from "./go-duration.ts"

type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields => Predicate.isObject(value) && !Array.isArray(value)
const own = (record: Fields | undefined, key: string): unknown =>
  record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined
const fieldsAt = (record: Fields | undefined, key: string): Fields | undefined => {
  const value = own(record, key)
  return isFields(value) ? value : undefined
}

/** Fields that are Go durations although the schema only says `string`. */
const durationFields = new Set(["refreshInterval"])

/** Values that Go's `omitempty` leaves out. */
const isZero = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === "" ||
  value === 0 ||
  value === false ||
  (Array.isArray(value) && value.length === 0) ||
  (isFields(value) && Object.keys(value).length === 0)

const scalar = (field: string | undefined, value: unknown): unknown => {
  if (typeof value !== "string" || field === undefined || !durationFields.has(field)) return value
  // Zero is a meaning of its own here (never refresh), which must not fall to the zero values below.
  const duration = parseGoDuration(value)
  return duration === undefined ? value : `${duration}ns`
}

/** Deeper than any schema of ESO's: a tenant's deeper nesting is pruned by the API server or carried as it is. */
const maxDepth = 64

const withDefaults = (properties: Fields, value: Fields): ReadonlyArray<readonly [string, unknown]> => [
  ...Object.entries(value),
  ...Object.entries(properties).flatMap(([name, schema]) =>
    Object.hasOwn(value, name) || !isFields(schema) || !Object.hasOwn(schema, "default")
      ? []
      : [[name, schema["default"]] as const],
  ),
]

const canonicalFields = (schema: Fields | undefined, value: Fields, depth: number): unknown => {
  const properties = fieldsAt(schema, "properties")
  const additional = own(schema, "additionalProperties")
  if (properties === undefined && additional !== undefined && additional !== false)
    return mapValues(value, (item, name) => walk(isFields(additional) ? additional : undefined, item, name, depth))
  const prunes = properties !== undefined && own(schema, "x-kubernetes-preserve-unknown-fields") !== true
  const entries = withDefaults(properties ?? {}, value).flatMap(([name, item]) => {
    const known = fieldsAt(properties, name)
    if (known === undefined && prunes) return []
    const walked = walk(known, item, name, depth)
    return isZero(walked) ? [] : [[name, walked] as const]
  })
  return Object.fromEntries(entries)
}

const mapValues = (value: Fields, change: (item: unknown, name: string) => unknown): Fields =>
  Object.fromEntries(Object.entries(value).map(([name, item]) => [name, change(item, name)]))

const walk = (schema: Fields | undefined, value: unknown, field: string | undefined, depth: number): unknown => {
  if (depth > maxDepth) return value
  if (Array.isArray(value)) {
    const items = fieldsAt(schema, "items")
    return value.map((item) => walk(items, item, undefined, depth + 1))
  }
  if (isFields(value)) return canonicalFields(schema, value, depth + 1)
  return scalar(field, value)
}

/**
 * @param schema a node of a CRD's `openAPIV3Schema`; undefined: nothing is known, so nothing is pruned or defaulted
 * @returns the value with defaults filled in, unknown fields pruned, zero values of fixed fields dropped (those inside maps
 *   stay: their keys are data) and durations in one spelling
 */
export const canonical = (schema: unknown, value: unknown): unknown =>
  walk(isFields(schema) ? schema : undefined, value ?? {}, undefined, 0)
