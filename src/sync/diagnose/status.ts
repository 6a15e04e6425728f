/** From what was looked at to what `status` says. Pure. */
import type { ApiError } from "../../effects/client/api-error.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { expiryOf, readLease } from "../../effects/leader-election/lease.ts"
import type { SyncSettings } from "../tenancy/sync-settings.ts"
import type { EsoFacts } from "../discovery/find-eso.ts"
import type { Vcluster } from "../discovery/find-vcluster.ts"
import type { Observation } from "./snapshot.ts"
import type { ObjectReport } from "../engine/report.ts"
import { countByHealth } from "../engine/report.ts"
import { stringAt } from "../../effects/client/unstructured.ts"
import { clusterSecretStores } from "../resources.ts"
import { managedLabel, versionAnnotation } from "../tenancy/labels.ts"
import { toQuery } from "../../effects/client/label-selector.ts"
import type { HostStatus, KindCounts, SettingsSummary, StatusReport, SyncerStatus } from "./status-report.ts"

export interface StatusInput {
  readonly vcluster: Vcluster
  readonly host: Pick<HostStatus, "context" | "server">
  readonly eso: EsoFacts
  readonly settings: SyncSettings
  /** Where the settings come from. */
  readonly source: string
  /** The Lease of the syncer, where there is one; `hidden`: not visible to us. */
  readonly lease: KubeObject | "hidden" | undefined
  /** Absent: the virtual cluster, or ESO, is not there to be looked at; `problems` says why. */
  readonly observation: Observation | undefined
  readonly problems: ReadonlyArray<ObjectReport>
  readonly notVisible: ReadonlyArray<ApiError>
  /** ClusterSecretStores on the host that the selector leaves out, where that could be counted. */
  readonly unselectedStores: number | undefined
  readonly nowMs: number
}

const clusterStore = clusterSecretStores("").kind

/** Of a Lease that names no duration (client-go's default). */
const defaultLeaseMs = 15_000

export const syncerStatus = (lease: StatusInput["lease"], nowMs: number): SyncerStatus => {
  if (lease === "hidden") return {}
  if (lease === undefined) return { running: false }
  const state = readLease(lease)
  if (expiryOf(state, defaultLeaseMs) <= nowMs) return { running: false }
  const since = stringAt(lease, "spec", "acquireTime")
  const version = lease.metadata.annotations?.[versionAnnotation]
  return {
    running: true,
    holder: state.holder,
    ...(since === undefined ? {} : { since }),
    ...(version === undefined ? {} : { version }),
  }
}

/** Settings under which every ExternalSecret is refused: enabled alone opens no store (DESIGN §6). */
export const storeNotice = ({ stores, clusterStores }: SyncSettings): string | undefined =>
  stores.enabled || clusterStores.enabled
    ? undefined
    : "no store can be used: integrations.externalSecrets.sync has neither fromHost.clusterStores.enabled nor toHost.stores.enabled"

const settingsSummary = (settings: SyncSettings, source: string): SettingsSummary => ({
  source,
  externalSecrets: { selector: toQuery(settings.externalSecrets.selector) },
  stores: { enabled: settings.stores.enabled, selector: toQuery(settings.stores.selector) },
  clusterStores: { enabled: settings.clusterStores.enabled, selector: toQuery(settings.clusterStores.selector) },
  policy: "default",
})

const counts = ({ observation, unselectedStores: left = 0 }: StatusInput): ReadonlyArray<KindCounts> => {
  if (observation === undefined) return []
  const note = `${left} on the host ${left === 1 ? "does" : "do"} not match the selector`
  return observation.counted.map((kind) => ({
    kind,
    ...countByHealth(observation.reports.filter((report) => report.kind === kind)),
    ...(kind === clusterStore && left > 0 ? { note } : {}),
  }))
}

const identityProblem = ({ identity }: Observation): ReadonlyArray<ObjectReport> =>
  identity === undefined
    ? []
    : [
        {
          kind: "Namespace",
          name: "kube-system",
          health: "broken",
          reason: "IdentityMismatch",
          message: identity.message,
          fix: { text: "if that is meant, sync once with --accept-identity" },
        },
      ]

const massDeletionProblem = ({ massDeletion }: Observation): ReadonlyArray<ObjectReport> =>
  massDeletion === undefined
    ? []
    : [
        {
          kind: massDeletion.kind,
          name: "(all)",
          health: "waiting",
          reason: "MassDeletionHeld",
          message: massDeletion.message,
          fix: { text: "if that is meant, sync once with --allow-mass-delete" },
        },
      ]

const foreignCrdProblems = ({ foreignCrds }: Observation): ReadonlyArray<ObjectReport> =>
  foreignCrds.flatMap(({ pair, usable }) => {
    // One that serves our version does no harm by itself: an ESO that runs beside it shows at the objects.
    if (usable) return []
    return [
      {
        kind: "CustomResourceDefinition",
        name: pair.host.metadata.name,
        health: "broken" as const,
        reason: "CrdNotOurs",
        message: `it was installed in the virtual cluster by somebody else and does not serve ${pair.version}, so nothing of this kind can be synced`,
        fix: {
          text: "upgrade or remove the External Secrets Operator inside the virtual cluster, or choose a version that both serve: integrations.externalSecrets.version",
        },
      },
    ]
  })

const contestedCrdProblems = ({ crds }: Observation): ReadonlyArray<ObjectReport> =>
  crds.flatMap(({ contested, host: { metadata } }) =>
    contested === undefined
      ? []
      : [
          {
            kind: "CustomResourceDefinition",
            name: metadata.name,
            health: "broken" as const,
            reason: "CrdContested",
            message: contested,
            fix: {
              text: "leave it to one of the two: take it out of what else writes it (GitOps of the virtual cluster?), or take our label off, and it is left alone",
              command: `kubectl label crd ${metadata.name} ${managedLabel}-`,
              cluster: "virtual" as const,
            },
          },
        ],
  )

const nameOf = (error: ApiError): string => {
  const where = error.namespace === undefined ? "" : ` in namespace ${error.namespace}`
  return `${error.verb} ${error.resource}${where}${error.cluster === "host" ? "" : ` of the ${error.cluster} cluster`}`
}

export const statusOf = (input: StatusInput): StatusReport => {
  const { observation, eso } = input
  const seen =
    observation === undefined
      ? []
      : [identityProblem, massDeletionProblem, foreignCrdProblems, contestedCrdProblems].flatMap((find) =>
          find(observation),
        )
  const denied = [...input.notVisible, ...(observation?.notVisible ?? [])]
  return {
    vcluster: input.vcluster,
    host: {
      ...input.host,
      eso: {
        ...(eso.version === undefined ? {} : { version: eso.version }),
        ...(eso.healthy === undefined ? {} : { healthy: eso.healthy }),
      },
      crds: eso.crds,
    },
    syncer: syncerStatus(input.lease, input.nowMs),
    settings: settingsSummary(input.settings, input.source),
    counts: counts(input),
    problems: [
      ...input.problems,
      ...seen,
      ...(observation?.reports ?? []).filter((report) => report.health !== "synced"),
    ],
    notVisible: [...new Set(denied.map(nameOf))],
  }
}
