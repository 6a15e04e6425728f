/** The settings: what vcluster.yaml (or the merged Helm values) says about the integration, checked. */
import { Data, Result, Runtime } from "effect"
import { IntegrationReader } from "./integration-settings.ts"
import type { IntegrationSettings, Origins } from "./integration-settings.ts"
import type { NamespaceMapping, NamespaceSettings, KnownPlace } from "../tenancy/namespace-mapping.ts"
import { emptyMappings, mappingError } from "../tenancy/namespace-mapping-check.ts"
import { exitCodes } from "../../effects/exit-codes.ts"
import { nearestWord } from "../../effects/text/did-you-mean.ts"
import { describeValue } from "../../effects/text/problem-text.ts"
import { chartShape } from "./chart-shape.ts"
import { checkConflicts } from "./settings-conflicts.ts"
import { SettingsReader } from "./settings-reader.ts"
import { parseYaml } from "../../effects/config/yaml-position.ts"
import type { Position, PositionedProblem, YamlTree } from "../../effects/config/yaml-position.ts"

export interface Settings extends IntegrationSettings {
  /** `sync.toHost.namespaces`. */
  readonly namespaces: NamespaceSettings
  /** `sync.toHost.serviceAccounts.enabled`: the tenant's ServiceAccounts exist on the host. */
  readonly serviceAccounts: boolean
  /** Path of every setting → `default`, or where it was given: `vcluster.yaml:14:13`. */
  readonly origins: ReadonlyMap<string, string>
  /** One line each, with its place. */
  readonly warnings: ReadonlyArray<string>
  /** Those of the warnings that tell why the settings may be elsewhere in the text. */
  readonly elsewhere: ReadonlyArray<string>
}

export interface ConfigProblem {
  readonly file: string
  /** Both count from 1. */
  readonly line?: number
  readonly column?: number
  readonly message: string
}

/** `vcluster.yaml:14:13: unknown key …`. */
export const formatProblem = ({ file, line, column, message }: ConfigProblem): string =>
  line === undefined ? `${file}: ${message}` : `${file}:${line}:${column ?? 1}: ${message}`

/** Everything that is wrong with the settings, in order of position. */
export class ConfigError extends Data.TaggedError("ConfigError")<{ readonly problems: ReadonlyArray<ConfigProblem> }> {
  override readonly [Runtime.errorExitCode] = exitCodes.usage

  override get message(): string {
    return this.problems.map(formatProblem).join("\n")
  }
}

/** What turns the integration on. */
export const enableSnippet = "integrations:\n  externalSecrets:\n    enabled: true"

/** A user's file has a few of these, the values that Helm merged with the chart's defaults have all of them. */
const chartSections = ["sync", "integrations", "networking", "policies", "controlPlane", "rbac", "exportKubeConfig"]

const isMerged = (root: YamlTree): boolean =>
  root.kind === "map" && chartSections.every((section) => root.entries.has(section))

const positioned = (file: string, { at, message }: PositionedProblem): ConfigProblem =>
  at === undefined ? { file, message } : { file, line: at.line, column: at.column, message }

const byPosition = (left: PositionedProblem, right: PositionedProblem): number =>
  (left.at?.line ?? 0) - (right.at?.line ?? 0) || (left.at?.column ?? 0) - (right.at?.column ?? 0)

const inOrder = (file: string, problems: ReadonlyArray<PositionedProblem>): ReadonlyArray<ConfigProblem> =>
  problems.toSorted(byPosition).map((problem) => positioned(file, problem))

/** What a text says, and all that is to be said about it. */
export interface CheckedValues {
  /** Absent where there are problems. */
  readonly settings?: Settings
  readonly problems: ReadonlyArray<ConfigProblem>
  readonly warnings: ReadonlyArray<ConfigProblem>
}

const unreadable = (file: string, problems: ReadonlyArray<PositionedProblem>): CheckedValues => ({
  problems: inOrder(file, problems),
  warnings: [],
})

/** `integration:` with our settings in it would be ignored by Helm without a word. */
const checkRootKeys = (reader: SettingsReader): void => {
  for (const [key, { keyAt, value }] of reader.map([])?.entries ?? [])
    if (key !== "integrations" && value.kind === "map" && value.entries.has("externalSecrets"))
      if (nearestWord(key, ["integrations"]) !== undefined)
        reader.problem(keyAt, `unknown key ${JSON.stringify(key)} (did you mean "integrations"?)`)
}

class SettingsBuilder {
  readonly reader: SettingsReader
  readonly origins: Origins = new Map<string, Position | undefined>()

  constructor(reader: SettingsReader) {
    this.reader = reader
  }

  flag(...path: ReadonlyArray<string>): boolean {
    const given = this.reader.boolean(path)
    this.origins.set(path.join("."), given?.at)
    return given?.value ?? false
  }

  namespaces(known: KnownPlace): NamespaceSettings {
    const { reader } = this
    const path = ["sync", "toHost", "namespaces"]
    for (const above of [["sync"], ["sync", "toHost"], path, [...path, "mappings"]]) reader.map(above)
    const enabled = this.flag(...path, "enabled")
    const byName = [...path, "mappings", "byName"]
    const entries = reader.strings(byName)
    const mappings = entries.map(({ value: [virtual, host] }) => ({ virtual, host }))
    this.origins.set(byName.join("."), reader.entry(byName)?.value.at)
    if (enabled && (reader.map(byName)?.entries.size ?? 0) === entries.length)
      this.checkMappings(
        mappings,
        entries.map((entry) => entry.at),
        known,
      )
    return { enabled, mappingsOnly: this.flag(...path, "mappingsOnly"), byName: mappings }
  }

  private checkMappings(
    mappings: ReadonlyArray<NamespaceMapping>,
    places: ReadonlyArray<Position>,
    { name, namespace }: KnownPlace,
  ): void {
    const place = name === undefined || namespace === undefined ? undefined : { name, namespace }
    if (mappings.length === 0)
      this.reader.problem(this.reader.entry(["sync", "toHost", "namespaces"])?.keyAt, emptyMappings)
    for (const [index, mapping] of mappings.entries()) {
      const error = mappingError(mapping, mappings.slice(0, index), place)
      if (error !== undefined) this.reader.problem(places[index], error)
    }
  }
}

const isEmpty = (tree: YamlTree): boolean => tree.kind === "scalar" && tree.value === null

/**
 * @param text a vcluster.yaml, or the whole of a vCluster's merged Helm values; an empty one gives the defaults
 * @param file its name, for messages
 * @param known of the vCluster, where it is: more can then be seen to be dangerous
 * @returns all problems and all warnings at once; the settings (whether or not the integration is enabled) where there is no problem
 */
export const checkValues = (text: string, file: string, known: KnownPlace = {}): CheckedValues => {
  const parsed = parseYaml(text)
  if (Result.isFailure(parsed)) return unreadable(file, parsed.failure)
  const root = parsed.success
  if (root.kind !== "map" && !isEmpty(root)) {
    const found = root.kind === "scalar" ? describeValue(root.value) : "a list"
    return unreadable(file, [{ at: root.at, message: `expected a map of settings, found ${found}` }])
  }
  const reader = new SettingsReader(root)
  const builder = new SettingsBuilder(reader)
  checkRootKeys(reader)
  const merged = isMerged(root)
  const integration = new IntegrationReader(reader, builder.origins, merged).read()
  const namespaces = builder.namespaces(known)
  const serviceAccounts = builder.flag("sync", "toHost", "serviceAccounts", "enabled")
  checkConflicts(reader, integration, known.namespace)
  const shape = root.kind === "map" && !merged ? chartShape(root, integration.enabled) : undefined
  reader.problems.push(...(shape?.problems ?? []))
  reader.warnings.push(...(shape?.elsewhere ?? []), ...(shape?.warnings ?? []))
  const problems = inOrder(file, reader.problems)
  const warnings = inOrder(file, reader.warnings)
  if (problems.length > 0) return { problems, warnings }
  const place = (at: Position | undefined): string => (at === undefined ? "default" : `${file}:${at.line}:${at.column}`)
  const settings: Settings = {
    ...integration,
    namespaces,
    serviceAccounts,
    origins: new Map([...builder.origins].map(([path, at]) => [path, place(at)])),
    warnings: warnings.map(formatProblem),
    elsewhere: inOrder(file, shape?.elsewhere ?? []).map(formatProblem),
  }
  return { settings, problems, warnings }
}

/** As {@link checkValues}, where only valid settings are of use. */
export const parseValues = (
  text: string,
  file: string,
  known: KnownPlace = {},
): Result.Result<Settings, ConfigError> => {
  const { settings, problems } = checkValues(text, file, known)
  return settings === undefined ? Result.fail(new ConfigError({ problems })) : Result.succeed(settings)
}
