/** Everything that a Syncer works on, put together from flags and clusters. */
import { Clock, Effect } from "effect"
import { asleep, type Vcluster } from "../../sync/discovery/find-vcluster.ts"
import type { Settings } from "../../sync/settings/settings.ts"
import { parseSettings } from "../../sync/discovery/settings-source.ts"
import { storeNotice } from "../../sync/diagnose/status.ts"
import type { SyncTarget } from "../../sync/engine/target.ts"
import { type ConnectArgs, findVcluster, type Host, openHost, openVirtual, readSettings } from "./connect.ts"
import { ageOf } from "../output/age.ts"

/** The host's half of the picture, which can be had while the virtual cluster sleeps. */
export interface Prepared {
  readonly host: Host
  readonly vcluster: Vcluster
  readonly settings: Settings
  /** Where the settings come from. */
  readonly source: string
  readonly warnings: ReadonlyArray<string>
}

/** In the order of what is worth saying first: the host, the vCluster, its settings. */
export const prepare = Effect.fn("prepare")(function* (args: ConnectArgs) {
  const host = yield* openHost(args)
  const { vcluster, warnings } = yield* findVcluster(host, args)
  const text = yield* readSettings(host, vcluster, args)
  const settings = yield* parseSettings(text, vcluster)
  const notice = storeNotice(settings)
  const prepared: Prepared = {
    host,
    vcluster,
    settings,
    source: text.source,
    warnings: [...warnings, ...settings.warnings, ...(notice === undefined ? [] : [notice])],
  }
  return prepared
})

/** Why there is no virtual cluster to talk to now; undefined while it runs. */
export const whyAsleep = (vcluster: Vcluster) =>
  Effect.map(Clock.currentTimeMillis, (nowMs) => asleep(vcluster, ageOf(vcluster.since, nowMs)))

export const openTarget = Effect.fn("openTarget")(function* (prepared: Prepared, args: ConnectArgs) {
  const { host, vcluster, settings } = prepared
  const virtual = yield* openVirtual(host, vcluster, args)
  const target: SyncTarget = { clients: { host: host.client, virtual }, vcluster, settings }
  return target
})
