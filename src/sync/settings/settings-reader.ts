/** Reads typed settings out of a YAML tree: keeps every problem, every warning, and where each setting came from. */
import { Result } from "effect"
import { describeValue, unknownKey } from "../../effects/text/problem-text.ts"
import { everything, parseLabelSelector } from "../../effects/client/label-selector.ts"
import type { LabelSelector, SelectorProblem } from "../../effects/client/label-selector.ts"
import { formatPath } from "../../effects/text/value-path.ts"
import { entryAt, plainValue } from "../../effects/config/yaml-position.ts"
import type { Position, PositionedProblem, YamlEntry, YamlMap, YamlTree } from "../../effects/config/yaml-position.ts"

export type SettingPath = ReadonlyArray<string>

/** A setting that the text gives, and where its value stands. */
export interface Given<A> {
  readonly value: A
  readonly at: Position
}

export class SettingsReader {
  readonly problems: Array<PositionedProblem> = []
  readonly warnings: Array<PositionedProblem> = []
  private readonly root: YamlTree
  private readonly reported = new Set<YamlTree>()

  constructor(root: YamlTree) {
    this.root = root
  }

  /** Undefined when it is absent or null: Helm and Go take a null for "not given". */
  entry(path: SettingPath): YamlEntry | undefined {
    const found = entryAt(this.root, path)
    return found === undefined || isNull(found.value) ? undefined : found
  }

  problem(at: Position | undefined, message: string): void {
    this.problems.push({ message, ...(at === undefined ? {} : { at }) })
  }

  warn(at: Position | undefined, message: string): void {
    this.warnings.push({ message, ...(at === undefined ? {} : { at }) })
  }

  /** A map; anything else that is given is a problem, reported once. */
  map(path: SettingPath): YamlMap | undefined {
    const entry = this.entry(path)
    if (entry === undefined) return undefined
    if (entry.value.kind === "map") return entry.value
    if (!this.reported.has(entry.value)) this.wrongType(entry.value, path, "a map")
    this.reported.add(entry.value)
    return undefined
  }

  /**
   * Every other key of the map is a problem.
   *
   * @param old keys that are accepted, but never suggested
   */
  knownKeys(path: SettingPath, known: ReadonlyArray<string>, old: ReadonlyArray<string> = []): void {
    for (const [key, { keyAt }] of this.map(path)?.entries ?? [])
      if (!known.includes(key) && !old.includes(key)) this.problem(keyAt, unknownKey(key, known))
  }

  boolean(path: SettingPath): Given<boolean> | undefined {
    const entry = this.entry(path)
    if (entry === undefined) return undefined
    const value = plainScalar(entry.value)
    if (typeof value === "boolean") return { value, at: entry.value.at }
    this.wrongType(entry.value, path, "true or false")
    return undefined
  }

  string(path: SettingPath): Given<string> | undefined {
    const entry = this.entry(path)
    if (entry === undefined) return undefined
    const value = plainScalar(entry.value)
    if (typeof value === "string") return { value, at: entry.value.at }
    this.wrongType(entry.value, path, "a string")
    return undefined
  }

  /** A map of strings, in order, each with its position. */
  strings(path: SettingPath): ReadonlyArray<Given<readonly [key: string, value: string]>> {
    return [...(this.map(path)?.entries ?? [])].flatMap(([key, { keyAt, value }]) => {
      const text = plainScalar(value)
      if (typeof text === "string") return [{ value: [key, text] as const, at: keyAt }]
      this.wrongType(value, [...path, key], "a string", "; put it in quotes")
      return []
    })
  }

  selector(path: SettingPath): Given<LabelSelector> | undefined {
    const entry = this.entry(path)
    return entry === undefined
      ? undefined
      : this.selectorOf(entry.value, plainValue(entry.value), path, (steps) => steps)
  }

  /** vCluster's shape before v0.27: `selector.labels`, a map of labels that must all be there. */
  oldSelector(path: SettingPath): Given<LabelSelector> | undefined {
    this.knownKeys(path, ["labels"])
    const labels = this.entry([...path, "labels"])
    if (labels === undefined) return undefined
    const value = { matchLabels: plainValue(labels.value) }
    return this.selectorOf(labels.value, value, [...path, "labels"], (steps) => steps.slice(1))
  }

  private selectorOf(
    tree: YamlTree,
    value: unknown,
    path: SettingPath,
    within: (steps: SelectorProblem["steps"]) => SelectorProblem["steps"],
  ): Given<LabelSelector> {
    const parsed = parseLabelSelector(value, "")
    if (Result.isSuccess(parsed)) return { value: parsed.success, at: tree.at }
    for (const { steps, atKey, problem } of parsed.failure) {
      const inner = within(steps)
      const place = nearestEntry(tree, inner)
      const message = atKey ? problem : `${formatPath([...path, ...inner])}: ${problem}`
      this.problem(atKey ? place.keyAt : place.value.at, message)
    }
    return { value: everything, at: tree.at }
  }

  /** @param remedy for what would be right in quotes */
  private wrongType(tree: YamlTree, path: SettingPath, expected: string, remedy = ""): void {
    const found = tree.kind === "scalar" ? describeValue(tree.value) : `a ${tree.kind}`
    const quotable = tree.kind === "scalar" && tree.value !== null
    this.problem(tree.at, `${formatPath(path)}: expected ${expected}, found ${found}${quotable ? remedy : ""}`)
  }
}

const isNull = (tree: YamlTree): boolean => tree.kind === "scalar" && tree.value === null
const plainScalar = (tree: YamlTree): unknown => (tree.kind === "scalar" ? tree.value : undefined)

/** The entry at the path, or the last one on the way there: a missing field is reported where it should be. */
const nearestEntry = (tree: YamlTree, steps: SelectorProblem["steps"]): YamlEntry =>
  entryAt(tree, steps) ??
  (steps.length === 0 ? { keyAt: tree.at, value: tree } : nearestEntry(tree, steps.slice(0, -1)))
