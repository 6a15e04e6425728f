/** Settings elsewhere in vcluster.yaml that exclude or undo the integration (loft-sh/vcluster, `pkg/config/validation.go`). */
import { Result } from "effect"
import type { IntegrationSettings } from "./integration-settings.ts"
import { type SettingPath, SettingsReader } from "./settings-reader.ts"
import { entryAt, parseYaml } from "../../effects/config/yaml-position.ts"
import type { PositionedProblem, YamlEntry } from "../../effects/config/yaml-position.ts"

const isOn = (entry: YamlEntry | undefined): boolean =>
  entry !== undefined && entry.value.kind === "scalar" && entry.value.value === true

const checkPrivateNodes = (reader: SettingsReader): void => {
  const switches: ReadonlyArray<SettingPath> = [
    ["privateNodes", "enabled"],
    // Standalone turns private nodes on by itself.
    ["controlPlane", "standalone", "enabled"],
  ]
  const on = switches.map((path) => reader.entry(path)).find(isOn)
  if (on !== undefined) reader.problem(on.keyAt, "external-secrets integration is not supported in private nodes mode")
}

/** The text begins as the documentation has it. vCluster looks in the first only, and misses keys with a version; objects would be synced twice all the same. */
const customResources: ReadonlyArray<SettingPath> = [
  ["sync", "toHost", "customResources"],
  ["sync", "fromHost", "customResources"],
  ["experimental", "proxy", "customResources"],
]

/** Plurals of what the integration syncs. */
const syncedPlurals = (settings: IntegrationSettings): ReadonlySet<string> =>
  new Set([
    ...(settings.externalSecrets.enabled ? ["externalsecrets"] : []),
    ...(settings.stores.enabled ? ["secretstores"] : []),
    ...(settings.clusterStores.enabled ? ["clustersecretstores"] : []),
  ])

const twice = (name: string, where: string): string =>
  `external-secrets integration is enabled but external-secrets custom resource is also set in ${where} (${name}). This is not supported, please remove the entry from ${where}`

const checkCustomResources = (reader: SettingsReader, settings: IntegrationSettings): void => {
  const synced = syncedPlurals(settings)
  for (const path of customResources)
    for (const [name, { keyAt }] of reader.map(path)?.entries ?? []) {
      const [, plural = ""] = /^([a-z]+)(?:\/status)?\.external-secrets\.io(?:\/.*)?$/s.exec(name) ?? []
      if (synced.has(plural) && isOn(reader.entry([...path, name, "enabled"])))
        reader.problem(keyAt, twice(name, path.join(".")))
    }
}

/** What custom resources were called in v0.21 to v0.27: lists of `{apiVersion, kind}`; host objects bore the very names that ours bear. */
const genericSync: ReadonlyArray<SettingPath> = [
  ["experimental", "genericSync", "export"],
  ["experimental", "genericSync", "import"],
]

const scalarOf = (entry: YamlEntry | undefined): string =>
  entry?.value.kind === "scalar" ? String(entry.value.value) : ""

const checkGenericSync = (reader: SettingsReader, settings: IntegrationSettings): void => {
  const synced = syncedPlurals(settings)
  for (const path of genericSync) {
    const list = reader.entry(path)?.value
    for (const item of list?.kind === "list" ? list.items : []) {
      const kind = scalarOf(entryAt(item, ["kind"]))
      const isEso = scalarOf(entryAt(item, ["apiVersion"])).startsWith("external-secrets.io/")
      if (isEso && synced.has(`${kind.toLowerCase()}s`)) reader.problem(item.at, twice(kind, path.join(".")))
    }
  }
}

/** The paid plugin of the days before the integration (up to v0.20, still loadable later) syncs the same objects. */
const warnOfPlugin = (reader: SettingsReader): void => {
  for (const path of [["plugins"], ["plugin"]])
    for (const [name, { keyAt }] of reader.map(path)?.entries ?? [])
      if (/(^|\/)eso-plugin([:@]|$)/.test(scalarOf(reader.entry([...path, name, "image"]))))
        reader.warn(keyAt, `${path.join(".")}.${name} is vCluster's old plugin for ESO: a second syncer; remove it`)
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

const warnOfHandedOverSecrets = (reader: SettingsReader, hostNamespace: string | undefined): void => {
  const path = ["sync", "fromHost", "secrets"]
  if (!isOn(reader.entry([...path, "enabled"]))) return
  for (const [key, { keyAt }] of reader.map([...path, "mappings", "byName"])?.entries ?? [])
    if (handsOver(key, hostNamespace))
      reader.warn(
        keyAt,
        `sync.fromHost.secrets.mappings.byName: ${JSON.stringify(key)} hands Secrets of the vCluster's own host namespace to the tenant (its kubeconfig, its certificates, every Secret that ESO fetched for it); name a namespace or Secrets made for the tenant`,
      )
}

/**
 * vCluster makes the ServiceAccount only together with a binding to `clusterRole`; where there is none, it writes no kubeconfig Secret
 * at all, and leaves an old one as it is (`pkg/setup/controllers.go`).
 */
const missingClusterRole = (reader: SettingsReader): PositionedProblem | undefined => {
  const path = ["exportKubeConfig", "serviceAccount"]
  const name = reader.entry([...path, "name"])
  const text = scalarOf(name)
  if (name === undefined || text === "" || scalarOf(reader.entry([...path, "clusterRole"])) !== "") return undefined
  const namespace = scalarOf(reader.entry([...path, "namespace"])) || "kube-system"
  return {
    at: name.keyAt,
    message: `exportKubeConfig.serviceAccount.clusterRole is not set: unless ServiceAccount ${namespace}/${text} exists in the virtual cluster, vCluster writes no kubeconfig Secret; set clusterRole, and it makes the ServiceAccount`,
  }
}

/** Why vCluster may have written no kubeconfig Secret, if its settings tell. */
export const kubeconfigObstacle = (text: string): string | undefined => {
  const parsed = parseYaml(text)
  return Result.isSuccess(parsed) ? missingClusterRole(new SettingsReader(parsed.success))?.message : undefined
}

/** @param hostNamespace the vCluster's, when known */
export const checkConflicts = (
  reader: SettingsReader,
  settings: IntegrationSettings,
  hostNamespace: string | undefined,
): void => {
  if (!settings.enabled) return
  checkPrivateNodes(reader)
  checkCustomResources(reader, settings)
  checkGenericSync(reader, settings)
  warnOfPlugin(reader)
  warnOfHandedOverSecrets(reader, hostNamespace)
  const missing = missingClusterRole(reader)
  if (missing !== undefined) reader.warnings.push(missing)
}
