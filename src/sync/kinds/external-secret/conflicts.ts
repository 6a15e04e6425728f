/** What the caches hold about one ExternalSecret, and what on the host stands in its way. */
import { hostExternalSecrets } from "../../external-secrets/external-secret-caches.ts"
import { hostSecrets, hostUnmanagedSecrets, virtualSecrets } from "../../external-secrets/secret-caches.ts"
import { hostClusterSecretStores, hostSecretStores, virtualSecretStores } from "../../external-secrets/store-caches.ts"
import { virtualNamespaces } from "./caches.ts"
import type { KubeObject, ObjectKey } from "../../../effects/client/kube-object.ts"
import { keyOf } from "../../../effects/client/kube-object.ts"
import type { Caches } from "../../engine/caches.ts"
import type { SyncContext } from "../../engine/context.ts"
import type { HostSide } from "./to-host.ts"
import type { ExternalSecretSpec } from "../../external-secrets/external-secret-spec.ts"
import { storeReferences } from "../../external-secrets/external-secret-spec.ts"
import { toQuery } from "../../../effects/client/label-selector.ts"
import type { HostLocation } from "../../tenancy/names.ts"
import { controllerOf, originOf } from "../../tenancy/ownership.ts"
import type { Surroundings } from "./policy.ts"
import { Refusal } from "../../tenancy/refusals.ts"
import { storeConflict } from "../../external-secrets/store-conflict.ts"
import type { TargetSecrets } from "../../external-secrets/target-secret.ts"
import { vclusterService } from "../../engine/vcluster-service.ts"

/** Everything that the caches hold about one key. */
export interface Situation {
  readonly key: ObjectKey
  readonly caches: Caches
  readonly context: SyncContext
  readonly host: HostSide
  /** What is done about the Secret in the virtual cluster. */
  readonly targets: TargetSecrets
  /** Host objects that say they are the copy of this key; more than one after a change of the namespace mapping. */
  readonly copies: ReadonlyArray<KubeObject>
  /** Virtual Secrets that name this ExternalSecret as theirs. */
  readonly claimed: ReadonlyArray<KubeObject>
}

export const situationOf = (
  key: ObjectKey,
  targets: TargetSecrets,
  caches: Caches,
  context: SyncContext,
): Situation => ({
  key,
  targets,
  caches,
  context,
  host: {
    tenancy: context.tenancy,
    version: context.hostVersion,
    schema: context.hostSpecSchema("externalsecrets"),
    names: {
      store: (name, namespace) => context.locate({ metadata: { name, namespace } })?.name ?? "",
      reference: (name, namespace) => context.locateReference(name, namespace)?.name ?? "",
    },
    service: vclusterService(caches, context),
  },
  copies: caches.of(hostExternalSecrets).byIndex("origin", key),
  claimed: caches.of(virtualSecrets).byIndex("claimant", key),
})

export const surroundings = (
  { caches, context }: Pick<Situation, "caches" | "context">,
  virtual: KubeObject,
): Surroundings => {
  const name = virtual.metadata.namespace ?? ""
  return {
    policy: context.policy,
    clusterStores: {
      enabled: context.settings.clusterStores.enabled,
      selector: toQuery(context.settings.clusterStores.selector),
      imported: (store) => caches.of(hostClusterSecretStores).get(store),
    },
    stores: { enabled: context.settings.stores.enabled },
    virtualNamespace: { name, labels: caches.of(virtualNamespaces).get(name)?.metadata.labels ?? {} },
  }
}

/** A SecretStore that is not on the host under the name that we would refer to. */
export interface MissingStore {
  readonly name: string
  /** What stands in the virtual cluster. */
  readonly virtual: KubeObject | undefined
}

interface Stores {
  readonly missing: MissingStore | undefined
  readonly conflict: Refusal | undefined
}

/** The SecretStores that a spec draws on: ours must stand on the host under their names, and nobody else's. */
export const storesOf = (
  { caches, context }: Pick<Situation, "caches" | "context">,
  spec: ExternalSecretSpec,
  namespace: string,
): Stores => {
  let missing: MissingStore | undefined
  for (const { kind, name } of storeReferences(spec)) {
    if (kind !== "SecretStore") continue
    const location = context.locate({ metadata: { name, namespace } })
    if (location === undefined) continue
    const conflict = storeConflict(location, { namespace, name }, caches, context)
    if (conflict !== undefined) return { missing, conflict }
    if (caches.of(hostSecretStores).get(keyOf(location.namespace, location.name)) === undefined)
      missing ??= { name, virtual: caches.of(virtualSecretStores).get(keyOf(namespace, name)) }
  }
  return { missing, conflict: undefined }
}

/** Names are not injective and the host namespace is shared: what stands under the name that we need must be ours. */
export const hostConflict = (situation: Situation, location: HostLocation, hostSecret: string): Refusal | undefined => {
  const { caches, context, key } = situation
  const standing = caches.of(hostExternalSecrets).get(keyOf(location.namespace, location.name))
  const origin = standing === undefined ? undefined : originOf(standing, context.tenancy)
  if (standing !== undefined && origin === undefined)
    return new Refusal({
      reason: "HostObjectNotOurs",
      message: `the host already has an ExternalSecret ${location.name} that does not belong to this vCluster; rename this ExternalSecret`,
    })
  if (origin !== undefined && origin.key !== key)
    return new Refusal({
      reason: "HostNameTaken",
      message: `ExternalSecret ${origin.key} translates to the same host name ${location.name}; rename one of the two`,
    })
  return secretConflict(situation, location, hostSecret)
}

/**
 * ESO would take over a Secret that nobody controls, and put its label on one that another controller has: so we look before
 * it does. ESO knows its own Secrets by the controller's name (`externalsecret_controller.go`), and so do we.
 */
const secretConflict = (situation: Situation, location: HostLocation, hostSecret: string): Refusal | undefined => {
  const { caches, context, key } = situation
  const place = keyOf(location.namespace, hostSecret)
  const standing = caches.of(hostSecrets).get(place) ?? caches.of(hostUnmanagedSecrets).get(place)
  if (standing === undefined) return undefined
  const controller = controllerOf(standing)
  const byEso = controller?.kind === "ExternalSecret" ? controller.name : undefined
  if (byEso === location.name) return undefined
  const maker = byEso === undefined ? undefined : caches.of(hostExternalSecrets).get(keyOf(location.namespace, byEso))
  const origin = maker === undefined ? undefined : originOf(maker, context.tenancy)
  if (origin?.key === key) return undefined
  return new Refusal(
    origin === undefined
      ? {
          reason: "HostObjectNotOurs",
          message: `the host already has a Secret ${hostSecret} that no ExternalSecret of this vCluster made; choose another spec.target.name`,
        }
      : {
          reason: "HostNameTaken",
          message: `ExternalSecret ${origin.key} already has the target that spec.target.name translates to on the host; choose another spec.target.name`,
        },
  )
}
