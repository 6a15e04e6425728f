/** The settings: what vcluster.yaml (or the merged Helm values) says about the integration, checked. */
import { Data, Result, Runtime } from "effect"
import { givenAt, nearestEntry, parseYaml } from "../../effects/config/yaml-position.ts"
import type { Position, PositionedProblem, YamlPath, YamlTree } from "../../effects/config/yaml-position.ts"
import { exitCodes } from "../../effects/exit-codes.ts"
import {
  decodeYaml,
  isWrong,
  settingPaths,
  type UnknownKey,
  type WrongValue,
} from "../../effects/config/yaml-schema.ts"
import { nearestWord } from "../../effects/text/did-you-mean.ts"
import { describeValue, unknownKey } from "../../effects/text/problem-text.ts"
import { emptyMappings, mappingError } from "../tenancy/namespace-mapping-check.ts"
import type { KnownPlace, NamespaceSettings } from "../tenancy/namespace-mapping.ts"
import type { SyncSettings } from "../tenancy/sync-settings.ts"
import { chartShape, isMistypedIntegrations } from "./chart-shape.ts"
import { selectionsOf } from "./older-shapes.ts"
import { otherKeysOf } from "./setting-schemas.ts"
import { conflictsOf, hidesConflicts, type SyncedPlurals } from "./settings-conflicts.ts"
import { VclusterValues } from "./vcluster-values.ts"

export interface Settings extends SyncSettings {
  /** The integration is switched on. */
  readonly enabled: boolean
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

const namespacesPath = ["sync", "toHost", "namespaces"]
const mappingsPath = [...namespacesPath, "mappings"]

/** vCluster's own checks of mappings that are on. */
const mappingProblems = (
  root: YamlTree,
  { enabled, byName }: NamespaceSettings,
  { name, namespace }: KnownPlace,
): ReadonlyArray<PositionedProblem> => {
  if (!enabled) return []
  const place = name === undefined || namespace === undefined ? undefined : { name, namespace }
  if (byName.length === 0) return [{ at: nearestEntry(root, namespacesPath).keyAt, message: emptyMappings }]
  return byName.flatMap((mapping, index) => {
    const message = mappingError(mapping, byName.slice(0, index), place)
    const { keyAt } = nearestEntry(root, [...mappingsPath, "byName", mapping.virtual])
    return message === undefined ? [] : [{ at: keyAt, message }]
  })
}

const nothing = { problems: [], warnings: [], elsewhere: [] }

/**
 * What the sync rests on. The rest only bears on it: what is wrong there is for the chart to refuse, and a vCluster that runs has passed
 * that.
 */
const ownSections: ReadonlyArray<YamlPath> = [
  ["integrations", "externalSecrets"],
  [...namespacesPath, "enabled"],
  [...namespacesPath, "mappingsOnly"],
  mappingsPath,
  ["sync", "toHost", "serviceAccounts"],
]

const isOwn = ({ path }: { readonly path: YamlPath }): boolean =>
  ownSections.some((section) => section.every((step, index) => index >= path.length || path[index] === step))

const isRefused = ({ key, known, schema }: UnknownKey): boolean => {
  const refused = otherKeysOf(schema)?.refused
  return refused === "all" || (refused === "mistyped" && nearestWord(key, known) !== undefined)
}

/** Settings, and everything that is said about them, before it is put in order. */
interface Reading extends SyncSettings {
  readonly enabled: boolean
  readonly origins: ReadonlyMap<string, Position | undefined>
  readonly problems: ReadonlyArray<PositionedProblem>
  readonly warnings: ReadonlyArray<PositionedProblem>
  readonly elsewhere: ReadonlyArray<PositionedProblem>
}

/** What brings all of a namespace (`team/*`, or none) names no Secret: whether one of a name will be there is not known. */
const importedSecrets = ({ sync }: VclusterValues): SyncSettings["importedSecrets"] =>
  sync.fromHost.secrets.enabled
    ? Object.entries(sync.fromHost.secrets.mappings.byName)
        .map(([host, virtual]) => ({ host, virtual }))
        .filter(({ virtual }) => virtual.includes("/") && !virtual.endsWith("/*"))
    : []

const read = (root: YamlTree, known: KnownPlace, syncedBy: SyncedPlurals): Reading => {
  const merged = isMerged(root)
  const decoded = decodeYaml(VclusterValues, root)
  const { value: values, unknownKeys, wrongValues } = decoded
  const { enabled, version, webhook } = values.integrations.externalSecrets
  const { origins, problems, warnings, ...selections } = selectionsOf(root, decoded, merged)
  const { namespaces, serviceAccounts } = values.sync.toHost
  const settings = {
    enabled,
    version: version === "" ? undefined : version,
    webhook: webhook.enabled,
    ...selections,
    namespaces: {
      enabled: namespaces.enabled,
      mappingsOnly: namespaces.mappingsOnly,
      byName: Object.entries(namespaces.mappings.byName).map(([virtual, host]) => ({ virtual, host })),
    },
    serviceAccounts: serviceAccounts.enabled,
    importedSecrets: importedSecrets(values),
  }
  const conflicts = enabled ? conflictsOf(root, decoded, syncedBy(settings), known.namespace) : nothing
  const isRelevant = (wrong: WrongValue): boolean => isOwn(wrong) || (enabled && hidesConflicts(values, wrong))
  const others = wrongValues.filter((wrong) => !isRelevant(wrong))
  const isMistake = (found: UnknownKey): boolean => isRefused(found) || isMistypedIntegrations(root, found)
  const strangeKeys = unknownKeys.filter((found) => !isMistake(found))
  const shape = root.kind === "map" && !merged ? chartShape(root, enabled, strangeKeys, others) : nothing
  return {
    ...settings,
    origins: new Map([
      ...settingPaths(VclusterValues).map((path) => [path.join("."), givenAt(root, path)?.value.at] as const),
      ...origins,
    ]),
    problems: [
      ...unknownKeys.filter(isMistake).map((found) => ({ at: found.at, message: unknownKey(found.key, found.known) })),
      ...wrongValues.filter(isRelevant),
      ...problems,
      ...(isWrong(decoded, mappingsPath) ? [] : mappingProblems(root, settings.namespaces, known)),
      ...conflicts.problems,
      ...shape.problems,
    ],
    warnings: [...warnings, ...conflicts.warnings, ...shape.elsewhere, ...shape.warnings],
    elsewhere: shape.elsewhere,
  }
}

const isEmpty = (tree: YamlTree): boolean => tree.kind === "scalar" && tree.value === null

/**
 * @param text a vcluster.yaml, or the whole of a vCluster's merged Helm values; an empty one gives the defaults
 * @param file its name, for messages
 * @param syncedBy which plurals of external-secrets.io the kinds sync: nothing else in the values may sync them, too
 * @param known of the vCluster, where it is: more can then be seen to be dangerous
 * @returns all problems and all warnings at once; the settings (whether or not the integration is enabled) where there is no problem
 */
export const checkValues = (
  text: string,
  file: string,
  syncedBy: SyncedPlurals,
  known: KnownPlace = {},
): CheckedValues => {
  const parsed = parseYaml(text)
  if (Result.isFailure(parsed)) return unreadable(file, parsed.failure)
  const root = parsed.success
  if (root.kind !== "map" && !isEmpty(root)) {
    const found = root.kind === "scalar" ? describeValue(root.value) : "a list"
    return unreadable(file, [{ at: root.at, message: `expected a map of settings, found ${found}` }])
  }
  const reading = read(root, known, syncedBy)
  const problems = inOrder(file, reading.problems)
  const warnings = inOrder(file, reading.warnings)
  if (problems.length > 0) return { problems, warnings }
  const place = (at: Position | undefined): string => (at === undefined ? "default" : `${file}:${at.line}:${at.column}`)
  const { problems: _none, ...settings } = reading
  return {
    settings: {
      ...settings,
      origins: new Map([...reading.origins].map(([path, at]) => [path, place(at)])),
      warnings: warnings.map(formatProblem),
      elsewhere: inOrder(file, reading.elsewhere).map(formatProblem),
    },
    problems,
    warnings,
  }
}

/** As {@link checkValues}, where only valid settings are of use. */
export const parseValues = (
  text: string,
  file: string,
  syncedBy: SyncedPlurals,
  known: KnownPlace = {},
): Result.Result<Settings, ConfigError> => {
  const { settings, problems } = checkValues(text, file, syncedBy, known)
  return settings === undefined ? Result.fail(new ConfigError({ problems })) : Result.succeed(settings)
}
