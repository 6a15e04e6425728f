/** What keeps a Syncer from starting or going on, besides a cluster that cannot be reached (`ApiError`). */
import { Data } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import type { LeaseHeld } from "../../effects/leader-election/leader-election.ts"
import type { IdentityMismatch } from "./identity.ts"
import type { MassDeletion } from "./mass-deletion.ts"

/** ESO's CRDs are not on the host. */
export class OperatorMissing extends Data.TaggedError("OperatorMissing")<{ readonly crd: string }> {
  override get message(): string {
    return `External Secrets Operator is not installed on the host: no CRD ${this.crd}`
  }
}

/** The namespace that should hold the vCluster is not on the host. */
export class HostNamespaceMissing extends Data.TaggedError("HostNamespaceMissing")<{ readonly namespace: string }> {
  override get message(): string {
    return `namespace ${this.namespace} does not exist on the host`
  }
}

/** The Lease went to somebody else while we ran, or with the vCluster that owns it: we must not write any more. */
export class LeaseLost extends Data.TaggedError("LeaseLost")<{ readonly lease: string }> {
  override get message(): string {
    return `the Lease ${this.lease} was lost (not renewed in time, taken over by another syncer, or gone with the vCluster); this syncer stops`
  }
}

/** The Service that owns the Lease and all that we put beside it is gone, or is another one: so is the vCluster. */
export class VclusterGone extends Data.TaggedError("VclusterGone")<{ readonly service: string }> {
  override get message(): string {
    return `the Service ${this.service}, which owns what is synced, is gone or is another one (was the vCluster uninstalled?); this syncer stops, and writes nothing`
  }
}

/** The setting `integrations.externalSecrets.version` asks for what the host cannot give. */
export class VersionNotServed extends Data.TaggedError("VersionNotServed")<{
  readonly crd: string
  readonly version: string
  readonly served: ReadonlyArray<string>
}> {
  override get message(): string {
    return `integrations.externalSecrets.version: the host serves ${this.crd} as ${this.served.join(", ") || "nothing"}, not as ${this.version}`
  }
}

/** What a CRD in the virtual cluster lets us do. While it is being deleted it stays Established, but takes no new objects. */
export type CrdState = "absent" | "terminating" | "pending" | "served"

/** A CRD in the virtual cluster that did not come to be served in the time that was given. */
export class CrdNotServed extends Data.TaggedError("CrdNotServed")<{
  readonly crd: string
  readonly state: CrdState
  readonly seconds: number
  /** The API server's words, or empty. */
  readonly detail: string
}> {
  override get message(): string {
    const trouble = {
      absent: `is still absent after ${this.seconds} s`,
      terminating: `is being deleted, and not gone after ${this.seconds} s`,
      pending: `is not served after ${this.seconds} s`,
      served: `was served only after ${this.seconds} s`,
    }[this.state]
    return `CRD ${this.crd} in the virtual cluster ${trouble}${this.detail === "" ? "" : `: ${this.detail}`}`
  }
}

/** All that keeps a Syncer from starting or going on. */
export type SyncFailure =
  | ApiError
  | CrdNotServed
  | HostNamespaceMissing
  | IdentityMismatch
  | LeaseHeld
  | LeaseLost
  | MassDeletion
  | OperatorMissing
  | VclusterGone
  | VersionNotServed
