/**
 * Comparing by meaning. What we write on the host comes back different: the API server prunes unknown fields and fills in
 * defaults (apiextensions-apiserver, structural schemas), and ESO writes the object back through its Go types, which drop
 * empty fields and spell durations out (`1h` → `1h0m0s`). `normalize` does to a value what the API server does, `canonical`
 * what both do, so that equal meaning is equal JSON.
 *
 * A tenant chooses the values: nothing here throws or follows a key to a prototype, whatever they are.
 */
import { normalizeGoDuration } from "../../effects/text/go-duration.ts"
import { isRecord } from "../../effects/client/unstructured.ts"
import type { JsonRecord } from "../../effects/client/unstructured.ts"

export interface NormalizeOptions {
  /** Names of fields that are Go durations, although a schema can only say `string`. */
  readonly durations?: ReadonlySet<string>
}

/** The fields of type `metav1.Duration` in ESO's API: refresh intervals, and the webhook provider's timeout. */
const esoDurations: ReadonlySet<string> = new Set(["refreshInterval", "refreshTime", "timeout"])

/** Deeper than any schema of ESO's; what is nested deeper stays as it is. */
const maxDepth = 64

interface Mode {
  /** Drop what Go's `omitempty` leaves out. */
  readonly dropZeros: boolean
  readonly durations: ReadonlySet<string>
}

const own = (record: JsonRecord | undefined, key: string): unknown =>
  record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined
const recordOf = (value: unknown): JsonRecord | undefined => (isRecord(value) ? value : undefined)

/** Values that Go's `omitempty` leaves out. */
const isZero = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === "" ||
  value === 0 ||
  value === false ||
  (Array.isArray(value) && value.length === 0) ||
  (isRecord(value) && Object.keys(value).length === 0)

const hasDefault = (schema: JsonRecord | undefined): schema is JsonRecord =>
  schema !== undefined && Object.hasOwn(schema, "default") && schema["default"] !== null

const isNullable = (schema: JsonRecord): boolean => own(schema, "nullable") === true
const preservesUnknown = (schema: JsonRecord): boolean => own(schema, "x-kubernetes-preserve-unknown-fields") === true

/** Fields of an object that is embedded whole, which the schema need not name. */
const isMetaField = (schema: JsonRecord, name: string): boolean =>
  own(schema, "x-kubernetes-embedded-resource") === true && ["apiVersion", "kind", "metadata"].includes(name)

/** What stands for a field whose value counts as absent: its default, or nothing. */
const absent = (schema: JsonRecord | undefined): unknown => (hasDefault(schema) ? schema["default"] : undefined)

/** The API server takes a null that is not allowed for an absent field; so does Go, and an empty string as well. */
const countsAsAbsent = (schema: JsonRecord, value: unknown, mode: Mode): boolean => {
  if (value === null) return mode.dropZeros || !isNullable(schema)
  return mode.dropZeros && value === "" && hasDefault(schema)
}

type Entry = readonly [name: string, value: unknown]

const fixedField = (
  schema: JsonRecord,
  name: string,
  item: unknown,
  mode: Mode,
  depth: number,
): ReadonlyArray<Entry> => {
  const given = countsAsAbsent(schema, item, mode) ? absent(schema) : item
  if (given === undefined) return []
  const walked = walk(schema, given, name, mode, depth)
  return mode.dropZeros && isZero(walked) ? [] : [[name, walked]]
}

const mapEntry = (schema: unknown, name: string, item: unknown, mode: Mode, depth: number): ReadonlyArray<Entry> => {
  const known = recordOf(schema)
  if (item !== null || known === undefined || isNullable(known))
    return [[name, walk(known, item, undefined, mode, depth)]]
  return hasDefault(known) ? [[name, known["default"]]] : []
}

const field = (schema: JsonRecord, name: string, item: unknown, mode: Mode, depth: number): ReadonlyArray<Entry> => {
  if (isMetaField(schema, name)) return [[name, item]]
  const known = recordOf(own(recordOf(own(schema, "properties")), name))
  if (known !== undefined) return fixedField(known, name, item, mode, depth)
  const additional = own(schema, "additionalProperties")
  if (additional !== undefined && additional !== false) return mapEntry(additional, name, item, mode, depth)
  return preservesUnknown(schema) ? [[name, item]] : []
}

/** Fields that are absent and have a default. An absent map stays absent, defaults inside it or not. */
const defaults = (schema: JsonRecord, value: JsonRecord, mode: Mode, depth: number): ReadonlyArray<Entry> =>
  Object.entries(recordOf(own(schema, "properties")) ?? {}).flatMap(([name, property]) => {
    const known = recordOf(property)
    return known === undefined || !hasDefault(known) || Object.hasOwn(value, name)
      ? []
      : fixedField(known, name, known["default"], mode, depth)
  })

/** A node that says nothing about fields (`{}`, or only validation rules beside another type) describes nothing. */
const describesFields = (schema: JsonRecord): boolean =>
  own(schema, "type") === "object" ||
  Object.hasOwn(schema, "properties") ||
  Object.hasOwn(schema, "additionalProperties") ||
  preservesUnknown(schema)

const walkRecord = (schema: JsonRecord | undefined, value: JsonRecord, mode: Mode, depth: number): unknown => {
  if (schema === undefined || !describesFields(schema)) return value
  return Object.fromEntries([
    ...Object.entries(value).flatMap(([name, item]) => field(schema, name, item, mode, depth)),
    ...defaults(schema, value, mode, depth),
  ])
}

const walkList = (
  schema: JsonRecord | undefined,
  value: ReadonlyArray<unknown>,
  mode: Mode,
  depth: number,
): unknown => {
  const items = recordOf(own(schema, "items"))
  if (items === undefined) return value
  return value.map((item) => {
    const given = item === null && !isNullable(items) && hasDefault(items) ? items["default"] : item
    return walk(items, given, undefined, mode, depth)
  })
}

/** Zero is a meaning of its own in a duration (never refresh): it becomes `0s`, which is no zero value. */
const walkScalar = (value: unknown, name: string | undefined, mode: Mode): unknown =>
  typeof value === "string" && name !== undefined && mode.durations.has(name)
    ? (normalizeGoDuration(value) ?? value)
    : value

/** @param name of the fixed field that the value stands in; undefined in a list or a map, whose keys are data */
const walk = (
  schema: JsonRecord | undefined,
  value: unknown,
  name: string | undefined,
  mode: Mode,
  depth: number,
): unknown => {
  if (depth > maxDepth) return value
  if (Array.isArray(value)) return walkList(schema, value, mode, depth + 1)
  if (isRecord(value)) return walkRecord(schema, value, mode, depth + 1)
  return walkScalar(value, name, mode)
}

/**
 * What the API server stores for a value.
 *
 * @param schema a node of a CRD's `openAPIV3Schema`; anything else: nothing is known, so nothing is pruned or filled in
 * @returns the value with defaults filled in, unknown fields pruned, nulls that are not allowed dropped; with `durations`, those
 *   fields in Go's spelling (which the API server leaves to the controller)
 */
export const normalize = (schema: unknown, value: unknown, options: NormalizeOptions = {}): unknown =>
  walk(recordOf(schema), value, undefined, { dropZeros: false, durations: options.durations ?? new Set() }, 0)

/**
 * The one spelling of all values of equal meaning: {@link normalize}, and zero values of fixed fields dropped (those inside maps
 * and lists stay: there they are data). An absent value counts as an empty object.
 */
export const canonical = (schema: unknown, value: unknown, options: NormalizeOptions = {}): unknown =>
  walk(recordOf(schema), value ?? {}, undefined, { dropZeros: true, durations: options.durations ?? esoDurations }, 0)

/** Whether a value is nested deeper than any ESO object is: recursion over it, JSON.stringify too, may exhaust the stack. */
export const isNestedDeeperThan = (value: unknown, limit: number): boolean => {
  let level: ReadonlyArray<object> = [value].filter(isContainer)
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth >= limit) return true
    const next: Array<object> = []
    for (const item of level) for (const inner of Object.values(item)) if (isContainer(inner)) next.push(inner)
    level = next
  }
  return false
}

const isContainer = (value: unknown): value is object => typeof value === "object" && value !== null
