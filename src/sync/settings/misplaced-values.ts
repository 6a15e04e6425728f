/** A file that is given as a vCluster's values and has them elsewhere: an umbrella chart's, an object of Flux or Argo CD. */
import { entryAt } from "../../effects/config/yaml-position.ts"
import type { PositionedProblem, YamlEntry, YamlMap, YamlPath, YamlTree } from "../../effects/config/yaml-position.ts"
import { formatPath } from "../../effects/text/value-path.ts"

/** Keys that only a vCluster's values have. */
const tellingKeys = ["integrations", "controlPlane", "exportKubeConfig", "privateNodes"]

const isVclusterValues = (map: YamlMap): boolean =>
  tellingKeys.some((key) => map.entries.has(key)) ||
  ["toHost", "fromHost"].some((key) => entryAt(map, ["sync", key]) !== undefined)

const deepest = 6

interface Found {
  readonly path: YamlPath
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
const findNested = (tree: YamlTree, passed: ReadonlyArray<string>, path: YamlPath = []): Found | undefined => {
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

/**
 * Whether the file is something else than a vCluster's values, and where those stand in it.
 *
 * @param chartKeys that a vCluster's own values have: what stands below them is its own business
 */
export const misplacedValues = (root: YamlMap, chartKeys: ReadonlyArray<string>): PositionedProblem | undefined => {
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
