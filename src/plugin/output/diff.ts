/** What a write would change, as a unified diff of YAML. Values of Secrets never show, only whether they differ. */
import { Predicate } from "effect"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { toYaml } from "./print-object.ts"

type Line = { readonly mark: " " | "-" | "+"; readonly text: string }

const removed = (text: string): Line => ({ mark: "-", text })
const added = (text: string): Line => ({ mark: "+", text })
const same = (text: string): Line => ({ mark: " ", text })

const context = 3
/** Above this many cells the table of the longest common subsequence costs more than an exact diff is worth. */
const maxCells = 4_000_000

const lengths = (before: ReadonlyArray<string>, after: ReadonlyArray<string>): ReadonlyArray<Uint32Array> => {
  const table = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1))
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const row = table[i]
      if (row === undefined) continue
      const below = table[i + 1]
      row[j] = before[i] === after[j] ? (below?.[j + 1] ?? 0) + 1 : Math.max(below?.[j] ?? 0, row[j + 1] ?? 0)
    }
  }
  return table
}

/** The part between the common head and the common tail. */
const diffMiddle = (before: ReadonlyArray<string>, after: ReadonlyArray<string>): ReadonlyArray<Line> => {
  if (before.length * after.length > maxCells) return [...before.map(removed), ...after.map(added)]
  const table = lengths(before, after)
  const lines: Array<Line> = []
  let i = 0
  let j = 0
  while (i < before.length && j < after.length) {
    const left = before[i] ?? ""
    const right = after[j] ?? ""
    if (left === right) {
      lines.push({ mark: " ", text: left })
      i += 1
      j += 1
    } else if ((table[i + 1]?.[j] ?? 0) >= (table[i]?.[j + 1] ?? 0)) {
      lines.push(removed(left))
      i += 1
    } else {
      lines.push(added(right))
      j += 1
    }
  }
  return [...lines, ...before.slice(i).map(removed), ...after.slice(j).map(added)]
}

const diffLines = (before: ReadonlyArray<string>, after: ReadonlyArray<string>): ReadonlyArray<Line> => {
  const shorter = Math.min(before.length, after.length)
  let head = 0
  while (head < shorter && before[head] === after[head]) head += 1
  let tail = 0
  while (tail < shorter - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1
  return [
    ...before.slice(0, head).map(same),
    ...diffMiddle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(same),
  ]
}

const range = (start: number, count: number): string => (count === 1 ? `${start}` : `${start},${count}`)

/** Unified hunks of two texts, three lines of context, without the file header; empty when they are equal. */
export const unifiedHunks = (before: ReadonlyArray<string>, after: ReadonlyArray<string>): ReadonlyArray<string> => {
  const lines = diffLines(before, after)
  const changed = lines.flatMap((line, index) => (line.mark === " " ? [] : [index]))
  const out: Array<string> = []
  let oldLine = 1
  let newLine = 1
  let position = 0
  for (let c = 0; c < changed.length;) {
    const from = Math.max(0, (changed[c] ?? 0) - context)
    let to = (changed[c] ?? 0) + context
    while (c < changed.length && (changed[c] ?? 0) <= to + context + 1) to = (changed[c++] ?? 0) + context
    for (; position < from; position++) {
      oldLine += 1
      newLine += 1
    }
    const hunk = lines.slice(from, to + 1)
    const oldCount = hunk.filter((line) => line.mark !== "+").length
    const newCount = hunk.filter((line) => line.mark !== "-").length
    // By convention an empty side is numbered by the line before it.
    const oldStart = oldCount === 0 ? oldLine - 1 : oldLine
    const newStart = newCount === 0 ? newLine - 1 : newLine
    out.push(`@@ -${range(oldStart, oldCount)} +${range(newStart, newCount)} @@`)
    for (const line of hunk) out.push(line.mark + line.text)
    oldLine += oldCount
    newLine += newCount
    position = to + 1
  }
  return out
}

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

const withoutNoise = (object: KubeObject): KubeObject => {
  const { managedFields: _, annotations, ...metadata } = object.metadata
  // The annotation repeats the whole object, a Secret's values among it.
  const kept = Object.entries(annotations ?? {}).filter(([key]) => key !== lastApplied)
  return {
    ...object,
    metadata: kept.length === 0 ? metadata : { ...metadata, annotations: Object.fromEntries(kept) },
  }
}

const masked = "***"

const maskValues = (field: unknown, other: unknown, side: string): unknown => {
  if (!Predicate.isObject(field)) return field
  const others = new Map(Predicate.isObject(other) ? Object.entries(other) : [])
  // `fromEntries` also keeps a key `__proto__`, which the API server accepts.
  return Object.fromEntries(
    Object.entries(field).map(([key, value]) => [
      key,
      !others.has(key) || others.get(key) === value ? masked : `${masked} (${side})`,
    ]),
  )
}

/** A Secret without its values; where `other` has another value under the same key, `side` (`before`, `after`) says so. */
export const redact = (object: KubeObject, other: KubeObject | undefined, side: string): KubeObject => {
  if (object.kind !== "Secret") return object
  const { data, stringData, ...rest } = object
  return {
    ...rest,
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: object.metadata,
    ...(data === undefined ? {} : { data: maskValues(data, other?.["data"], side) }),
    ...(stringData === undefined ? {} : { stringData: maskValues(stringData, other?.["stringData"], side) }),
  }
}

/** Thousands of lines that somebody else wrote; their length tells whether they differ. */
const withoutSchemas = (object: KubeObject): KubeObject => {
  const { spec } = object
  if (object.kind !== "CustomResourceDefinition" || !Predicate.hasProperty(spec, "versions")) return object
  if (!Array.isArray(spec.versions)) return object
  const versions = spec.versions.map((version: unknown) =>
    Predicate.hasProperty(version, "schema")
      ? { ...version, schema: `(not shown: ${JSON.stringify(version.schema).length} characters)` }
      : version,
  )
  return { ...object, spec: { ...spec, versions } }
}

const yamlLines = (
  object: KubeObject | undefined,
  other: KubeObject | undefined,
  side: string,
): ReadonlyArray<string> =>
  object === undefined
    ? []
    : toYaml(redact(withoutSchemas(withoutNoise(object)), other, side))
        .trimEnd()
        .split("\n")

/**
 * The difference between two states of one object, as lines of a unified diff.
 *
 * @param title what the two file lines of the header say, e.g. `host/ExternalSecret/team-x/db`
 * @param before undefined: the object is created
 * @param after undefined: it is deleted
 */
export const diffObjects = (
  title: string,
  before: KubeObject | undefined,
  after: KubeObject | undefined,
): ReadonlyArray<string> => {
  const hunks = unifiedHunks(yamlLines(before, after, "before"), yamlLines(after, before, "after"))
  if (hunks.length === 0) return []
  return [
    `--- ${before === undefined ? "/dev/null" : `${title} (now)`}`,
    `+++ ${after === undefined ? "/dev/null" : `${title} (would be)`}`,
    ...hunks,
  ]
}
