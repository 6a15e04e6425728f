/**
 * What a spec refers to, as it stands on both sides: whether its copy is on the host yet, and whether the name that the copy
 * needs there is free.
 */
import {
  hostReferenceConfigMaps,
  hostReferenceSecrets,
  hostSecrets,
  hostUnmanagedSecrets,
  virtualConfigMaps,
  virtualSecrets,
  virtualUnmanagedSecrets,
} from "./secret-caches.ts"
import type { KubeObject, ObjectKey } from "../../effects/client/kube-object.ts"
import { keyOf, objectKey } from "../../effects/client/kube-object.ts"
import type { Store } from "../../effects/informer/store.ts"
import type { Cache, Caches } from "../engine/caches.ts"
import type { SyncContext } from "../engine/context.ts"
import type { HostLocation } from "../tenancy/names.ts"
import { isReferencesPlace } from "../tenancy/names.ts"
import { originKeys, originOf } from "../tenancy/ownership.ts"
import { referenceKey } from "../tenancy/references.ts"
import { renderedKeysMark, renderedKeysOf } from "../tenancy/rendered-keys.ts"
import { firstRefusal, Refusal } from "../tenancy/refusals.ts"

export type CopiedKind = "Secret" | "ConfigMap"

/** A Secret or ConfigMap in the namespace of the object that refers to it. */
export interface Referent {
  /** Where the spec names it. */
  readonly path: string
  readonly kind: CopiedKind
  readonly name: string
  /** Keys whose texts ESO is to find under keys of ours, too. */
  readonly rendered?: ReadonlyArray<string>
}

/** The virtual object, as far as it is known: metadata for certain. */
export const virtualReferent = (kind: CopiedKind, key: ObjectKey, caches: Caches): KubeObject | undefined =>
  kind === "Secret"
    ? (caches.of(virtualSecrets).get(key) ?? caches.of(virtualUnmanagedSecrets).get(key))
    : caches.of(virtualConfigMaps).get(key)

export const copiesOf = (kind: CopiedKind, caches: Caches): Store =>
  kind === "Secret" ? caches.of(hostReferenceSecrets) : caches.of(hostReferenceConfigMaps)

/** A referent with what is known of it on both sides. */
export interface ObservedReferent extends Referent {
  /** The tenant's own; undefined: there is none. */
  readonly original: KubeObject | undefined
  /** Whether its copy has its place already, with all that is needed. */
  readonly isCopied: boolean
  /** Where its copy has its place; undefined: nowhere. */
  readonly location: HostLocation | undefined
  /** What stands there, whosever it is. */
  readonly standing: KubeObject | undefined
}

const standingAt = (kind: CopiedKind, place: ObjectKey, caches: Caches): KubeObject | undefined =>
  copiesOf(kind, caches).get(place) ??
  (kind === "Secret" ? (caches.of(hostSecrets).get(place) ?? caches.of(hostUnmanagedSecrets).get(place)) : undefined)

const holdsRendered = (copy: KubeObject, { rendered = [] }: Referent): boolean => {
  const held = renderedKeysOf(copy.metadata.annotations)
  return renderedKeysOf(renderedKeysMark(rendered)).every((key) => held.includes(key))
}

/** @param namespace of the object that refers to them */
export const observeReferents = (
  referents: ReadonlyArray<Referent>,
  namespace: string,
  caches: Caches,
  context: SyncContext,
): ReadonlyArray<ObservedReferent> =>
  referents.map((referent) => {
    const { kind, name } = referent
    const key = keyOf(namespace, name)
    const location = context.locateReference(name, namespace)
    const place = location === undefined ? undefined : keyOf(location.namespace, location.name)
    return {
      ...referent,
      original: virtualReferent(kind, key, caches),
      isCopied: copiesOf(kind, caches)
        .byIndex("origin", key)
        .some((copy) => objectKey(copy) === place && holdsRendered(copy, referent)),
      location,
      standing: place === undefined ? undefined : standingAt(kind, place, caches),
    }
  })

/** The host namespace is shared: what stands under the name that a copy needs must be that copy. */
const referenceConflict = (
  { path, kind, name, location, standing }: ObservedReferent,
  namespace: string,
  { tenancy }: SyncContext,
): Refusal | undefined =>
  standing === undefined ||
  location === undefined ||
  originOf(standing, tenancy, isReferencesPlace)?.key === keyOf(namespace, name)
    ? undefined
    : new Refusal({
        reason: "HostObjectNotOurs",
        message: `${path}: the host already has a ${kind} ${location.name} that does not belong to this vCluster; refer to a ${kind} of another name`,
      })

/** The first whose copy cannot have its place. */
export const referencesConflict = (
  referents: ReadonlyArray<ObservedReferent>,
  namespace: string,
  context: SyncContext,
): Refusal | undefined => firstRefusal(referents, (referent) => referenceConflict(referent, namespace, context))

/** The first of those that are there in the virtual cluster, but not on the host yet. What is not there at all is ESO's to tell. */
export const missingCopy = (referents: ReadonlyArray<ObservedReferent>): Referent | undefined =>
  referents.find(
    ({ original, isCopied }) =>
      original !== undefined && original.metadata.deletionTimestamp === undefined && !isCopied,
  )

/** For indexes: what an object refers to. @param namespace of the object that refers to them */
export const referentKeys = (
  referents: ReadonlyArray<Pick<Referent, "kind" | "name">>,
  namespace: string,
): ReadonlyArray<string> => referents.map(({ kind, name }) => referenceKey(kind, keyOf(namespace, name)))

/** For indexes: the places on the host that the copies of what an object refers to need. */
export const hostReferenceKeys = (
  referents: ReadonlyArray<Pick<Referent, "kind" | "name">>,
  namespace: string,
  context: SyncContext,
): ReadonlyArray<string> =>
  referents.flatMap(({ kind, name }) => {
    const location = context.locateReference(name, namespace)
    return location === undefined ? [] : [referenceKey(kind, keyOf(location.namespace, location.name))]
  })

/** From a Secret or ConfigMap of the tenant's to the keys of those that refer to it. @param referring the cache of their kind */
export const referrersOf =
  (referring: Cache, kind: CopiedKind) =>
  (referent: KubeObject, caches: Caches): ReadonlyArray<ObjectKey> =>
    caches
      .of(referring)
      .byIndex("reference", referenceKey(kind, objectKey(referent)))
      .map(objectKey)

/** From whatever came or went on the host to the keys of those whose copies need its name. */
export const needersOf =
  (referring: Cache, kind: CopiedKind) =>
  (standing: KubeObject, caches: Caches): ReadonlyArray<ObjectKey> =>
    caches
      .of(referring)
      .byIndex("hostReference", referenceKey(kind, objectKey(standing)))
      .map(objectKey)

/** From a copy that came or went on the host to the keys of those that refer to it, or need its name for another. */
export const referrersIn =
  (referring: Cache, kind: CopiedKind) =>
  (copy: KubeObject, caches: Caches, context: SyncContext): ReadonlyArray<ObjectKey> => [
    ...originKeys(copy, context.tenancy, isReferencesPlace).flatMap((key) =>
      caches.of(referring).byIndex("reference", referenceKey(kind, key)).map(objectKey),
    ),
    ...needersOf(referring, kind)(copy, caches),
  ]
