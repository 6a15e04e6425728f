/** All that is to be known of one ExternalSecret: itself, its copies, and what stands under the names that its spec needs. */
import { Result } from "effect"
import type { KubeObject, ObjectKey } from "../../../effects/client/kube-object.ts"
import { keyOf, objectKey } from "../../../effects/client/kube-object.ts"
import { matches, toQuery } from "../../../effects/client/label-selector.ts"
import type { Caches } from "../../engine/caches.ts"
import type { SyncContext } from "../../engine/context.ts"
import { vclusterService } from "../../engine/vcluster-service.ts"
import { hostExternalSecrets, virtualExternalSecrets } from "../../external-secrets/external-secret-caches.ts"
import type { ExternalSecretSpec } from "../../external-secrets/external-secret-spec.ts"
import {
  decodeSpec,
  storeReferences,
  targetName,
  templateReferences,
} from "../../external-secrets/external-secret-spec.ts"
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
import { hostClusterSecretStores, hostSecretStores, virtualSecretStores } from "../../external-secrets/store-caches.ts"
import { externalSecretText } from "../../external-secrets/tenant-text.ts"
import type { Translate } from "../../tenancy/message-translation.ts"
import type { HostLocation } from "../../tenancy/names.ts"
import { controllerOf } from "../../tenancy/ownership.ts"
import type { Refusal } from "../../tenancy/refusals.ts"
import { virtualNamespaces } from "./caches.ts"
import type { Surroundings } from "./policy.ts"
import type { HostSide } from "./to-host.ts"
import { hostSideOf } from "./to-host.ts"

export interface Observed {
  readonly key: ObjectKey
  readonly context: SyncContext
  readonly host: HostSide
  /** Host objects that say they are the copy of this key; more than one after a change of the namespace mapping. */
  readonly copies: ReadonlyArray<KubeObject>
  /** Virtual Secrets that name this ExternalSecret as theirs. */
  readonly claimed: ReadonlyArray<KubeObject>
  /** undefined: there is none in the virtual cluster (any more) */
  readonly virtual: KubeObject | undefined
  /** What it asks for; undefined: it is not selected. A failure: its spec cannot be read. */
  readonly asked: Result.Result<Asked, Refusal> | undefined
}

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
  { policy, settings }: SyncContext,
): Surroundings => {
  const name = virtual.metadata.namespace ?? ""
  const imported = new Map(
    storeReferences(spec).flatMap((ref) =>
      ref.kind === "ClusterSecretStore" ? [[ref.name, caches.of(hostClusterSecretStores).get(ref.name)] as const] : [],
    ),
  )
  return {
    policy,
    clusterStores: {
      enabled: settings.clusterStores.enabled,
      selector: toQuery(settings.clusterStores.selector),
      imported: (store) => imported.get(store),
    },
    stores: { enabled: settings.stores.enabled },
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

const observeTarget = (virtual: KubeObject, spec: ExternalSecretSpec, caches: Caches): Target => {
  const name = targetName(spec, virtual.metadata.name)
  const key = keyOf(virtual.metadata.namespace, name)
  const standing = caches.of(virtualSecrets).get(key)
  return {
    name,
    standing,
    unmanaged: standing === undefined ? caches.of(virtualUnmanagedSecrets).get(key) : undefined,
  }
}

const observeHost = (
  virtual: KubeObject,
  spec: ExternalSecretSpec,
  copies: ReadonlyArray<KubeObject>,
  caches: Caches,
  context: SyncContext,
): OnHost | undefined => {
  const location = context.locate(virtual)
  if (location === undefined) return undefined
  const { namespace = "" } = virtual.metadata
  const key = keyOf(location.namespace, location.name)
  const copy = copies.find((each) => objectKey(each) === key)
  const place = { location, hostSecret: hostSecretOf(virtual, spec, location, context, copy) }
  const secretKey = keyOf(location.namespace, place.hostSecret)
  const byEso = caches.of(hostSecrets).get(secretKey)
  const secret = byEso ?? caches.of(hostUnmanagedSecrets).get(secretKey)
  const maker = secret === undefined ? undefined : controllerOf(secret)
  return {
    place,
    externalSecret: caches.of(hostExternalSecrets).get(key),
    secret,
    secretsMaker:
      maker?.kind === "ExternalSecret"
        ? caches.of(hostExternalSecrets).get(keyOf(location.namespace, maker.name))
        : undefined,
    stores: observeStores(spec, namespace, caches, context),
    references: observeReferents(templateReferences(spec), namespace, caches, context),
    copy,
    made: copy !== undefined && byEso !== undefined && maker?.uid === copy.metadata.uid ? byEso : undefined,
    heard: copy === undefined ? [] : heardOf(copy, caches, regardedExternalSecrets),
    translate: externalSecretText(virtual, spec, place, caches, context),
  }
}

const isSelected = (virtual: KubeObject, { settings: { externalSecrets } }: SyncContext): boolean =>
  externalSecrets.enabled && matches(externalSecrets.selector, virtual.metadata.labels ?? {})

export const observe = (key: ObjectKey, caches: Caches, context: SyncContext): Observed => {
  const known = caches.of(virtualExternalSecrets).get(key)
  const virtual = known?.metadata.deletionTimestamp === undefined ? known : undefined
  const copies = caches.of(hostExternalSecrets).byIndex("origin", key)
  return {
    key,
    context,
    host: hostSideOf(context, vclusterService(caches, context)),
    copies,
    claimed: caches.of(virtualSecrets).byIndex("claimant", key),
    virtual,
    asked:
      virtual === undefined || !isSelected(virtual, context)
        ? undefined
        : Result.map(decodeSpec(virtual["spec"]), (spec) => ({
            virtual,
            spec,
            surroundings: observeSurroundings(virtual, spec, caches, context),
            onHost: observeHost(virtual, spec, copies, caches, context),
            target: observeTarget(virtual, spec, caches),
          })),
  }
}
