/**
 * The switches and selectors of `integrations.externalSecrets.sync`, out of every shape that a vCluster since v0.21 takes
 * (loft-sh/vcluster, `config/config.go`):
 *
 * - v0.21 to v0.26: `externalSecrets`, `stores`, `clusterStores`, the last with `selector.labels`;
 * - v0.27 and v0.28: those and the new ones, where either may turn something on;
 * - since v0.29: `toHost.externalSecrets`, `toHost.stores`, `fromHost.clusterStores`, with full selectors, and nothing else: vCluster's
 *   parser is strict.
 */
import { everything } from "../../effects/client/label-selector.ts"
import { jsonEqual } from "../../effects/client/merge-patch.ts"
import { givenAt } from "../../effects/config/yaml-position.ts"
import type { Position, PositionedProblem, YamlTree } from "../../effects/config/yaml-position.ts"
import { type Decoded, isWrong } from "../../effects/config/yaml-schema.ts"
import type { SyncSettings } from "../tenancy/sync-settings.ts"
import type { VclusterValues } from "./vcluster-values.ts"

const base = ["integrations", "externalSecrets", "sync"]
const today = base.join(".")

/** A setting under one of its keys. */
interface Spelling<A> {
  readonly path: string
  readonly value: A
  /** Undefined where it is not given, or wrong. */
  readonly at: Position | undefined
}

/** What stands in place of the old keys. */
const successors = {
  externalSecrets: `since then ExternalSecrets are always synced, and ${today}.toHost.externalSecrets.selector says which`,
  stores: `since v0.27 it is ${today}.toHost.stores`,
  clusterStores: `since v0.27 it is ${today}.fromHost.clusterStores, where selector.labels is selector.matchLabels`,
}

/** What the charts of v0.21 to v0.28 have there themselves. */
const oldDefaults = {
  externalSecrets: { enabled: true },
  stores: { enabled: false },
  clusterStores: { enabled: false, selector: { labels: {} } },
}

const oldKeys = ["externalSecrets", "stores", "clusterStores"] as const

export interface Selections extends Pick<SyncSettings, "externalSecrets" | "stores" | "clusterStores"> {
  /** Where each setting that has two keys was found, by its path as of today. */
  readonly origins: ReadonlyMap<string, Position | undefined>
  readonly problems: ReadonlyArray<PositionedProblem>
  readonly warnings: ReadonlyArray<PositionedProblem>
}

/** @param merged the chart's defaults stand beside what the user gave: a default then says nothing */
export const selectionsOf = (root: YamlTree, decoded: Decoded<VclusterValues>, merged: boolean): Selections => {
  const { sync } = decoded.value.integrations.externalSecrets
  const origins = new Map<string, Position | undefined>()
  const problems: Array<PositionedProblem> = []
  const spelling = <A>(steps: string, value: A): Spelling<A> => {
    const path = [...base, ...steps.split(".")]
    const at = isWrong(decoded, path) ? undefined : givenAt(root, path)?.value.at
    return { path: path.join("."), value, at }
  }
  const pick = <A>(newer: Spelling<A>, older: Spelling<A>, fallback: A): A => {
    const says = ({ at, value }: Spelling<A>) => at !== undefined && !(merged && jsonEqual(value, fallback))
    if (older.at !== undefined && says(older) && says(newer) && !jsonEqual(newer.value, older.value)) {
      const replaced = `differs from ${newer.path} on line ${newer.at?.line}, which replaces it; remove the former`
      problems.push({ at: older.at, message: `${older.path} ${replaced}` })
    }
    const { value, at } = says(older) && !says(newer) ? older : newer
    origins.set(newer.path, at)
    return value
  }
  const { labels } = sync.clusterStores.selector
  return {
    externalSecrets: { enabled: sync.externalSecrets.enabled, selector: sync.toHost.externalSecrets.selector },
    stores: {
      enabled: pick(
        spelling("toHost.stores.enabled", sync.toHost.stores.enabled),
        spelling("stores.enabled", sync.stores.enabled),
        false,
      ),
      selector: sync.toHost.stores.selector,
    },
    clusterStores: {
      enabled: pick(
        spelling("fromHost.clusterStores.enabled", sync.fromHost.clusterStores.enabled),
        spelling("clusterStores.enabled", sync.clusterStores.enabled),
        false,
      ),
      selector: pick(
        spelling("fromHost.clusterStores.selector", sync.fromHost.clusterStores.selector),
        spelling(
          "clusterStores.selector.labels",
          Object.keys(labels).length > 0 ? { matchLabels: labels } : everything,
        ),
        everything,
      ),
    },
    origins,
    problems,
    warnings: oldKeys.flatMap((key) => {
      const entry = givenAt(root, [...base, key])
      return entry === undefined || (merged && jsonEqual(sync[key], oldDefaults[key]))
        ? []
        : [{ at: entry.keyAt, message: `${today}.${key} is what vCluster took before v0.29; ${successors[key]}` }]
    }),
  }
}
