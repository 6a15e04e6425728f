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
