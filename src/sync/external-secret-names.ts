/** What an ExternalSecret and its Secret are called on the host, and what its tenant knows host names as. */
import type { KubeObject } from "../effects/kube-object.ts"
import { keyOf } from "../effects/kube-object.ts"
import type { Caches } from "./caches.ts"
import type { SyncContext } from "./context.ts"
import type { ExternalSecretSpec } from "./rules/external-secret-spec.ts"
import { creationPolicyOf, targetName } from "./rules/external-secret-spec.ts"
import type { HostNames } from "./rules/host-text.ts"
import type { HostLocation } from "./rules/names.ts"
import { mergeSecretName } from "./rules/names.ts"
import { originOf } from "./rules/ownership.ts"
import { externalSecretNames } from "./translated-names.ts"

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

/** For texts that may name more than the object itself; undefined: it has no place on the host. */
export const namesForTenant = (
  virtual: KubeObject,
  spec: ExternalSecretSpec,
  caches: Caches,
  context: SyncContext,
): HostNames | undefined => {
  const location = context.locate(virtual)
  if (location === undefined) return undefined
  const virtualNamespace = virtual.metadata.namespace ?? ""
  const hostSecret = hostSecretOf(virtual, spec, location, context)
  return {
    own: new Map(externalSecretNames(virtual, spec, { location, hostSecret }, context)),
    hostNamespace: location.namespace,
    virtualNamespace,
    vcluster: context.tenancy.vcluster,
    isOther: (name) => {
      const place = keyOf(location.namespace, name)
      const standing = caches.hostExternalSecrets.get(place)
      return (
        (standing !== undefined && originOf(standing, context.tenancy) !== undefined) ||
        (name.endsWith(".es") && caches.hostSecrets.get(place) !== undefined)
      )
    },
    tenantText: JSON.stringify([virtual["spec"], virtual.metadata.labels, virtual.metadata.annotations]),
  }
}
