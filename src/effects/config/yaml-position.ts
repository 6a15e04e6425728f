/**
 * YAML that remembers where everything stands: every value and key with its line and column, aliases and merge keys resolved.
 *
 * It reads what kubectl and Helm read (sigs.k8s.io/yaml): `yaml-scalar.ts` has their words and numbers, `yaml-dialect.ts` what they
 * refuse. A key that is given twice is refused here, also where they would let the last count.
 */
import { Result } from "effect"
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from "yaml"
import type { ParsedNode, Scalar, YAMLMap, YAMLSeq } from "yaml"
import { dialectProblems } from "./yaml-dialect.ts"
import { keyText, resolvePlain, resolveTagged } from "./yaml-scalar.ts"
import type { ResolvedScalar } from "./yaml-scalar.ts"

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
  /** What it is called as the key of a map; undefined where it can't be one. */
  readonly name: string | undefined
}

export type YamlTree = YamlMap | YamlList | YamlScalar

/** Far above any real configuration; a few lines of aliases to aliases reach billions. */
const maxSize = 100_000
const maxDepth = 100

const nothing: Extent & { readonly kind: "scalar"; readonly value: null; readonly name: undefined } = {
  kind: "scalar",
  value: null,
  name: undefined,
  at: { line: 1, column: 1 },
  size: 1,
  depth: 1,
}

const yamlTag = "tag:yaml.org,2002:"

/** With a tag that YAML does not define, all is text. Of the parser's own idea of the value nothing is used. */
const resolveNode = ({ type, tag }: Scalar.Parsed, source: string): Result.Result<ResolvedScalar, string> => {
  if (tag?.startsWith(yamlTag) === true) return resolveTagged(tag.slice(yamlTag.length), source)
  return Result.succeed(type === "PLAIN" && tag === undefined ? resolvePlain(source) : source)
}

const isMergeKey = (key: ParsedNode | null): boolean =>
  isScalar(key) &&
  key.source === "<<" &&
  (key.tag === `${yamlTag}merge` || (key.type === "PLAIN" && (key.tag === undefined || key.tag === "!")))

/** One pass over the nodes of a document. */
class TreeBuilder {
  readonly problems: Array<PositionedProblem> = []
  private readonly text: string
  private readonly lines: LineCounter
  private readonly anchors = new Map<string, YamlTree>()

  constructor(text: string, lines: LineCounter) {
    this.text = text
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
        : this.finite(this.buildScalar(node, at))
    const bounded = this.bound(tree)
    // After its own content: an alias inside of what it names is unknown, so there are no cycles.
    if (node.anchor !== undefined) this.anchors.set(node.anchor, bounded)
    return bounded
  }

  private refuse(at: Position, message: string): YamlTree {
    this.problems.push({ at, message })
    return { ...nothing, at }
  }

  /** Keys may be called so. */
  private finite(tree: YamlTree): YamlTree {
    return tree.kind === "scalar" && typeof tree.value === "number" && !Number.isFinite(tree.value)
      ? this.refuse(
          tree.at,
          `${tree.name ?? "such a number"} is no number of JSON, and so refused by kubectl and Helm; put it in quotes`,
        )
      : tree
  }

  private bound(tree: YamlTree): YamlTree {
    if (tree.size > maxSize) return this.refuse(tree.at, `aliases multiply to more than ${maxSize} values`)
    if (tree.depth > maxDepth) return this.refuse(tree.at, `nested more than ${maxDepth} levels deep`)
    return tree
  }

  private buildList(node: YAMLSeq.Parsed, at: Position, depth: number): YamlList {
    const items = node.items.map((item) =>
      isParsed(item) ? this.build(item, depth + 1) : this.refuse(at, "write a list of maps without !!omap and !!pairs"),
    )
    return { kind: "list", at, items, ...extentOf(items) }
  }

  private buildMap(node: YAMLMap.Parsed, at: Position, depth: number): YamlMap {
    const entries = new Map<string, YamlEntry>()
    const given = new Map<string, Position>()
    for (const { key, value } of node.items) {
      const keyAt = this.position(key?.range[0] ?? node.range[0])
      const tree = this.build(value, depth + 1)
      // go-yaml goes from top to bottom: what is merged in below a key replaces it.
      if (isMergeKey(key)) for (const [name, entry] of this.mergedEntries(tree)) entries.set(name, entry)
      else this.addEntry(entries, given, this.keyName(key, keyAt), { keyAt, value: tree })
    }
    return { kind: "map", at, entries, ...extentOf([...entries.values()].map((entry) => entry.value)) }
  }

  private buildScalar(node: Scalar.Parsed, at: Position): YamlTree {
    const resolved = resolveNode(node, this.sourceOf(node))
    if (Result.isFailure(resolved)) return this.refuse(at, resolved.failure)
    const value = typeof resolved.success === "bigint" ? Number(resolved.success) : resolved.success
    return { ...nothing, at, value, name: keyText(resolved.success) }
  }

  /** A block at the end of a text without a last line break has none either. */
  private sourceOf({ source, type, range }: Scalar.Parsed): string {
    const isCut = type?.startsWith("BLOCK") === true && range[1] >= this.text.length && !this.text.endsWith("\n")
    return isCut ? source.replace(/\n$/, "") : source
  }

  /** Of a list of sources the first counts. */
  private mergedEntries(tree: YamlTree): ReadonlyArray<readonly [string, YamlEntry]> {
    return this.mergeSources(tree)
      .toReversed()
      .flatMap((source) => (source.kind === "map" ? [...source.entries] : []))
  }

  private mergeSources(tree: YamlTree): ReadonlyArray<YamlTree> {
    const sources = tree.kind === "list" ? tree.items : [tree]
    if (sources.every((source) => source.kind === "map")) return sources
    this.refuse(tree.at, "<< takes a map or a list of maps")
    return []
  }

  private keyName(key: ParsedNode | null, at: Position): string | undefined {
    const tree = isScalar(key) ? this.buildScalar(key, at) : this.build(key, 1)
    if (isScalar(key) && key.anchor !== undefined) this.anchors.set(key.anchor, tree)
    if (tree.kind === "scalar" && tree.name !== undefined) return tree.name
    const found =
      tree.kind === "scalar" ? (tree.value === null ? "nothing" : "a number of more than 63 bits") : `a ${tree.kind}`
    this.refuse(at, `a key must be a plain value, not ${found}; put it in quotes`)
    return undefined
  }

  private addEntry(
    entries: Map<string, YamlEntry>,
    given: Map<string, Position>,
    name: string | undefined,
    entry: YamlEntry,
  ): void {
    if (name === undefined) return
    const first = given.get(name)
    if (first === undefined) {
      given.set(name, entry.keyAt)
      entries.set(name, entry)
    } else this.refuse(entry.keyAt, `duplicate key ${JSON.stringify(name)}, first on line ${first.line}`)
  }
}

const isParsed = (node: unknown): node is ParsedNode => isAlias(node) || isMap(node) || isSeq(node) || isScalar(node)

const extentOf = (children: ReadonlyArray<YamlTree>): { readonly size: number; readonly depth: number } => ({
  size: children.reduce((sum, child) => sum + child.size, 1),
  depth: children.reduce((deepest, child) => Math.max(deepest, child.depth + 1), 1),
})

const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim()

/** What the parser says when its own recursion, which it catches itself, has gone too far. */
const stackOverflow = /call stack/i

/** go-yaml does not look at the indentation within brackets; the YAML specification wants it. */
const flowIndent = /^Flow (map|sequence) in block collection must be sufficiently indented/

const describeError = (message: string): string => {
  if (stackOverflow.test(message)) return "nested too deeply to be read"
  return flowIndent.test(message)
    ? "not valid YAML: lines within brackets must be indented further than the key before them, and the brackets be closed"
    : `not valid YAML: ${oneLine(message)}`
}

const parseDocuments = (text: string, lineCounter: LineCounter) =>
  Result.try(() => [
    ...parseAllDocuments(text, { lineCounter, prettyErrors: false, uniqueKeys: false, schema: "failsafe" }),
  ])

/** @returns the tree of the one document (an empty text is a null), or everything that keeps it from being read */
export const parseYaml = (text: string): Result.Result<YamlTree, ReadonlyArray<PositionedProblem>> => {
  const lines = new LineCounter()
  const parsed = parseDocuments(text, lines)
  if (Result.isFailure(parsed)) return Result.fail([{ message: "nested too deeply to be read" }])
  const builder = new TreeBuilder(text, lines)
  const fail = (offset: number, message: string) => Result.fail([{ at: builder.position(offset), message }])
  // The first error only: those after it are mostly its consequences.
  const error = parsed.success.flatMap((document) => document.errors).toSorted((a, b) => a.pos[0] - b.pos[0])[0]
  if (error !== undefined) return fail(error.pos[0], describeError(error.message))
  const dialect = dialectProblems(text)
  if (dialect.length > 0)
    return Result.fail(dialect.map(({ offset, message }) => ({ at: builder.position(offset), message })))
  const contents = parsed.success.map((document) => document.contents)
  const second = contents.slice(1).find((node) => node !== null && !(isScalar(node) && node.source === ""))
  if (second !== undefined && second !== null)
    return fail(second.range[0], "a second document begins here; there must be only one")
  const tree = builder.build(contents[0] ?? null, 1)
  return builder.problems.length === 0 ? Result.succeed(tree) : Result.fail(builder.problems)
}

/** Without positions. Safe for every key, `__proto__` included. */
export const plainValue = (tree: YamlTree): unknown => {
  if (tree.kind === "scalar") return tree.value
  if (tree.kind === "list") return tree.items.map(plainValue)
  return Object.fromEntries([...tree.entries].map(([key, entry]) => [key, plainValue(entry.value)]))
}

/** Keys of maps, and places in lists. */
export type YamlPath = ReadonlyArray<string | number>

/** What stands at the end of the path, or undefined when a step is missing. */
export const entryAt = (tree: YamlTree, path: YamlPath): YamlEntry | undefined => {
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

/** The entry at the path, or the last one on the way there: what is missing is reported where it should be. */
export const nearestEntry = (tree: YamlTree, path: YamlPath): YamlEntry =>
  entryAt(tree, path) ?? (path.length === 0 ? { keyAt: tree.at, value: tree } : nearestEntry(tree, path.slice(0, -1)))

/** The entry at the path; undefined also where it is null: Helm and Go take a null for "not given". */
export const givenAt = (tree: YamlTree, path: YamlPath): YamlEntry | undefined => {
  const found = entryAt(tree, path)
  return found?.value.kind === "scalar" && found.value.value === null ? undefined : found
}
