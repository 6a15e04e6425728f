/** What keeps a Syncer from starting or going on, besides a cluster that cannot be reached (`ApiError`). */
import { Runtime, Schema } from "effect"
import { exitCodes } from "../../effects/exit-codes.ts"
import type { ApiError } from "../../effects/client/api-error.ts"
import type { LeaseHeld } from "../../effects/leader-election/leader-election.ts"
import type { IdentityMismatch } from "./identity.ts"
import type { MassDeletion } from "./mass-deletion.ts"

export const installEso =
  "helm install external-secrets external-secrets --repo https://charts.external-secrets.io -n external-secrets --create-namespace"

/** ESO's CRDs are not on the host, or one of them is not. */
export class OperatorMissing extends Schema.TaggedError<OperatorMissing>()("OperatorMissing", {
  crd: Schema.String,
  /** The others are there: ESO was installed without this one. */
  partly: Schema.optionalKey(Schema.Boolean),
}) {
  get fix(): string {
    return this.partly === true
      ? "install External Secrets Operator with this CRD (a switch of its chart under crds), or switch off in vcluster.yaml what needs it"
      : installEso
  }

  override get message(): string {
    if (this.partly === true)
      return `External Secrets Operator was installed on the host without the CRD ${this.crd}, which the settings of this vCluster need`
    return `External Secrets Operator is not installed on the host: no CRD ${this.crd}`
  }
}

/** The namespace that should hold the vCluster is not on the host. */
export class HostNamespaceMissing extends Schema.TaggedError<HostNamespaceMissing>()("HostNamespaceMissing", {
  namespace: Schema.String,
}) {
  override readonly [Runtime.errorExitCode] = exitCodes.usage

  override get message(): string {
    return `namespace ${this.namespace} does not exist on the host`
  }
}

/** The Lease went to somebody else while we ran, or with the vCluster that owns it: we must not write any more. */
export class LeaseLost extends Schema.TaggedError<LeaseLost>()("LeaseLost", { lease: Schema.String }) {
  override get message(): string {
    return `the Lease ${this.lease} was lost (not renewed in time, taken over by another syncer, or gone with the vCluster); this syncer stops`
  }
}

/** The Service that owns the Lease and all that we put beside it is gone, or is another one: so is the vCluster. */
export class VclusterGone extends Schema.TaggedError<VclusterGone>()("VclusterGone", { service: Schema.String }) {
  override get message(): string {
    return `the Service ${this.service}, which owns what is synced, is gone or is another one (was the vCluster uninstalled?); this syncer stops, and writes nothing`
  }
}

/** The setting `integrations.externalSecrets.version` asks for what the host cannot give. */
export class VersionNotServed extends Schema.TaggedError<VersionNotServed>()("VersionNotServed", {
  crd: Schema.String,
  version: Schema.String,
  served: Schema.Array(Schema.String),
}) {
  override readonly [Runtime.errorExitCode] = exitCodes.usage
  readonly fix =
    "take integrations.externalSecrets.version out of vcluster.yaml, or set it to a version that the host serves; nothing is deleted"

  override get message(): string {
    return `integrations.externalSecrets.version: the host serves ${this.crd} as ${this.served.join(", ") || "nothing"}, not as ${this.version}`
  }
}

/** What a CRD in the virtual cluster lets us do. While it is being deleted it stays Established, but takes no new objects. */
const CrdState = Schema.Literals(["absent", "terminating", "pending", "served"])
export type CrdState = typeof CrdState.Type

/** A CRD in the virtual cluster that did not come to be served in the time that was given. */
export class CrdNotServed extends Schema.TaggedError<CrdNotServed>()("CrdNotServed", {
  crd: Schema.String,
  state: CrdState,
  seconds: Schema.Finite,
  /** The API server's words, or empty. */
  detail: Schema.String,
}) {
  readonly fix =
    "in the virtual cluster, kubectl describe the CRD: objects or finalizers that hold its deletion, a name that another CRD has"

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

/** The objects of a CRD in the virtual cluster, somebody else's, are converted by a webhook that does not answer: none can be read. */
export class ConversionBroken extends Schema.TaggedError<ConversionBroken>()("ConversionBroken", {
  crd: Schema.String,
  /** `Service NAMESPACE/NAME`, or a URL. */
  webhook: Schema.String,
  /** The API server's words. */
  detail: Schema.String,
}) {
  get fix(): string {
    return `bring the webhook back, or take it out of the CRD; in the virtual cluster:\nkubectl patch crd ${this.crd} --type=merge -p '{"spec":{"conversion":{"strategy":"None","webhook":null}}}'`
  }

  override get message(): string {
    return `CRD ${this.crd} in the virtual cluster was installed by somebody else, and its conversion webhook (${this.webhook}) does not answer, so no object of this kind can be read: ${this.detail}`
  }
}

/** All that keeps a Syncer from starting or going on. */
export type SyncFailure =
  | ApiError
  | ConversionBroken
  | CrdNotServed
  | HostNamespaceMissing
  | IdentityMismatch
  | LeaseHeld
  | LeaseLost
  | MassDeletion
  | OperatorMissing
  | VclusterGone
  | VersionNotServed
