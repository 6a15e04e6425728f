/**
 * Secret and ConfigMap, virtual → host: what a synced spec refers to is copied beside it, kept up to date, and removed with
 * the last reference. Only what the tenant's own namespace holds, and only for specs that no rule refuses (DESIGN §5, §6).
 */
import { virtualExternalSecrets } from "../../external-secrets/external-secret-caches.ts"
import { hostClusterSecretStores, virtualSecretStores } from "../../external-secrets/store-caches.ts"
import type { KubeObject, ObjectKey } from "../../../effects/client/kube-object.ts"
import { keyOf, objectKey, splitKey } from "../../../effects/client/kube-object.ts"
import type { Resource } from "../../../effects/client/resource.ts"
import type { Cache, Caches } from "../../engine/caches.ts"
import type { SyncContext } from "../../engine/context.ts"
import { mayGoToHost as externalSecretMayGo } from "../external-secret/conflicts.ts"
import type { CopiedKind } from "./copies.ts"
import { copiesOf, virtualReferent } from "./copies.ts"
import { configMaps, secrets } from "../../resources.ts"
import type { Action, Decision } from "../../engine/actions.ts"
import { decodeSpec, templateReferences } from "../external-secret/spec.ts"
import { originKeys } from "../../tenancy/ownership.ts"
import { copyWithoutData, isTrueCopy } from "./copy.ts"
import { referenceKey } from "../../tenancy/references.ts"
import { mayGoToHost as storeMayGo } from "../secret-store/conflicts.ts"
import { referentsOf } from "../../external-secrets/store-references.ts"
import { virtualNamespaces } from "../external-secret/caches.ts"
import {
  hostReferenceConfigMaps,
  hostReferenceSecrets,
  hostSecrets,
  hostUnmanagedSecrets,
  virtualConfigMaps,
  virtualSecrets,
  virtualUnmanagedSecrets,
} from "../../external-secrets/secret-caches.ts"
import { on } from "../../engine/synced-kind.ts"
import type { Source, SyncedKind } from "../../engine/synced-kind.ts"
import { hostService, vclusterService } from "../../engine/vcluster-service.ts"
import { Result } from "effect"

const isReferredTo = (kind: CopiedKind, key: ObjectKey, caches: Caches, context: SyncContext): boolean => {
  const reference = referenceKey(kind, key)
  return (
    caches
      .of(virtualSecretStores)
      .byIndex("reference", reference)
      .some((store) => storeMayGo(store, context)) ||
    caches
      .of(virtualExternalSecrets)
      .byIndex("reference", reference)
      .some((externalSecret) => externalSecretMayGo(externalSecret, caches, context))
  )
}

const remove = (resource: Resource, copies: ReadonlyArray<KubeObject>): ReadonlyArray<Action> =>
  copies
    .filter((copy) => copy.metadata.deletionTimestamp === undefined)
    .map((current) => ({ _tag: "Delete", side: "host", resource, current, becauseAbsent: false }))

const decide =
  (kind: CopiedKind, resource: Resource) =>
  (key: ObjectKey, caches: Caches, context: SyncContext): Decision => {
    const copies = copiesOf(kind, caches).byIndex("origin", key)
    const source = virtualReferent(kind, key, caches)
    const { name, namespace = "" } = splitKey(key)
    const location = context.locateReference(name, namespace)
    const isWanted =
      source !== undefined &&
      source.metadata.deletionTimestamp === undefined &&
      location !== undefined &&
      isReferredTo(kind, key, caches, context)
    if (!isWanted)
      return {
        actions: remove(resource, copies),
        verdict: undefined,
        ...(source === undefined && kind === "Secret" ? { restsOnAbsentSecret: { namespace, name } } : {}),
      }
    const place = keyOf(location.namespace, location.name)
    const current = copies.find((copy) => objectKey(copy) === place)
    const strays = remove(
      resource,
      copies.filter((copy) => copy !== current),
    )
    const service = vclusterService(caches, context)
    const body = copyWithoutData(source, location, kind, context.tenancy, service)
    const standing = copiesOf(kind, caches).get(place)
    // Somebody else's, or the copy of another name: whoever refers to it is refused, and says so.
    if (current === undefined && standing !== undefined) return { actions: strays, verdict: undefined }
    if (current !== undefined && isTrueCopy(current, source, body)) return { actions: strays, verdict: undefined }
    return {
      actions: [...strays, { _tag: "Copy", side: "host", resource, source, body, current }],
      verdict: undefined,
    }
  }

/** The keys of one kind that specs refer to. */
const keysIn = (kind: CopiedKind, context: SyncContext) => ({
  ofExternalSecret: (object: KubeObject): ReadonlyArray<ObjectKey> => {
    const spec = Result.getOrUndefined(decodeSpec(object["spec"]))
    return spec === undefined
      ? []
      : templateReferences(spec)
          .filter((reference) => reference.kind === kind)
          .map(({ name }) => keyOf(object.metadata.namespace, name))
  },
  ofStore: (object: KubeObject): ReadonlyArray<ObjectKey> =>
    referentsOf(object, context)
      .filter((referent) => referent.kind === kind)
      .map(({ name }) => keyOf(object.metadata.namespace, name)),
})

const allKeys = (kind: CopiedKind, caches: Caches, context: SyncContext): ReadonlySet<ObjectKey> => {
  const { ofExternalSecret, ofStore } = keysIn(kind, context)
  return new Set([
    ...[...copiesOf(kind, caches).values()].flatMap((copy) => originKeys(copy, context.tenancy)),
    ...[...caches.of(virtualExternalSecrets).values()].flatMap(ofExternalSecret),
    ...[...caches.of(virtualSecretStores).values()].flatMap(ofStore),
  ])
}

/** The keys whose copies need a place on the host: what stands there may be in the way of others than its own origin. */
const keysAt = (kind: CopiedKind, place: ObjectKey, caches: Caches, context: SyncContext): ReadonlyArray<ObjectKey> => {
  const { ofExternalSecret, ofStore } = keysIn(kind, context)
  const needed = referenceKey(kind, place)
  return [
    ...caches.of(virtualExternalSecrets).byIndex("hostReference", needed).flatMap(ofExternalSecret),
    ...caches.of(virtualSecretStores).byIndex("hostReference", needed).flatMap(ofStore),
  ]
}

const concerns = (kind: CopiedKind, key: ObjectKey, caches: Caches): boolean => {
  const reference = referenceKey(kind, key)
  return (
    caches.of(virtualSecretStores).byIndex("reference", reference).length > 0 ||
    caches.of(virtualExternalSecrets).byIndex("reference", reference).length > 0 ||
    copiesOf(kind, caches).byIndex("origin", key).length > 0
  )
}

/** What is decided about a reference rests on those that refer to it, and on what these may use. */
const referrersSources = (kind: CopiedKind): ReadonlyArray<Source> => [
  on(virtualExternalSecrets, (object, _caches, context) => keysIn(kind, context).ofExternalSecret(object)),
  on(virtualSecretStores, (object, _caches, context) => keysIn(kind, context).ofStore(object)),
  on(hostClusterSecretStores, (object, caches, context) =>
    caches
      .of(virtualExternalSecrets)
      .byIndex("clusterStore", object.metadata.name)
      .flatMap((externalSecret) => keysIn(kind, context).ofExternalSecret(externalSecret)),
  ),
  // A store may be for namespaces with certain labels, and only what may use its store takes along what it refers to.
  on(virtualNamespaces, (object, caches, context) =>
    caches
      .of(virtualExternalSecrets)
      .byIndex("namespace", object.metadata.name)
      .flatMap((externalSecret) => keysIn(kind, context).ofExternalSecret(externalSecret)),
  ),
]

/** @param names where else than under the name of a copy of ours something may stand in its way */
const copiedKind = (
  kind: CopiedKind,
  resource: Resource,
  originals: ReadonlyArray<Cache>,
  copies: Cache,
  names: ReadonlyArray<Cache>,
): SyncedKind => {
  const sources: ReadonlyArray<Source> = [
    // Of all the Secrets and ConfigMaps of a cluster, only a few are anybody's concern.
    ...originals.map((cache) =>
      on(cache, (object, caches) => (concerns(kind, objectKey(object), caches) ? [objectKey(object)] : [])),
    ),
    on(copies, (object, caches, context) => [
      ...originKeys(object, context.tenancy),
      ...keysAt(kind, objectKey(object), caches, context),
    ]),
    // Something foreign under the name of a copy: when it goes, the copy can be made.
    ...names.map((cache) => on(cache, (object, caches, context) => keysAt(kind, objectKey(object), caches, context))),
    ...referrersSources(kind),
    on(hostService, (_object, caches, context) => allKeys(kind, caches, context)),
  ]
  return {
    kind,
    caches: sources.map(({ cache }) => cache),
    sources,
    keys: (caches, context) => allKeys(kind, caches, context),
    decide: decide(kind, resource),
  }
}

export const referencedSecretKind = copiedKind(
  "Secret",
  secrets,
  [virtualSecrets, virtualUnmanagedSecrets],
  hostReferenceSecrets,
  [hostSecrets, hostUnmanagedSecrets],
)

export const referencedConfigMapKind = copiedKind(
  "ConfigMap",
  configMaps,
  [virtualConfigMaps],
  hostReferenceConfigMaps,
  [],
)
