/** What keeps a Syncer from starting or going on, besides a cluster that cannot be reached (`ApiError`). */
import { Data } from "effect"

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

/** The Lease went to somebody else while we ran: we must not write any more. */
export class LeaseLost extends Data.TaggedError("LeaseLost")<{ readonly lease: string }> {
  override get message(): string {
    return `the Lease ${this.lease} was lost, so another syncer may be at work; this one stops`
  }
}
