/**
 * What a reflector knows: the store, the version up to which it knows it, and the rules by which three sources are
 * merged: complete lists, watch events, and the answers to our own writes, which are ahead of the watch.
 */
import { isNewer, makeMemoryStore } from "./memory-store.ts"
import { type KubeObject, objectKey, type ObjectKey } from "../client/kube-object.ts"
import type { WatchEvent } from "../client/kube-client.ts"
import type { Delta, Indexer, Store } from "./store.ts"

export interface CacheOptions {
  readonly indexes?: Readonly<Record<string, Indexer>> | undefined
  /** Pure; must keep name, namespace, uid and resourceVersion. */
  readonly transform?: ((object: KubeObject) => KubeObject) | undefined
  readonly metadataOnly?: boolean | undefined
  readonly onDelta: (delta: Delta) => void
}

export interface ReflectorCache {
  readonly store: Store
  readonly version: () => string
  /** From the start of a list until {@link replace}, what is observed is kept apart: the list may be older than it. */
  readonly startList: () => void
  /** An object in the form in which it is stored. */
  readonly prepare: (object: KubeObject) => KubeObject
  /** Takes over a complete list of prepared objects; all deltas are told after the whole store has changed. */
  readonly replace: (prepared: Iterable<KubeObject>, version: string) => void
  readonly apply: (event: WatchEvent) => void
  readonly observe: (object: KubeObject) => void
}

const versionOf = (object: KubeObject): string => object.metadata.resourceVersion ?? ""

/** They are a large part of an object's memory, and we never read them. */
export const withoutManagedFields = (object: KubeObject): KubeObject => {
  if (object.metadata["managedFields"] === undefined) {
    return object
  }
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

/** The answer to a write is the full object, also where only metadata is watched. */
const metadataOf = ({ apiVersion, kind, metadata }: KubeObject): KubeObject => ({ apiVersion, kind, metadata })

/** An empty cache at version `""`. */
export const makeReflectorCache = (options: CacheOptions): ReflectorCache => {
  const store = makeMemoryStore(options.indexes)
  const transform = options.transform ?? ((object: KubeObject) => object)
  let version = ""
  let ahead: Map<ObjectKey, KubeObject> | undefined

  const tell = (delta: Delta | undefined): void => {
    if (delta !== undefined) {
      options.onDelta(delta)
    }
  }

  const prepare = (object: KubeObject): KubeObject =>
    withoutManagedFields(transform(options.metadataOnly === true ? metadataOf(object) : object))

  /** Also across incarnations: an event of the old object may come after the answer that created the new one. */
  const isOvertaken = (object: KubeObject): boolean => {
    const current = store.get(objectKey(object))
    return current !== undefined && versionOf(object) !== "" && isNewer(versionOf(current), versionOf(object))
  }

  const replace = (prepared: Iterable<KubeObject>, listVersion: string): void => {
    const newer = [...(ahead?.values() ?? [])].filter((object) => isNewer(versionOf(object), listVersion))
    ahead = undefined
    version = listVersion
    store.replace([...prepared, ...newer]).forEach(tell)
  }

  const apply = (event: WatchEvent): void => {
    if (event.type === "BOOKMARK") {
      version = event.resourceVersion
      return
    }
    version = versionOf(event.object)
    if (isOvertaken(event.object)) {
      return
    }
    tell(event.type === "DELETED" ? store.remove(objectKey(event.object), true) : store.upsert(prepare(event.object)))
  }

  const observe = (object: KubeObject): void => {
    const key = objectKey(object)
    // Absent, and the watch is past this version: it has already told of the deletion.
    const deletedSince = store.get(key) === undefined && !isNewer(versionOf(object), version)
    if (deletedSince || isOvertaken(object)) {
      return
    }
    const prepared = prepare(object)
    ahead?.set(key, prepared)
    tell(store.upsert(prepared))
  }

  return {
    store,
    version: () => version,
    startList: () => {
      ahead = new Map()
    },
    prepare,
    replace,
    apply,
    observe,
  }
}
