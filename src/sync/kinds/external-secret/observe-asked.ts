/** What an ExternalSecret asks for, and what stands under the names that this needs in both clusters. */
import type { KubeObject, ObjectKey } from "../../../effects/client/kube-object.ts"
import { keyOf, objectKey } from "../../../effects/client/kube-object.ts"
import { toQuery } from "../../../effects/client/label-selector.ts"
import type { Caches } from "../../engine/caches.ts"
import type { SyncContext } from "../../engine/context.ts"
import { hostExternalSecrets } from "../../external-secrets/external-secret-caches.ts"
import type { ExternalSecretSpec } from "../../external-secrets/external-secret-spec.ts"
import { storeReferences, targetName, templateReferences } from "../../external-secrets/external-secret-spec.ts"
import type { HostPlace } from "../../external-secrets/host-place.ts"
import { hostSecretOf } from "../../external-secrets/host-place.ts"
import { heardOf, regardedExternalSecrets } from "../../external-secrets/involved-object.ts"
import type { ObservedReferent } from "../../external-secrets/referents.ts"
import { observeReferents } from "../../external-secrets/referents.ts"
import {
  hostSecrets,
  hostUnmanagedSecrets,
  virtualSecrets,
  virtualUnmanagedSecrets,
} from "../../external-secrets/secret-caches.ts"
import {
  hostClusterSecretStores,
  hostSecretStores,
  isImported,
  virtualSecretStores,
} from "../../external-secrets/store-caches.ts"
import { externalSecretText } from "../../external-secrets/tenant-text.ts"
import type { Translate } from "../../tenancy/message-translation.ts"
import type { HostLocation } from "../../tenancy/names.ts"
import { controllerOf } from "../../tenancy/ownership.ts"
import type { Leftover } from "./adoption.ts"
import { observeLeftover } from "./adoption.ts"
import { virtualNamespaces } from "./caches.ts"
import type { Surroundings } from "./policy.ts"

export interface Asked {
  readonly virtual: KubeObject
  readonly spec: ExternalSecretSpec
  readonly surroundings: Surroundings
  /** undefined: its namespace has no place on the host */
  readonly onHost: OnHost | undefined
  /** The Secret in the virtual cluster. */
  readonly target: Target
}

/** What stands on the host under the names that the copy needs, whosever it is. */
export interface OnHost {
  readonly place: HostPlace
  readonly externalSecret: KubeObject | undefined
  /** Under the name of the Secret that ESO makes, with its values where ESO made it. */
  readonly secret: KubeObject | undefined
  /** The ExternalSecret that made that Secret. */
  readonly secretsMaker: KubeObject | undefined
  readonly stores: ReadonlyArray<ObservedStore>
  readonly references: ReadonlyArray<ObservedReferent>
  /** What vCluster's own integration left in its place, and the operator has handed over. */
  readonly leftover: Leftover | undefined
  /** The one of the copies that is where it should be. */
  readonly copy: KubeObject | undefined
  /** The Secret that ESO made for the copy. */
  readonly made: KubeObject | undefined
  /** ESO's events about the copy. */
  readonly heard: ReadonlyArray<KubeObject>
  /** For what is said on the host. Looks other names up as they come. */
  readonly translate: Translate
}

/** A SecretStore of the tenant's that the spec draws on. */
export interface ObservedStore {
  readonly key: ObjectKey
  readonly name: string
  readonly location: HostLocation
  /** What stands on the host under the name of its copy. */
  readonly host: KubeObject | undefined
  readonly virtual: KubeObject | undefined
}

export interface Target {
  readonly name: string
  /** The Secret that stands there, with its values. */
  readonly standing: KubeObject | undefined
  /** The one that stands there and of which only the metadata is known. */
  readonly unmanaged: KubeObject | undefined
}

export const observeSurroundings = (
  virtual: KubeObject,
  spec: ExternalSecretSpec,
  caches: Caches,
  { hostNamespace, locate, policy, settings }: SyncContext,
): Surroundings => {
  const name = virtual.metadata.namespace ?? ""
  const standing = new Map(
    storeReferences(spec).flatMap((ref) => {
      const store = ref.kind === "ClusterSecretStore" ? caches.of(hostClusterSecretStores).get(ref.name) : undefined
      return store === undefined ? [] : [[ref.name, store] as const]
    }),
  )
  return {
    policy,
    clusterStores: {
      enabled: settings.clusterStores.enabled,
      selector: toQuery(settings.clusterStores.selector),
      standing,
      isImported: (store) => isImported(store, settings),
    },
    stores: { enabled: settings.stores.enabled },
    hostNamespace: locate(virtual)?.namespace ?? hostNamespace,
    virtualNamespace: { name, labels: caches.of(virtualNamespaces).get(name)?.metadata.labels ?? {} },
  }
}

const observeStores = (
  spec: ExternalSecretSpec,
  namespace: string,
  caches: Caches,
  context: SyncContext,
): ReadonlyArray<ObservedStore> =>
  storeReferences(spec).flatMap(({ kind, name }) => {
    const location = context.locate({ metadata: { name, namespace } })
    if (kind !== "SecretStore" || location === undefined) return []
    const key = keyOf(namespace, name)
    const host = caches.of(hostSecretStores).get(keyOf(location.namespace, location.name))
    return [{ key, name, location, host, virtual: caches.of(virtualSecretStores).get(key) }]
  })

export const observeTarget = (virtual: KubeObject, spec: ExternalSecretSpec, caches: Caches): Target => {
  const name = targetName(spec, virtual.metadata.name)
  const key = keyOf(virtual.metadata.namespace, name)
  const standing = caches.of(virtualSecrets).get(key)
  return {
    name,
    standing,
    unmanaged: standing === undefined ? caches.of(virtualUnmanagedSecrets).get(key) : undefined,
  }
}

/** @param isServed it is on the host already: what it refers to went there before */
export const observeHost = (
  virtual: KubeObject,
  spec: ExternalSecretSpec,
  copies: ReadonlyArray<KubeObject>,
  caches: Caches,
  context: SyncContext,
  isServed = false,
): OnHost | undefined => {
  const location = context.locate(virtual)
  if (location === undefined) return undefined
  const { namespace = "" } = virtual.metadata
  const key = keyOf(location.namespace, location.name)
  const copy = copies.find((each) => objectKey(each) === key)
  const place = { location, hostSecret: hostSecretOf(virtual, spec, location, context, copy) }
  const standing = caches.of(hostExternalSecrets).get(key)
  const secretKey = keyOf(location.namespace, place.hostSecret)
  const byEso = caches.of(hostSecrets).get(secretKey)
  const secret = byEso ?? caches.of(hostUnmanagedSecrets).get(secretKey)
  const maker = secret === undefined ? undefined : controllerOf(secret)
  return {
    place,
    externalSecret: standing,
    leftover: observeLeftover(standing, objectKey(virtual), caches, context),
    secret,
    secretsMaker:
      maker?.kind === "ExternalSecret"
        ? caches.of(hostExternalSecrets).get(keyOf(location.namespace, maker.name))
        : undefined,
    ...(isServed
      ? { stores: [], references: [] }
      : {
          stores: observeStores(spec, namespace, caches, context),
          references: observeReferents(templateReferences(spec), namespace, caches, context),
        }),
    copy,
    made: copy !== undefined && byEso !== undefined && maker?.uid === copy.metadata.uid ? byEso : undefined,
    heard: copy === undefined ? [] : heardOf(copy, caches, regardedExternalSecrets),
    translate: externalSecretText(virtual, spec, place, caches, context),
  }
}

export const observeAsked = (
  virtual: KubeObject,
  spec: ExternalSecretSpec,
  copies: ReadonlyArray<KubeObject>,
  caches: Caches,
  context: SyncContext,
): Asked => ({
  virtual,
  spec,
  surroundings: observeSurroundings(virtual, spec, caches, context),
  onHost: observeHost(virtual, spec, copies, caches, context),
  target: observeTarget(virtual, spec, caches),
})
