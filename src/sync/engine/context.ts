/** What stays the same while one Syncer runs (an ESO upgrade builds another one): the fixed input of every decision. */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { HostLocation } from "../tenancy/names.ts"
import type { Tenancy } from "../tenancy/ownership.ts"
import type { Policy } from "../tenancy/policy.ts"
import type { SyncSettings } from "../tenancy/sync-settings.ts"

export interface SyncContext {
  readonly tenancy: Tenancy
  readonly hostNamespace: string
  readonly settings: SyncSettings
  readonly policy: Policy
  /** Plurals of external-secrets.io that come into the virtual cluster. */
  readonly imported: ReadonlyArray<string>
  /** The version in which we speak of a kind of external-secrets.io, on both sides, by plural. */
  readonly versionOf: (plural: string) => string
  /** openAPIV3Schema of the spec of the host's CRDs, by plural. */
  readonly hostSpecSchema: (plural: string) => unknown
  /** Where to watch the host; undefined: everywhere, since virtual namespaces are mapped to host namespaces. */
  readonly hostScope: string | undefined
  /** Whether a host namespace is the vCluster's, or stands for one of the tenant's. */
  readonly isOurNamespace: (hostNamespace: string) => boolean
  /** Where the copy of a virtual object stands on the host; undefined: nowhere. */
  readonly locate: (virtual: Pick<KubeObject, "metadata">) => HostLocation | undefined
  /** Why {@link locate} knows no place in a virtual namespace. */
  readonly whyNowhere: (virtualNamespace: string) => string
  /** Name of the Secret that ESO writes on the host for a target in a virtual namespace. */
  readonly hostSecretName: (target: string, virtualNamespace: string) => string
  /** The same for an ExternalSecret that merges into its target. */
  readonly mergeSecretName: (externalSecret: string, virtualNamespace: string) => string
  /** Where the copy of a Secret or ConfigMap stands that a spec of a virtual namespace refers to. */
  readonly locateReference: (name: string, virtualNamespace: string) => HostLocation | undefined
  /** What vCluster calls a tenant's ServiceAccount on the host, beside the object that names it. */
  readonly hostServiceAccountName: (name: string, virtualNamespace: string) => string
  /** RFC 3339, for `lastTransitionTime`. */
  readonly now: () => string
}
