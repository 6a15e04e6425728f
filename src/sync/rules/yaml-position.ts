/**
 * YAML that remembers where everything stands: every value and key with its line and column, aliases and merge keys resolved.
 *
 * It reads what vCluster and Helm read (sigs.k8s.io/yaml, which is YAML 1.1 where booleans and merge keys are concerned).
 */
import { Result } from "effect"
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from "yaml"
import type { ParsedNode, YAMLMap, YAMLSeq } from "yaml"

/** Both count from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

export interface PositionedProblem {
  /** Absent only when the text as a whole is to blame. */
  readonly at?: Position
  readonly message: string
}

interface Extent {
  readonly at: Position
  /** Values below it when aliases are written out, and how deep: what a walk over it costs. */
  readonly size: number
  readonly depth: number
}

export interface YamlEntry {
  readonly keyAt: Position
  readonly value: YamlTree
}

export interface YamlMap extends Extent {
  readonly kind: "map"
  readonly entries: ReadonlyMap<string, YamlEntry>
}

export interface YamlList extends Extent {
  readonly kind: "list"
  readonly items: ReadonlyArray<YamlTree>
}

export interface YamlScalar extends Extent {
  readonly kind: "scalar"
  /** string, number, boolean or null. */
  readonly value: unknown
}

export type YamlTree = YamlMap | YamlList | YamlScalar

/** Far above any real configuration; a few lines of aliases to aliases reach billions. */
const maxSize = 100_000
const maxDepth = 100

/** YAML 1.1's booleans beyond `true` and `false`, as sigs.k8s.io/yaml resolves unquoted words. */
const oldBooleans: ReadonlyMap<string, boolean> = new Map([
  ...["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"].map((word) => [word, true] as const),
  ...["n", "N", "no", "No", "NO", "off", "Off", "OFF"].map((word) => [word, false] as const),
])

const nothing: Extent & { readonly kind: "scalar"; readonly value: null } = {
  kind: "scalar",
  value: null,
  at: { line: 1, column: 1 },
  size: 1,
  depth: 1,
}

/** One pass over the nodes of a document. */
class TreeBuilder {
  readonly problems: Array<PositionedProblem> = []
  private readonly lines: LineCounter
  private readonly anchors = new Map<string, YamlTree>()

  constructor(lines: LineCounter) {
    this.lines = lines
  }

  position(offset: number): Position {
    const { line, col } = this.lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }

  build(node: ParsedNode | null, depth: number): YamlTree {
    if (node === null) return nothing
    const at = this.position(node.range[0])
    if (depth >= maxDepth) return this.refuse(at, `nested more than ${maxDepth} levels deep`)
    if (isAlias(node)) return this.anchors.get(node.source) ?? this.refuse(at, `unknown alias *${node.source}`)
    const tree = isMap(node)
      ? this.buildMap(node, at, depth)
      : isSeq(node)
        ? this.buildList(node, at, depth)
        : ({ ...nothing, at, value: scalarValue(node) } as const)
    const bounded = this.bound(tree)
    // After its own content: an alias inside of what it names is unknown, so there are no cycles.
    if (node.anchor !== undefined) this.anchors.set(node.anchor, bounded)
    return bounded
  }

  private refuse(at: Position, message: string): YamlTree {
    this.problems.push({ at, message })
    return { ...nothing, at }
  }

  private bound(tree: YamlTree): YamlTree {
    if (tree.size > maxSize) return this.refuse(tree.at, `aliases multiply to more than ${maxSize} values`)
    if (tree.depth > maxDepth) return this.refuse(tree.at, `nested more than ${maxDepth} levels deep`)
    return tree
  }

  private buildList(node: YAMLSeq.Parsed, at: Position, depth: number): YamlList {
    const items = node.items.map((item) => this.build(isParsed(item) ? item : null, depth + 1))
    return { kind: "list", at, items, ...extentOf(items) }
  }

  private buildMap(node: YAMLMap.Parsed, at: Position, depth: number): YamlMap {
    const entries = new Map<string, YamlEntry>()
    const merges: Array<YamlTree> = []
    for (const { key, value } of node.items) {
      const keyAt = this.position(key?.range[0] ?? node.range[0])
      const tree = this.build(value, depth + 1)
      if (isScalar(key) && key.type === "PLAIN" && key.value === "<<") merges.push(...this.mergeSources(tree))
      else this.addEntry(entries, this.keyName(key, keyAt), { keyAt, value: tree })
    }
    for (const source of merges)
      if (source.kind === "map")
        for (const [name, entry] of source.entries) if (!entries.has(name)) entries.set(name, entry)
    return { kind: "map", at, entries, ...extentOf([...entries.values()].map((entry) => entry.value)) }
  }

  private mergeSources(tree: YamlTree): ReadonlyArray<YamlTree> {
    const sources = tree.kind === "list" ? tree.items : [tree]
    if (sources.every((source) => source.kind === "map")) return sources
    this.refuse(tree.at, "<< takes a map or a list of maps")
    return []
  }

  private keyName(key: ParsedNode | null, at: Position): string | undefined {
    const tree = this.build(key, 1)
    if (tree.kind === "scalar") return String(tree.value)
    this.refuse(at, "a key must be a plain value, not a map or a list")
    return undefined
  }

  private addEntry(entries: Map<string, YamlEntry>, name: string | undefined, entry: YamlEntry): void {
    if (name === undefined) return
    const first = entries.get(name)
    if (first === undefined) entries.set(name, entry)
    else this.refuse(entry.keyAt, `duplicate key ${JSON.stringify(name)}, first on line ${first.keyAt.line}`)
  }
}

const isParsed = (node: unknown): node is ParsedNode => isAlias(node) || isMap(node) || isSeq(node) || isScalar(node)

const scalarValue = (node: { readonly value: unknown; readonly type?: string | undefined }): unknown =>
  node.type === "PLAIN" && typeof node.value === "string" ? (oldBooleans.get(node.value) ?? node.value) : node.value

const extentOf = (children: ReadonlyArray<YamlTree>): { readonly size: number; readonly depth: number } => ({
  size: children.reduce((sum, child) => sum + child.size, 1),
  depth: children.reduce((deepest, child) => Math.max(deepest, child.depth + 1), 1),
})

const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim()

/** What the parser says when its own recursion, which it catches itself, has gone too far. */
const stackOverflow = /call stack/i

const describeError = (message: string): string =>
  stackOverflow.test(message) ? "nested too deeply to be read" : `not valid YAML: ${oneLine(message)}`

const parseDocuments = (text: string, lineCounter: LineCounter) =>
  Result.try(() => [...parseAllDocuments(text, { lineCounter, prettyErrors: false, uniqueKeys: false })])

/** @returns the tree of the one document (an empty text is a null), or everything that keeps it from being read */
export const parseYaml = (text: string): Result.Result<YamlTree, ReadonlyArray<PositionedProblem>> => {
  const lines = new LineCounter()
  const parsed = parseDocuments(text, lines)
  if (Result.isFailure(parsed)) return Result.fail([{ message: "nested too deeply to be read" }])
  const builder = new TreeBuilder(lines)
  const fail = (offset: number, message: string) => Result.fail([{ at: builder.position(offset), message }])
  // The first error only: those after it are mostly its consequences.
  const error = parsed.success.flatMap((document) => document.errors).toSorted((a, b) => a.pos[0] - b.pos[0])[0]
  if (error !== undefined) return fail(error.pos[0], describeError(error.message))
  const contents = parsed.success.map((document) => document.contents)
  const second = contents.slice(1).find((node) => node !== null && !(isScalar(node) && node.source === ""))
  if (second !== undefined && second !== null)
    return fail(second.range[0], "a second document begins here; the settings must be one document")
  const tree = builder.build(contents[0] ?? null, 1)
  return builder.problems.length === 0 ? Result.succeed(tree) : Result.fail(builder.problems)
}

/** Without positions. Safe for every key, `__proto__` included. */
export const plainValue = (tree: YamlTree): unknown => {
  if (tree.kind === "scalar") return tree.value
  if (tree.kind === "list") return tree.items.map(plainValue)
  return Object.fromEntries([...tree.entries].map(([key, entry]) => [key, plainValue(entry.value)]))
}

/** What stands at the end of the path, or undefined when a step is missing. Numbers step into lists. */
export const entryAt = (tree: YamlTree, path: ReadonlyArray<string | number>): YamlEntry | undefined => {
  let entry: YamlEntry = { keyAt: tree.at, value: tree }
  for (const step of path) {
    const next = stepInto(entry.value, step)
    if (next === undefined) return undefined
    entry = next
  }
  return entry
}

const stepInto = (tree: YamlTree, step: string | number): YamlEntry | undefined => {
  if (tree.kind === "map") return tree.entries.get(String(step))
  const item = tree.kind === "list" && typeof step === "number" ? tree.items[step] : undefined
  return item === undefined ? undefined : { keyAt: item.at, value: item }
}
