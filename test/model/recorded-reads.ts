/**
 * What queues what: while a kind decides, each read of a cache is recorded, and for each it is asked whether a change of what
 * was read would bring the key back. A read that no source covers leaves an object as it is until the resync.
 */
import { acceptedAnnotations } from "../../src/sync/external-secrets/accepted.ts"
import { hostStoreEvents } from "../../src/sync/external-secrets/event-caches.ts"
import { hostExternalSecrets } from "../../src/sync/external-secrets/external-secret-caches.ts"
import { hostReferenceConfigMaps, hostReferenceSecrets } from "../../src/sync/external-secrets/secret-caches.ts"
import { hostSecretStores, virtualSecretStores } from "../../src/sync/external-secrets/store-caches.ts"
import type { KubeObject, ObjectKey } from "../../src/effects/client/kube-object.ts"
import { objectKey, splitKey } from "../../src/effects/client/kube-object.ts"
import type { Delta, Store } from "../../src/effects/informer/store.ts"
import type { Cache, Caches } from "../../src/sync/engine/caches.ts"
import { cachesFrom } from "../../src/sync/engine/caches.ts"
import type { SyncContext } from "../../src/sync/engine/context.ts"
import type { SyncedKind } from "../../src/sync/engine/synced-kind.ts"
import { baseAnnotation, externalSecretAnnotation, managedLabel } from "../../src/sync/tenancy/labels.ts"
import { markAnnotations } from "../../src/sync/tenancy/ownership.ts"

export type Read =
  | { readonly _tag: "Get"; readonly cache: Cache; readonly key: ObjectKey }
  | { readonly _tag: "Index"; readonly cache: Cache; readonly index: string; readonly value: string }
  | { readonly _tag: "All"; readonly cache: Cache }

type Indexers = Readonly<Record<string, (object: KubeObject) => ReadonlyArray<string>>>

/** Caches as a model keeps them: plain objects, so that a copy of them can be told of one change more. */
export interface ModelCache {
  readonly objects: ReadonlyArray<KubeObject>
  readonly indexes: Indexers
}

export type ModelCaches = ReadonlyMap<Cache, ModelCache>

export const storeOf = ({ objects, indexes }: ModelCache): Store => {
  const byKey = new Map(objects.map((object) => [objectKey(object), object]))
  return {
    get: (key) => byKey.get(key),
    values: () => byKey.values(),
    size: () => byKey.size,
    byIndex: (index, value) => objects.filter((object) => indexes[index]?.(object).includes(value) === true),
  }
}

const emptyCache: ModelCache = { objects: [], indexes: {} }

export const cachesOf = (model: ModelCaches): Caches => cachesFrom((cache) => storeOf(model.get(cache) ?? emptyCache))

export const record = (caches: Caches): { readonly caches: Caches; readonly reads: () => ReadonlyArray<Read> } => {
  const reads = new Map<string, Read>()
  const note = (read: Read) => void reads.set(JSON.stringify({ ...read, cache: read.cache.name }), read)
  const watched = (cache: Cache): Store => {
    const store = caches.of(cache)
    return {
      get: (key) => {
        note({ _tag: "Get", cache, key })
        return store.get(key)
      },
      values: () => {
        note({ _tag: "All", cache })
        return store.values()
      },
      size: () => {
        note({ _tag: "All", cache })
        return store.size()
      },
      byIndex: (index, value) => {
        note({ _tag: "Index", cache, index, value })
        return store.byIndex(index, value)
      },
    }
  }
  return { caches: cachesFrom(watched), reads: () => [...reads.values()] }
}

const bare = (name: string, namespace: string | undefined): KubeObject => ({
  apiVersion: "v1",
  kind: "StandIn",
  metadata: {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    uid: "stand-in",
    resourceVersion: "999999",
  },
})

/** An event of ESO's about the copy of that UID. */
const complaint = (cache: Cache, uid: string, caches: Caches): KubeObject | undefined => {
  const isOfStore = cache === hostStoreEvents
  const copies = isOfStore ? caches.of(hostSecretStores) : caches.of(hostExternalSecrets)
  const copy = [...copies.values()].find((candidate) => candidate.metadata.uid === uid)
  if (copy === undefined) return undefined
  const { name, namespace } = copy.metadata
  return {
    ...bare("stand-in", namespace),
    involvedObject: { kind: isOfStore ? "SecretStore" : "ExternalSecret", name, namespace, uid },
    type: "Warning",
    reason: "UpdateFailed",
    message: "stand-in",
    lastTimestamp: "2026-01-01T00:00:00Z",
    source: { component: isOfStore ? "secret-store" : "external-secrets" },
  }
}

const copyOf = (virtual: KubeObject, context: SyncContext, isReference = false): KubeObject | undefined => {
  const { name, namespace = "" } = virtual.metadata
  const place = isReference ? context.locateReference(name, namespace) : context.locate(virtual)
  if (place === undefined) return undefined
  const copy = bare(place.name, place.namespace)
  return { ...copy, metadata: { ...copy.metadata, annotations: markAnnotations(virtual, context.tenancy) } }
}

const referring = (cache: Cache, reference: string, context: SyncContext): KubeObject | undefined => {
  const [kind = "", key = ""] = reference.split("|")
  const { name, namespace } = splitKey(key)
  const templateFrom = [{ [kind === "Secret" ? "secret" : "configMap"]: { name, items: [] } }]
  const store = { provider: { acme: { ca: { type: kind, name, key: "k" } } } }
  const target = { template: { templateFrom } }
  if (cache === hostSecretStores || cache === hostExternalSecrets) {
    const copy = copyOf(bare("stand-in", namespace), context)
    if (copy === undefined) return undefined
    const accepted =
      cache === hostSecretStores ? { [baseAnnotation]: JSON.stringify(store) } : acceptedAnnotations(copy, { target })
    return { ...copy, metadata: { ...copy.metadata, annotations: { ...copy.metadata.annotations, ...accepted } } }
  }
  return { ...bare("stand-in", namespace), spec: cache === virtualSecretStores ? store : { target } }
}

/** What would be found under the index, were it there; undefined: nothing that could come. */
const indexed = (
  { cache, index, value }: Extract<Read, { readonly _tag: "Index" }>,
  caches: Caches,
  context: SyncContext,
): KubeObject | undefined => {
  const { name, namespace } = splitKey(value)
  switch (index) {
    case "origin": {
      const isReference = cache === hostReferenceSecrets || cache === hostReferenceConfigMaps
      return copyOf(bare(name, namespace), context, isReference)
    }
    case "leftover": {
      const copy = bare("stand-in", context.hostNamespace)
      const labels = { "vcluster.loft.sh/managed-by": context.tenancy.vcluster }
      const annotations = { "vcluster.loft.sh/object-name": name, "vcluster.loft.sh/object-namespace": namespace ?? "" }
      return { ...copy, metadata: { ...copy.metadata, labels, annotations } }
    }
    case "claimant": {
      const secret = bare("stand-in", namespace)
      const annotations = { [externalSecretAnnotation]: name }
      return { ...secret, metadata: { ...secret.metadata, labels: { [managedLabel]: "true" }, annotations } }
    }
    case "reference":
      return referring(cache, value, context)
    case "regarded":
      return complaint(cache, value, caches)
    default:
      throw new Error(`a decision reads ${cache.name} by ${index}: say here what would be found there`)
  }
}

const standIn = (read: Read, caches: Caches, context: SyncContext): KubeObject | undefined => {
  if (read._tag === "Index") return indexed(read, caches, context)
  if (read._tag === "All") return bare("stand-in", undefined)
  const { name, namespace } = splitKey(read.key)
  return bare(name, namespace)
}

const found = (read: Read, caches: Caches): ReadonlyArray<KubeObject> => {
  const store = caches.of(read.cache)
  if (read._tag === "Index") return store.byIndex(read.index, read.value)
  const object = read._tag === "Get" ? store.get(read.key) : undefined
  return object === undefined ? [] : [object]
}

/** What was read goes; and something comes that would be read in its place. */
const changesOf = (read: Read, caches: Caches, context: SyncContext): ReadonlyArray<Delta> => {
  const standing = found(read, caches)
  const coming = standIn(read, caches, context)
  const store = caches.of(read.cache)
  const deleted = standing.map((object): Delta => ({ _tag: "Deleted", key: objectKey(object), object, seen: true }))
  if (coming === undefined) return deleted
  const key = objectKey(coming)
  return [...deleted, { _tag: "Upserted", key, object: coming, previous: store.get(key) }]
}

const after = (model: ModelCaches, cache: Cache, delta: Delta): ModelCaches => {
  const { objects, indexes } = model.get(cache) ?? emptyCache
  const others = objects.filter((object) => objectKey(object) !== delta.key)
  return new Map(model).set(cache, {
    indexes,
    objects: delta._tag === "Upserted" ? [...others, delta.object] : others,
  })
}

const nothingRemembered = { refusedWrite: undefined }

const describeRead = (read: Read): string =>
  read._tag === "Get"
    ? `${read.cache.name}.get`
    : read._tag === "Index"
      ? `${read.cache.name}.${read.index}`
      : `${read.cache.name}.values`

/**
 * The reads of one decision that nothing covers, in words.
 *
 * @param isWaived reads that need no cover, each for a reason
 */
export const uncoveredReads = (
  kind: SyncedKind,
  key: ObjectKey,
  model: ModelCaches,
  context: SyncContext,
  isWaived: (kind: string, read: Read) => boolean,
): ReadonlyArray<string> => {
  const before = record(cachesOf(model))
  const decision = JSON.stringify(kind.decide(key, before.caches, context, nothingRemembered))
  return before.reads().flatMap((read) => {
    if (!kind.caches.includes(read.cache)) return [`${kind.kind} does not list ${read.cache.name}, which it reads`]
    if (isWaived(kind.kind, read)) return []
    const isMissed = changesOf(read, cachesOf(model), context).some((delta) => {
      const caches = cachesOf(after(model, read.cache, delta))
      const previous = delta._tag === "Upserted" && delta.previous !== undefined ? [delta.previous] : []
      const queued = kind.sources
        .filter(({ cache }) => cache === read.cache)
        .flatMap(({ keys }) => [delta.object, ...previous].flatMap((object) => [...keys(object, caches, context)]))
      if (queued.includes(key)) return false
      // A hint may be choosy: where nothing more would be told, nobody need look.
      return (
        kind.hint === undefined || JSON.stringify(kind.decide(key, caches, context, nothingRemembered)) !== decision
      )
    })
    return isMissed ? [`${kind.kind} reads ${describeRead(read)}`] : []
  })
}
