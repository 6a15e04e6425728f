/** Everything that a Syncer works on, put together from flags and clusters. */
import { Clock, Effect, Scope } from "effect"
import { asleep, type Vcluster } from "../../sync/discovery/find-vcluster.ts"
import type { Settings } from "../../sync/settings/settings.ts"
import { parseSettings } from "../../sync/discovery/settings-source.ts"
import { storeNotice } from "../../sync/diagnose/status.ts"
import type { VclusterRef } from "../../sync/engine/preflight.ts"
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

/** In the order of what is worth saying first: the vCluster, its settings. */
const prepareOn = Effect.fnUntraced(function* (host: Host, args: ConnectArgs) {
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

export const prepare = Effect.fn("prepare")(function* (args: ConnectArgs) {
  return yield* prepareOn(yield* openHost(args), args)
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

/** Looks again and again at one vCluster over the same connections. */
export interface Lookout {
  /** Reads anew what may have changed: the vCluster's state, its settings. */
  readonly prepare: ReturnType<typeof prepareOn>
  /** Connects to the virtual cluster when that is first needed: it may be asleep until then. */
  readonly openTarget: (prepared: Prepared) => ReturnType<typeof openTarget>
}

const isSameVcluster = (left: VclusterRef, right: VclusterRef): boolean =>
  left.name === right.name && left.namespace === right.namespace

/** The connections stay open until the scope closes. */
export const makeLookout = Effect.fn("makeLookout")(function* (args: ConnectArgs) {
  const scope = yield* Effect.scope
  const host = yield* openHost(args)
  let opened: SyncTarget | undefined
  const lookout: Lookout = {
    prepare: prepareOn(host, args),
    openTarget: Effect.fnUntraced(function* (prepared) {
      const { vcluster, settings } = prepared
      const target =
        opened !== undefined && isSameVcluster(opened.vcluster, vcluster)
          ? { clients: opened.clients, vcluster, settings }
          : yield* Effect.provideService(openTarget(prepared, args), Scope.Scope, scope)
      opened = target
      return target
    }),
  }
  return lookout
})
