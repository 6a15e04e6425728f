/**
 * What vCluster's chart refuses or cannot render although the settings are right: values that stand elsewhere in the file, keys that
 * it does not know, nulls in place of what it reads from. Seen with the charts of v0.26.0, v0.30.0 and v0.36.1 (`values.schema.json`,
 * `templates/`); `test/integration/charts.test.ts` asks them again.
 */
import { nearestWord } from "../../effects/text/did-you-mean.ts"
import { entryAt } from "../../effects/config/yaml-position.ts"
import type { PositionedProblem, YamlEntry, YamlMap, YamlTree } from "../../effects/config/yaml-position.ts"
import { formatPath } from "../../effects/text/value-path.ts"

/** Of all releases since v0.21. */
const chartKeys =
  "controlPlane deletion deploy experimental exportKubeConfig external global integrations logging networking platform plugin plugins policies privateNodes pro rbac serviceCIDR sleep sleepMode snapshots sync telemetry".split(
    " ",
  )

/** Keys that only a vCluster's values have. */
const tellingKeys = ["integrations", "controlPlane", "exportKubeConfig", "privateNodes"]

/** Keys of the charts before v0.20 that today's do not have. */
const oldKeys = new Set(
  "affinity api controller coredns defaultImageRegistry enableHA etcd fallbackHostDns globalAnnotations headless hostpathMapper ingress init isolation labels license mapServices monitoring multiNamespaceMode nodeSelector noopSyncer openshift podAnnotations podLabels proxy replicas scheduler securityContext service serviceAccount storage syncer tolerations vcluster volumes".split(
    " ",
  ),
)

const keysBelowSync = ["toHost", "fromHost"]

const isVclusterValues = (map: YamlMap): boolean =>
  tellingKeys.some((key) => map.entries.has(key)) ||
  keysBelowSync.some((key) => entryAt(map, ["sync", key]) !== undefined)

const deepest = 6

interface Found {
  readonly path: ReadonlyArray<string | number>
  readonly entry: YamlEntry
}

const childrenOf = (tree: YamlTree): ReadonlyArray<readonly [step: string | number, YamlEntry]> => {
  if (tree.kind === "map") return [...tree.entries]
  return tree.kind === "list" ? tree.items.map((value, index) => [index, { keyAt: value.at, value }] as const) : []
}

/** A vCluster's values as a text, as Argo CD takes them. */
const isValuesText = (step: string | number, { value }: YamlEntry): boolean =>
  step === "values" &&
  value.kind === "scalar" &&
  typeof value.value === "string" &&
  /^(integrations|controlPlane|exportKubeConfig|sync):/m.test(value.value)

/**
 * The first place below the root that holds a vCluster's values.
 *
 * @param passed steps from the root that are not looked into: a vCluster's own settings may hold the values of other charts
 */
const findNested = (
  tree: YamlTree,
  passed: ReadonlyArray<string>,
  path: ReadonlyArray<string | number> = [],
): Found | undefined => {
  if (path.length >= deepest) return undefined
  const children = childrenOf(tree).filter(([step]) => path.length > 0 || !passed.includes(String(step)))
  const here = children.find(
    ([step, entry]) => (entry.value.kind === "map" && isVclusterValues(entry.value)) || isValuesText(step, entry),
  )
  if (here !== undefined) return { path: [...path, here[0]], entry: here[1] }
  for (const [step, { value }] of children) {
    const found = findNested(value, passed, [...path, step])
    if (found !== undefined) return found
  }
  return undefined
}

const textAt = (tree: YamlTree, key: string): string | undefined => {
  const value = entryAt(tree, [key])?.value
  return value?.kind === "scalar" && typeof value.value === "string" ? value.value : undefined
}

const extraction = ({ path, entry }: Found): string =>
  `give those alone: yq '.${formatPath(path)}' FILE prints them, and ${
    entry.value.kind === "map" ? "" : "they are a text of their own there; "
  }- as a file name is standard input`

const misplaced = (root: YamlMap): PositionedProblem | undefined => {
  const kind = textAt(root, "kind")
  const isObject = kind !== undefined && textAt(root, "apiVersion") !== undefined
  if (!isObject && isVclusterValues(root)) return undefined
  const found = findNested(root, isObject ? [] : chartKeys)
  if (found !== undefined) {
    const what = isObject ? `this is an object of kind ${kind}` : "this is not the values file of a vCluster"
    const place = `${formatPath(found.path)}, line ${found.entry.keyAt.line}`
    return {
      at: found.entry.keyAt,
      message: `${what}: a vCluster's settings stand below ${place}; ${extraction(found)}`,
    }
  }
  return isObject
    ? { at: root.at, message: `this is an object of kind ${kind}, not the values file of a vCluster` }
    : undefined
}

const convert =
  "is a setting from before v0.20, which today's charts refuse; vcluster convert config translates the file"

const rootKeyWarning = (key: string): string => {
  const near = nearestWord(key, chartKeys)
  if (oldKeys.has(key)) return `${key} ${convert}`
  const hint = near === undefined ? "" : ` (did you mean ${JSON.stringify(near)}?)`
  return `unknown key ${JSON.stringify(key)}${hint}: vCluster's chart refuses it`
}

/** `known`: at that place; absent keys are the others' business. */
const keyWarnings = (
  root: YamlTree,
  path: ReadonlyArray<string>,
  known: ReadonlyArray<string>,
  describe: (key: string) => string | undefined,
): ReadonlyArray<PositionedProblem> => {
  const value = entryAt(root, path)?.value
  if (value?.kind !== "map") return []
  return [...value.entries].flatMap(([key, { keyAt }]) => {
    const message = known.includes(key) ? undefined : describe(key)
    return message === undefined ? [] : [{ at: keyAt, message }]
  })
}

const mistyped =
  (path: ReadonlyArray<string>, known: ReadonlyArray<string>) =>
  (key: string): string | undefined => {
    const near = nearestWord(key, known)
    return near === undefined
      ? undefined
      : `${path.join(".")}: unknown key ${JSON.stringify(key)} (did you mean ${JSON.stringify(near)}?): vCluster's chart refuses it`
  }

/** Places that we read beside `integrations`, and their keys; a further one of a later release is no business of ours. */
const read: ReadonlyArray<readonly [path: ReadonlyArray<string>, known: ReadonlyArray<string>]> = [
  [
    ["sync", "toHost"],
    ["namespaces", "serviceAccounts", "customResources"],
  ],
  [
    ["sync", "fromHost"],
    ["secrets", "customResources", "configMaps"],
  ],
  [
    ["sync", "toHost", "namespaces"],
    ["enabled", "mappings", "mappingsOnly", "patches", "extraLabels"],
  ],
  [["sync", "toHost", "namespaces", "mappings"], ["byName"]],
  [
    ["sync", "toHost", "serviceAccounts"],
    ["enabled", "patches"],
  ],
  [["exportKubeConfig"], ["context", "server", "insecure", "serviceAccount", "secret", "additionalSecrets"]],
  [
    ["exportKubeConfig", "serviceAccount"],
    ["name", "namespace", "clusterRole"],
  ],
]

/** Mistyped, with our settings below: a problem, and told as one. */
const isIntegrations = (root: YamlMap, key: string): boolean =>
  entryAt(root, [key, "externalSecrets"]) !== undefined && nearestWord(key, ["integrations"]) !== undefined

/** Why the settings may be elsewhere in this file than where a vCluster has them. */
const elsewhere = (root: YamlMap): ReadonlyArray<PositionedProblem> => {
  const wrongFile = misplaced(root)
  if (wrongFile !== undefined) return [wrongFile]
  return [
    ...keyWarnings(root, [], chartKeys, (key) => (isIntegrations(root, key) ? undefined : rootKeyWarning(key))),
    ...keyWarnings(
      root,
      ["sync"],
      keysBelowSync,
      (key) => mistyped(["sync"], keysBelowSync)(key) ?? `sync.${key} ${convert}`,
    ),
  ]
}

const integration = ["integrations", "externalSecrets"]

/** The chart looks into them whatever is switched on. */
const neverNull: ReadonlyArray<ReadonlyArray<string>> = [
  ...["controlPlane", "experimental", "exportKubeConfig", "integrations", "privateNodes", "rbac", "sync"].map((key) => [
    key,
  ]),
  integration,
  [...integration, "version"],
  ["sync", "fromHost"],
  ["sync", "fromHost", "secrets"],
  ["sync", "toHost"],
  ["sync", "toHost", "customResources"],
  ["sync", "toHost", "namespaces"],
  ["sync", "toHost", "namespaces", "mappings"],
  ["sync", "toHost", "serviceAccounts"],
]

/** Only while the integration is on. */
const neverNullWhenOn: ReadonlyArray<ReadonlyArray<string>> = [
  [...integration, "webhook"],
  [...integration, "sync"],
  [...integration, "sync", "toHost"],
  [...integration, "sync", "toHost", "stores"],
  [...integration, "sync", "fromHost"],
  [...integration, "sync", "fromHost", "clusterStores"],
]

const nulls = (root: YamlTree, enabled: boolean): ReadonlyArray<PositionedProblem> =>
  [...neverNull, ...(enabled ? neverNullWhenOn : [])].flatMap((path) => {
    const entry = entryAt(root, path)
    return entry?.value.kind === "scalar" && entry.value.value === null
      ? [
          {
            at: entry.keyAt,
            message: `${path.join(".")} is null: vCluster's chart cannot be rendered with that; leave the key out`,
          },
        ]
      : []
  })

export interface ChartShape {
  /** The chart cannot be rendered. */
  readonly problems: ReadonlyArray<PositionedProblem>
  /** Why the settings may be elsewhere in this file than where a vCluster has them. */
  readonly elsewhere: ReadonlyArray<PositionedProblem>
  readonly warnings: ReadonlyArray<PositionedProblem>
}

/** @param root of a user's values, not of those that Helm has merged: the chart has rendered them */
export const chartShape = (root: YamlMap, enabled: boolean): ChartShape => ({
  problems: nulls(root, enabled),
  elsewhere: elsewhere(root),
  warnings: read.flatMap(([path, known]) => keyWarnings(root, path, known, mistyped(path, known))),
})
