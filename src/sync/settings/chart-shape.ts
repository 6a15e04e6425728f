/**
 * What vCluster's chart refuses or cannot render although our settings are right: values that stand elsewhere in the file, keys that
 * it does not know, values of another type, nulls in place of what it reads from. Seen with the charts of v0.26.0, v0.30.0 and
 * v0.36.1 (`values.schema.json`, `templates/`); `test/integration/charts.test.ts` asks them again.
 */
import { entryAt } from "../../effects/config/yaml-position.ts"
import type { PositionedProblem, YamlMap, YamlTree } from "../../effects/config/yaml-position.ts"
import type { UnknownKey } from "../../effects/config/yaml-schema.ts"
import { nearestWord } from "../../effects/text/did-you-mean.ts"
import { formatPath } from "../../effects/text/value-path.ts"
import { misplacedValues } from "./misplaced-values.ts"
import { otherKeysOf } from "./setting-schemas.ts"

/** Of all releases since v0.21. */
const chartKeys =
  "controlPlane deletion deploy experimental exportKubeConfig external global integrations logging networking platform plugin plugins policies privateNodes pro rbac serviceCIDR sleep sleepMode snapshots sync telemetry".split(
    " ",
  )

/** Keys of the charts before v0.20 that today's do not have. */
const oldKeys = new Set(
  "affinity api controller coredns defaultImageRegistry enableHA etcd fallbackHostDns globalAnnotations headless hostpathMapper ingress init isolation labels license mapServices monitoring multiNamespaceMode nodeSelector noopSyncer openshift podAnnotations podLabels proxy replicas scheduler securityContext service serviceAccount storage syncer tolerations vcluster volumes".split(
    " ",
  ),
)

const convert =
  "is a setting from before v0.20, which today's charts refuse; vcluster convert config translates the file"

const rootKeyWarning = (key: string): string => {
  const near = nearestWord(key, chartKeys)
  if (oldKeys.has(key)) return `${key} ${convert}`
  const hint = near === undefined ? "" : ` (did you mean ${JSON.stringify(near)}?)`
  return `unknown key ${JSON.stringify(key)}${hint}: vCluster's chart refuses it`
}

const mistyped = ({ path, key, known }: UnknownKey, taken: ReadonlyArray<string>): string | undefined => {
  const near = nearestWord(key, [...known, ...taken])
  return near === undefined
    ? undefined
    : `${formatPath(path)}: unknown key ${JSON.stringify(key)} (did you mean ${JSON.stringify(near)}?): vCluster's chart refuses it`
}

const isRoot = ({ path }: UnknownKey): boolean => path.length === 0
const isBelowSync = ({ path }: UnknownKey): boolean => path.length === 1 && path[0] === "sync"

/** With our settings below, which Helm would ignore without a word. */
export const isMistypedIntegrations = (root: YamlTree, found: UnknownKey): boolean =>
  isRoot(found) &&
  nearestWord(found.key, ["integrations"]) !== undefined &&
  entryAt(root, [found.key, "externalSecrets"]) !== undefined

/** Undefined: the chart takes it, or nobody here knows. */
const keyMessage = (found: UnknownKey): string | undefined => {
  const { key, schema } = found
  if (isRoot(found)) return chartKeys.includes(key) ? undefined : rootKeyWarning(key)
  if (isBelowSync(found)) return mistyped(found, []) ?? `sync.${key} ${convert}`
  // A further one of a later release is no business of ours.
  const taken = otherKeysOf(schema)?.taken
  return taken === undefined || taken.includes(key) ? undefined : mistyped(found, taken)
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
  /** The chart refuses them, or cannot be rendered. */
  readonly problems: ReadonlyArray<PositionedProblem>
  /** Why the settings may be elsewhere in this file than where a vCluster has them. */
  readonly elsewhere: ReadonlyArray<PositionedProblem>
  readonly warnings: ReadonlyArray<PositionedProblem>
}

/**
 * @param root of a user's values, not of those that Helm has merged: the chart has rendered them
 * @param enabled the integration is
 * @param unknownKeys that are not refused already
 * @param wrongValues beside the settings of the integration
 */
export const chartShape = (
  root: YamlMap,
  enabled: boolean,
  unknownKeys: ReadonlyArray<UnknownKey>,
  wrongValues: ReadonlyArray<PositionedProblem>,
): ChartShape => {
  const wrongFile = misplacedValues(root, chartKeys)
  const strange = unknownKeys.flatMap((found) => {
    const message = keyMessage(found)
    return message === undefined ? [] : [{ at: found.at, message, tellsWhere: isRoot(found) || isBelowSync(found) }]
  })
  return {
    problems: [...nulls(root, enabled), ...(wrongFile === undefined ? wrongValues : [])],
    elsewhere: wrongFile === undefined ? strange.filter(({ tellsWhere }) => tellsWhere) : [wrongFile],
    warnings: strange.filter(({ tellsWhere }) => !tellsWhere),
  }
}
