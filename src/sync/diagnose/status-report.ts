/** The whole picture of one vCluster, as `status` shows it. Plain data, not escaped, without secret values. */
import type { Vcluster } from "../discovery/find-vcluster.ts"
import type { Counts, ObjectReport } from "../engine/report.ts"

export interface KindCounts extends Counts {
  /** `ExternalSecret` … */
  readonly kind: string
  /** Something to say beside the numbers: `3 on the host do not match the selector`. */
  readonly note?: string
}

export interface SyncerStatus {
  /** The Lease is held and was renewed in time. Absent: the Lease is not visible to us. */
  readonly running?: boolean
  /** Who holds the Lease, in its own words: the name of a pod or of a machine. */
  readonly holder?: string
  /** RFC 3339: since when that one holds it. */
  readonly since?: string
  readonly version?: string
}

export interface HostStatus {
  /** Name of the kubeconfig's context; absent inside a pod. */
  readonly context?: string
  readonly server: string
  readonly eso: {
    readonly version?: string
    /** Absent: its Deployment is not visible to us, or not where we look. */
    readonly healthy?: boolean
  }
  /** Versions of ESO's ExternalSecret CRD that the host serves; empty: ESO is not installed. */
  readonly crds: ReadonlyArray<string>
}

export interface SettingsSummary {
  /** `secret team-x/vc-config-my-vcluster`, or the file. */
  readonly source: string
  /** Label selectors in the API's syntax; empty selects all. */
  readonly externalSecrets: { readonly selector: string }
  readonly stores: { readonly enabled: boolean; readonly selector: string }
  readonly clusterStores: { readonly enabled: boolean; readonly selector: string }
  /** Name of the policy in force. */
  readonly policy: string
}

export interface StatusReport {
  readonly vcluster: Vcluster
  readonly host: HostStatus
  readonly syncer: SyncerStatus
  readonly settings: SettingsSummary
  /** Empty: the objects could not be looked at. */
  readonly counts: ReadonlyArray<KindCounts>
  /** Everything that is not in step, the worst first. */
  readonly problems: ReadonlyArray<ObjectReport>
  /** What could not be looked at: `list secretstores.external-secrets.io in namespace team-x`. */
  readonly notVisible: ReadonlyArray<string>
}

/**
 * Whether there is nothing to do: everything in step. That no syncer runs at the moment is worth a warning only: single passes, started by
 * a pipeline, are a way to run it.
 */
export const isGood = (report: StatusReport): boolean =>
  report.problems.length === 0 &&
  report.counts.length > 0 &&
  report.host.crds.length > 0 &&
  report.host.eso.healthy !== false &&
  report.counts.every((counts) => counts.broken + counts.refused + counts.waiting === 0)
