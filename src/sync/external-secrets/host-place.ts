/** Where copies stand on the host: what an ExternalSecret, a SecretStore and a Secret are called there. */
import type { KubeObject, ObjectKey } from "../../effects/client/kube-object.ts"
import { keyOf } from "../../effects/client/kube-object.ts"
import type { SyncContext } from "../engine/context.ts"
import type { ExternalSecretSpec } from "./external-secret-spec.ts"
import { creationPolicyOf, targetName } from "./external-secret-spec.ts"
import type { HostLocation } from "../tenancy/names.ts"

export interface HostPlace {
  readonly location: HostLocation
  /** The hidden Secret that ESO writes. */
  readonly hostSecret: string
}

/** For indexes: where the copy of a virtual object stands on the host; nowhere where its namespace has no place there. */
export const copyKeys = (virtual: Pick<KubeObject, "metadata">, context: SyncContext): ReadonlyArray<ObjectKey> => {
  const location = context.locate(virtual)
  return location === undefined ? [] : [keyOf(location.namespace, location.name)]
}

/** Name of the Secret that ESO writes on the host for a virtual ExternalSecret. */
export const hostSecretOf = (virtual: KubeObject, spec: ExternalSecretSpec, context: SyncContext): string => {
  const { name, namespace = "" } = virtual.metadata
  return creationPolicyOf(spec) === "Merge"
    ? context.mergeSecretName(name, namespace)
    : context.hostSecretName(targetName(spec, name), namespace)
}
