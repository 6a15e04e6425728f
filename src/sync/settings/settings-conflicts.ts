/** Settings elsewhere in vcluster.yaml that exclude or undo the integration (loft-sh/vcluster, `pkg/config/validation.go`). */
import { Result } from "effect"
import { entryAt, nearestEntry, parseYaml } from "../../effects/config/yaml-position.ts"
import type { PositionedProblem, YamlPath, YamlTree } from "../../effects/config/yaml-position.ts"
import { type Decoded, decodeYaml, isWrong, itemsInText, type WrongValue } from "../../effects/config/yaml-schema.ts"
import type { SyncSettings } from "../tenancy/sync-settings.ts"
import { VclusterValues } from "./vcluster-values.ts"

/** Tells of the key at the path. */
type Report = (path: YamlPath, message: string) => void

/** Plurals of the group external-secrets.io that the integration syncs with these settings. */
export type SyncedPlurals = (settings: SyncSettings) => ReadonlySet<string>

const checkPrivateNodes = ({ privateNodes, controlPlane }: VclusterValues, problem: Report): void => {
  const message = "external-secrets integration is not supported in private nodes mode"
  if (privateNodes.enabled) problem(["privateNodes", "enabled"], message)
  // Standalone turns private nodes on by itself.
  else if (controlPlane.standalone.enabled) problem(["controlPlane", "standalone", "enabled"], message)
}

/** The text begins as the documentation has it. */
const twice = (name: string, where: string): string =>
  `external-secrets integration is enabled but external-secrets custom resource is also set in ${where} (${name}). This is not supported, please remove the entry from ${where}`

const resourcePlaces = {
  toHost: ["sync", "toHost", "customResources"],
  fromHost: ["sync", "fromHost", "customResources"],
  proxy: ["experimental", "proxy", "customResources"],
}

/** vCluster looks in the first place only, and misses keys with a version; objects would be synced twice all the same. */
const checkCustomResources = (
  { sync, experimental }: VclusterValues,
  synced: ReadonlySet<string>,
  problem: Report,
): void => {
  const places = [
    [resourcePlaces.toHost, sync.toHost.customResources],
    [resourcePlaces.fromHost, sync.fromHost.customResources],
    [resourcePlaces.proxy, experimental.proxy.customResources],
  ] as const
  for (const [path, resources] of places)
    for (const [name, resource] of Object.entries(resources)) {
      const [, plural = ""] = /^([a-z]+)(?:\/status)?\.external-secrets\.io(?:\/.*)?$/s.exec(name) ?? []
      if (synced.has(plural) && resource?.enabled === true) problem([...path, name], twice(name, path.join(".")))
    }
}

/** What custom resources were called in v0.21 to v0.27; host objects bore the very names that ours bear. */
const checkGenericSync = (decoded: Decoded<VclusterValues>, synced: ReadonlySet<string>, problem: Report): void => {
  for (const [way, objects] of Object.entries(decoded.value.experimental.genericSync)) {
    const path = ["experimental", "genericSync", way]
    for (const [index, { apiVersion, kind }] of itemsInText(decoded, path, objects))
      if (apiVersion.startsWith("external-secrets.io/") && synced.has(`${kind.toLowerCase()}s`))
        problem([...path, index], twice(kind, path.join(".")))
  }
}

/** The paid plugin of the days before the integration (up to v0.20, still loadable later) syncs the same objects. */
const warnOfPlugin = ({ plugins, plugin }: VclusterValues, warning: Report): void => {
  for (const [section, loaded] of Object.entries({ plugins, plugin }))
    for (const [name, found] of Object.entries(loaded))
      if (/(^|\/)eso-plugin([:@]|$)/.test(found?.image ?? ""))
        warning([section, name], `${section}.${name} is vCluster's old plugin for ESO: a second syncer; remove it`)
}

/** Names in the vCluster's own namespace that hold keys to it, or other tenants' values. */
const sensitiveName = /^(vc-|sh\.helm\.release\.|vcluster-platform-api-key$)|-certs$|\.(es|ref)$/

/**
 * Keys of `sync.fromHost.secrets.mappings.byName` are host `NAMESPACE/NAME`, `NAMESPACE/*`, `/NAME`, or empty for all of the vCluster's
 * own namespace, where its kubeconfig, its certificates and everything that ESO fetched stand.
 */
const handsOver = (key: string, hostNamespace: string | undefined): boolean => {
  if (key === "") return true
  const slash = key.indexOf("/")
  const namespace = key.slice(0, Math.max(0, slash))
  const name = key.slice(slash + 1)
  return (namespace === "" || namespace === hostNamespace) && (name === "*" || sensitiveName.test(name))
}

const handedOver = ["sync", "fromHost", "secrets", "mappings", "byName"]

/** What stands at the keys does not matter. */
const warnOfHandedOverSecrets = (
  root: YamlTree,
  { sync }: VclusterValues,
  hostNamespace: string | undefined,
  warning: Report,
): void => {
  const given = sync.fromHost.secrets.enabled ? entryAt(root, handedOver)?.value : undefined
  for (const key of given?.kind === "map" ? given.entries.keys() : [])
    if (handsOver(key, hostNamespace))
      warning(
        [...handedOver, key],
        `sync.fromHost.secrets.mappings.byName: ${JSON.stringify(key)} hands Secrets of the vCluster's own host namespace to the tenant (its kubeconfig, its certificates, every Secret that ESO fetched for it); name a namespace or Secrets made for the tenant`,
      )
}

/**
 * vCluster makes the ServiceAccount only together with a binding to `clusterRole`; where there is none, it writes no kubeconfig Secret
 * at all, and leaves an old one as it is (`pkg/setup/controllers.go`).
 */
const missingClusterRole = ({ exportKubeConfig }: VclusterValues): string | undefined => {
  const { name, namespace, clusterRole } = exportKubeConfig.serviceAccount
  return name === "" || clusterRole !== ""
    ? undefined
    : `exportKubeConfig.serviceAccount.clusterRole is not set: unless ServiceAccount ${namespace || "kube-system"}/${name} exists in the virtual cluster, vCluster writes no kubeconfig Secret; set clusterRole, and it makes the ServiceAccount`
}

/** Why vCluster may have written no kubeconfig Secret, if its settings tell. */
export const kubeconfigObstacle = (text: string): string | undefined => {
  const parsed = parseYaml(text)
  return Result.isSuccess(parsed) ? missingClusterRole(decodeYaml(VclusterValues, parsed.success).value) : undefined
}

/** Where conflicts are looked for, there is no map: whether there is one cannot be told. */
export const hidesConflicts = ({ sync }: VclusterValues, { path }: WrongValue): boolean =>
  [...Object.values(resourcePlaces), ...(sync.fromHost.secrets.enabled ? [handedOver] : [])].some(
    (place) => path.length === place.length && place.every((step, index) => path[index] === step),
  )

export interface Conflicts {
  readonly problems: ReadonlyArray<PositionedProblem>
  readonly warnings: ReadonlyArray<PositionedProblem>
}

/**
 * With an integration that is on.
 *
 * @param synced plurals of the group external-secrets.io
 * @param hostNamespace the vCluster's, when known
 */
export const conflictsOf = (
  root: YamlTree,
  decoded: Decoded<VclusterValues>,
  synced: ReadonlySet<string>,
  hostNamespace: string | undefined,
): Conflicts => {
  const { value: values } = decoded
  const problems: Array<PositionedProblem> = []
  const warnings: Array<PositionedProblem> = []
  const problem: Report = (path, message) => problems.push({ at: nearestEntry(root, path).keyAt, message })
  const warning: Report = (path, message) => warnings.push({ at: nearestEntry(root, path).keyAt, message })
  checkPrivateNodes(values, problem)
  checkCustomResources(values, synced, problem)
  checkGenericSync(decoded, synced, problem)
  warnOfPlugin(values, warning)
  warnOfHandedOverSecrets(root, values, hostNamespace, warning)
  const missing = missingClusterRole(values)
  const account = ["exportKubeConfig", "serviceAccount"]
  if (missing !== undefined && !isWrong(decoded, account)) warning([...account, "name"], missing)
  return { problems, warnings }
}
