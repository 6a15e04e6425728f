/** Everything that a Syncer works on, put together from flags and clusters: the layers of a program. */
import { Clock, Effect, Layer, Scope } from "effect"
import type { KubeClient } from "../../effects/client/kube-client.ts"
import { asleep, type Vcluster } from "../../sync/discovery/find-vcluster.ts"
import type { Settings } from "../../sync/settings/settings.ts"
import { parseSettings } from "../../sync/discovery/settings-source.ts"
import { storeNotice } from "../../sync/diagnose/status.ts"
import { type ClientServices, clientsLayer } from "../../sync/engine/clients.ts"
import type { Registry } from "../../sync/engine/registry.ts"
import { ActivePolicy, type VclusterRef, VclusterTarget } from "../../sync/engine/target.ts"
import { registryLayer, syncedBy } from "../../sync/kinds/kinds.ts"
import { type ConnectArgs, findVcluster, type Host, openHost, openVirtual, readSettings } from "./connect.ts"
import { defaultPolicy } from "../../sync/tenancy/policy.ts"
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
  const settings = yield* parseSettings(text, vcluster, syncedBy)
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

/** What is looked at or synced. How, and who is told, is a matter of the command. */
export type TargetServices = ActivePolicy | ClientServices | Registry | VclusterTarget

const targetOf = ({ host, vcluster, settings }: Prepared, virtual: KubeClient): Layer.Layer<TargetServices> =>
  Layer.mergeAll(
    clientsLayer({ host: host.client, virtual }),
    Layer.succeed(VclusterTarget, { vcluster, settings }),
    Layer.succeed(ActivePolicy, defaultPolicy),
    registryLayer,
  )

/** Connects to the virtual cluster. */
export const targetLayer = (prepared: Prepared, args: ConnectArgs) =>
  Layer.unwrap(
    Effect.map(openVirtual(prepared.host, prepared.vcluster, args), (virtual) => targetOf(prepared, virtual)),
  )

/** Looks again and again at one vCluster over the same connections. */
export interface Lookout {
  /** Reads anew what may have changed: the vCluster's state, its settings. */
  readonly prepare: ReturnType<typeof prepareOn>
  /** Connects to the virtual cluster when that is first needed: it may be asleep until then. */
  readonly target: (
    prepared: Prepared,
  ) => Effect.Effect<Layer.Layer<TargetServices>, Effect.Error<ReturnType<typeof openVirtual>>>
}

const isSameVcluster = (left: VclusterRef, right: VclusterRef): boolean =>
  left.name === right.name && left.namespace === right.namespace

/** The connections stay open until the scope closes. */
export const makeLookout = Effect.fn("makeLookout")(function* (args: ConnectArgs) {
  const scope = yield* Effect.scope
  const host = yield* openHost(args)
  let opened: { readonly vcluster: VclusterRef; readonly virtual: KubeClient } | undefined
  const lookout: Lookout = {
    prepare: prepareOn(host, args),
    target: Effect.fnUntraced(function* (prepared) {
      const { vcluster } = prepared
      const virtual =
        opened !== undefined && isSameVcluster(opened.vcluster, vcluster)
          ? opened.virtual
          : yield* Effect.provideService(openVirtual(host, vcluster, args), Scope.Scope, scope)
      opened = { vcluster, virtual }
      return targetOf(prepared, virtual)
    }),
  }
  return lookout
})
