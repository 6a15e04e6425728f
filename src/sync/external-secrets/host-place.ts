/** What an ExternalSecret and its Secret are called on the host. */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { SyncContext } from "../engine/context.ts"
import type { ExternalSecretSpec } from "./external-secret-spec.ts"
import { creationPolicyOf, targetName } from "./external-secret-spec.ts"
import type { HostLocation } from "../tenancy/names.ts"
import { mergeSecretName } from "../tenancy/names.ts"

export interface HostPlace {
  readonly location: HostLocation
  /** The hidden Secret that ESO writes. */
  readonly hostSecret: string
}

/** Name of the Secret that ESO writes on the host for a virtual ExternalSecret whose copy stands at `location`. */
export const hostSecretOf = (
  virtual: KubeObject,
  spec: ExternalSecretSpec,
  location: HostLocation,
  context: SyncContext,
): string =>
  creationPolicyOf(spec) === "Merge"
    ? mergeSecretName(location.name)
    : context.hostSecretName(targetName(spec, virtual.metadata.name), virtual.metadata.namespace ?? "")
