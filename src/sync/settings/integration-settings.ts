/**
 * `integrations.externalSecrets` in every shape that a vCluster since v0.21 takes (loft-sh/vcluster, `config/config.go`):
 *
 * - v0.21 to v0.26: `sync.externalSecrets`, `sync.stores`, `sync.clusterStores`, the last with `selector.labels`;
 * - v0.27 and v0.28: those and the new ones, where either may turn something on;
 * - since v0.29: `sync.toHost.externalSecrets`, `sync.toHost.stores`, `sync.fromHost.clusterStores`, with full selectors, and
 *   nothing else: vCluster's parser is strict.
 */
import { jsonEqual } from "../../effects/client/merge-patch.ts"
import { everything } from "../../effects/client/label-selector.ts"
import type { LabelSelector } from "../../effects/client/label-selector.ts"
import { nearestWord } from "../../effects/text/did-you-mean.ts"
import type { Given, SettingPath, SettingsReader } from "./settings-reader.ts"
import type { Position } from "../../effects/config/yaml-position.ts"

export interface SyncedKind {
  readonly enabled: boolean
  readonly selector: LabelSelector
}

export interface IntegrationSettings {
  readonly enabled: boolean
  readonly version: string | undefined
  readonly webhook: boolean
  readonly externalSecrets: SyncedKind
  readonly stores: SyncedKind
  readonly clusterStores: SyncedKind
}

const base: SettingPath = ["integrations", "externalSecrets"]
const at = (...steps: ReadonlyArray<string>): SettingPath => [...base, ...steps]

/** CRD versions as Kubernetes orders them (apimachinery, `version.CompareKubeAwareVersionStrings`). */
const versionPattern = /^v[1-9]\d*((alpha|beta)[1-9]\d*)?$/

/** Where a setting has come from: undefined is the default. */
export type Origins = Map<string, Position | undefined>

/** A value that may stand under two keys. */
interface Spelling<A> {
  readonly path: SettingPath
  readonly given: Given<A> | undefined
}

export class IntegrationReader {
  private readonly reader: SettingsReader
  private readonly origins: Origins
  /** In merged Helm values the chart's defaults stand beside what the user gave: a default then says nothing. */
  private readonly merged: boolean

  constructor(reader: SettingsReader, origins: Origins, merged: boolean) {
    this.reader = reader
    this.origins = origins
    this.merged = merged
  }

  read(): IntegrationSettings {
    this.checkKeys()
    this.warnOfOldShapes()
    const { reader } = this
    return {
      enabled: this.keep(at("enabled"), reader.boolean(at("enabled")), false),
      version: this.version(),
      webhook: this.keep(at("webhook", "enabled"), reader.boolean(at("webhook", "enabled")), false),
      externalSecrets: {
        enabled: this.keep(
          at("sync", "externalSecrets", "enabled"),
          reader.boolean(at("sync", "externalSecrets", "enabled")),
          true,
        ),
        selector: this.selector(at("sync", "toHost", "externalSecrets", "selector")),
      },
      stores: {
        enabled: this.either("enabled", at("sync", "toHost", "stores"), at("sync", "stores")),
        selector: this.selector(at("sync", "toHost", "stores", "selector")),
      },
      clusterStores: {
        enabled: this.either("enabled", at("sync", "fromHost", "clusterStores"), at("sync", "clusterStores")),
        selector: this.clusterStoresSelector(),
      },
    }
  }

  private checkKeys(): void {
    const { reader } = this
    for (const [key, { keyAt }] of reader.map(["integrations"])?.entries ?? [])
      if (key !== "externalSecrets" && nearestWord(key, ["externalSecrets"]) !== undefined)
        reader.problem(keyAt, `unknown key ${JSON.stringify(key)} (did you mean "externalSecrets"?)`)
    reader.knownKeys(base, ["enabled", "version", "webhook", "sync"])
    reader.knownKeys(at("webhook"), ["enabled"])
    reader.knownKeys(at("sync"), ["toHost", "fromHost"], ["externalSecrets", "stores", "clusterStores"])
    reader.knownKeys(at("sync", "toHost"), ["externalSecrets", "stores"])
    reader.knownKeys(at("sync", "toHost", "externalSecrets"), ["selector"])
    reader.knownKeys(at("sync", "toHost", "stores"), ["enabled", "selector"])
    reader.knownKeys(at("sync", "fromHost"), ["clusterStores"])
    reader.knownKeys(at("sync", "fromHost", "clusterStores"), ["enabled", "selector"])
    reader.knownKeys(at("sync", "externalSecrets"), ["enabled"])
    reader.knownKeys(at("sync", "stores"), ["enabled"])
    reader.knownKeys(at("sync", "clusterStores"), ["enabled", "selector"])
  }

  private keep<A>(path: SettingPath, given: Given<A> | undefined, fallback: A): A {
    this.origins.set(path.join("."), given?.at)
    return given === undefined ? fallback : given.value
  }

  private version(): string | undefined {
    const given = this.reader.string(at("version"))
    const version = this.keep(at("version"), given, "")
    if (version === "") return undefined
    if (!versionPattern.test(version))
      this.reader.problem(
        given?.at,
        `integrations.externalSecrets.version: ${JSON.stringify(version)} is not the version of a CRD; use one such as v1 or v1beta1`,
      )
    return version
  }

  private selector(path: SettingPath): LabelSelector {
    return this.keep(path, this.reader.selector(path), everything)
  }

  private either(field: string, newer: SettingPath, older: SettingPath): boolean {
    const spelling = (path: SettingPath) => ({ path, given: this.reader.boolean(path) })
    return this.pick(spelling([...newer, field]), spelling([...older, field]), false)
  }

  private clusterStoresSelector(): LabelSelector {
    const newer = at("sync", "fromHost", "clusterStores", "selector")
    const older = at("sync", "clusterStores", "selector")
    return this.pick(
      { path: newer, given: this.reader.selector(newer) },
      { path: [...older, "labels"], given: this.reader.oldSelector(older) },
      everything,
    )
  }

  /** The setting out of its new and its old key; recorded under the new one. */
  private pick<A>(newer: Spelling<A>, older: Spelling<A>, fallback: A): A {
    const says = (given: Given<A> | undefined): given is Given<A> =>
      given !== undefined && !(this.merged && jsonEqual(given.value, fallback))
    const chosen = says(newer.given) ? newer.given : says(older.given) ? older.given : newer.given
    if (says(newer.given) && says(older.given) && !jsonEqual(newer.given.value, older.given.value))
      this.reader.problem(
        older.given.at,
        `${older.path.join(".")} differs from ${newer.path.join(".")} on line ${newer.given.at.line}, which replaces it; remove the former`,
      )
    return this.keep(newer.path, chosen, fallback)
  }

  private warnOfOldShapes(): void {
    const { reader } = this
    const tell = (path: SettingPath, what: string) => {
      const entry = reader.entry(path)
      if (entry !== undefined && !(this.merged && this.isOldDefault(path)))
        reader.warn(entry.keyAt, `${path.join(".")} is what vCluster took before v0.29; ${what}`)
    }
    tell(
      at("sync", "externalSecrets"),
      "since then ExternalSecrets are always synced, and integrations.externalSecrets.sync.toHost.externalSecrets.selector says which",
    )
    tell(at("sync", "stores"), "since v0.27 it is integrations.externalSecrets.sync.toHost.stores")
    tell(
      at("sync", "clusterStores"),
      "since v0.27 it is integrations.externalSecrets.sync.fromHost.clusterStores, where selector.labels is selector.matchLabels",
    )
  }

  /** The charts of v0.21 to v0.28 bring the old keys themselves. */
  private isOldDefault(path: SettingPath): boolean {
    const { reader } = this
    const enabled = reader.entry([...path, "enabled"])?.value
    const labels = reader.entry([...path, "selector", "labels"])?.value
    const enabledByDefault = path.at(-1) === "externalSecrets"
    return (
      (enabled === undefined || (enabled.kind === "scalar" && enabled.value === enabledByDefault)) &&
      (labels === undefined || (labels.kind === "map" && labels.entries.size === 0))
    )
  }
}
