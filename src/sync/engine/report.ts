/**
 * What the Syncer says about the objects that it looks after: the words that `sync`, `status` and the logs share.
 * Plain data; nothing here is escaped for a terminal yet (that is the printer's work), and nothing holds a secret value.
 */
import type { Fix, Health } from "../tenancy/object-health.ts"

/** One object that a tenant (or, for stores, the operator) sees, and how it stands. */
export interface ObjectReport {
  /** `ExternalSecret`, `ClusterSecretStore`, `CustomResourceDefinition` … */
  readonly kind: string
  /** Virtual namespace; absent for cluster-scoped kinds. */
  readonly namespace?: string
  readonly name: string
  readonly health: Health
  /** A reason in the sense of a condition: CamelCase, stable. */
  readonly reason: string
  readonly message: string
  /** RFC 3339, since when it stands like that, where known. */
  readonly since?: string
  readonly fix?: Fix
}

/** One write that was carried out (or, in a dry run, would be). */
export interface Change {
  readonly side: "host" | "virtual"
  readonly verb: "created" | "updated" | "deleted" | "status"
  readonly kind: string
  readonly namespace?: string
  readonly name: string
  /** For a virtual Secret: `rotated` when only its data changed. */
  readonly note?: string
}

/** One pass over all objects. */
export interface SyncResult {
  readonly reports: ReadonlyArray<ObjectReport>
  readonly changes: ReadonlyArray<Change>
  /** Some objects were still waiting for somebody else's move when the time was over. */
  readonly timedOut: boolean
}

export interface Counts {
  readonly synced: number
  readonly waiting: number
  readonly broken: number
  readonly refused: number
}

export const countByHealth = (reports: Iterable<ObjectReport>): Counts => {
  const counts = { synced: 0, waiting: 0, broken: 0, refused: 0 }
  for (const report of reports) counts[report.health] += 1
  return counts
}
