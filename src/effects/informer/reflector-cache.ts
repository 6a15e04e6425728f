/**
 * What a reflector knows: the store, the version up to which it knows it, and the rules by which three sources are
 * merged: complete lists, watch events, and the answers to our own writes, which are ahead of the watch.
 */
import { Result } from "effect"
import { isNewer, makeMemoryStore } from "./memory-store.ts"
import { whyMalformed, whyNameless } from "./object-shape.ts"
import { makeRefusedObjects } from "./refused-objects.ts"
import { type KubeObject, objectKey, type ObjectKey } from "../client/kube-object.ts"
import type { WatchEvent } from "../client/kube-client.ts"
import type { Delta, Indexer, Store } from "./store.ts"

export interface CacheOptions {
  readonly indexes?: Readonly<Record<string, Indexer>> | undefined
  /** Pure; must keep name, namespace, uid and resourceVersion. */
  readonly transform?: ((object: KubeObject) => KubeObject) | undefined
  readonly metadataOnly?: boolean | undefined
  /** Why an object of good shape is none of this kind, in a few words; undefined: it is one. */
  readonly check?: ((object: KubeObject) => string | undefined) | undefined
  /** An object was not taken; what was known of it stays. Each is told once. */
  readonly onRefused?: ((message: string) => void) | undefined
  readonly onDelta: (delta: Delta) => void
}

export interface ReflectorCache {
  readonly store: Store
  readonly version: () => string
  /** From the start of a list until {@link replace}, what is observed is kept apart: the list may be older than it. */
  readonly startList: () => void
  /**
   * An object in the form in which it is stored. One that breaks its shape is refused: then it is what was known of it before, or
   * undefined, so that it neither comes in nor counts as deleted.
   */
  readonly prepare: (object: KubeObject) => KubeObject | undefined
  /** Some that a list held, of which not even a name could be read. */
  readonly refuseNameless: () => void
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
  const refused = makeRefusedObjects(options.onRefused ?? (() => {}))
  const store = makeMemoryStore(options.indexes, (key, fault) => refused(key, `it cannot be indexed: ${String(fault)}`))
  const transform = options.transform ?? ((object: KubeObject) => object)
  let version = ""
  let ahead: Map<ObjectKey, KubeObject> | undefined

  const tell = (delta: Delta | undefined): void => {
    if (delta !== undefined) {
      options.onDelta(delta)
    }
  }

  const inStoredForm = (object: KubeObject): KubeObject =>
    withoutManagedFields(transform(options.metadataOnly === true ? metadataOf(object) : object))

  const whyRefused = (object: KubeObject): string | undefined => whyMalformed(object) ?? options.check?.(object)

  const refuse = (object: KubeObject, why: string): KubeObject | undefined => {
    const isNamed = whyNameless(object) === undefined
    refused(isNamed ? objectKey(object) : "", why)
    return isNamed ? store.get(objectKey(object)) : undefined
  }

  const prepare = (object: KubeObject): KubeObject | undefined => {
    const why = whyRefused(object)
    if (why !== undefined) return refuse(object, why)
    const stored = Result.try(() => inStoredForm(object))
    return Result.isSuccess(stored) ? stored.success : refuse(object, `it cannot be read: ${String(stored.failure)}`)
  }

  const upsert = (object: KubeObject | undefined): void => {
    if (object !== undefined) tell(store.upsert(object))
  }

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
    if (event.type === "MALFORMED") {
      refused("", event.why)
      return
    }
    const { object } = event
    const isNamed = whyNameless(object) === undefined
    if (!isNamed || whyRefused(object) !== undefined) {
      if (event.type === "DELETED" && isNamed) tell(store.remove(objectKey(object), true))
      else prepare(object)
      return
    }
    version = versionOf(object)
    if (isOvertaken(object)) {
      return
    }
    if (event.type === "DELETED") tell(store.remove(objectKey(object), true))
    else upsert(prepare(object))
  }

  const observe = (object: KubeObject): void => {
    if (whyRefused(object) !== undefined) {
      prepare(object)
      return
    }
    const key = objectKey(object)
    // Absent, and the watch is past this version: it has already told of the deletion.
    const deletedSince = store.get(key) === undefined && !isNewer(versionOf(object), version)
    if (deletedSince || isOvertaken(object)) {
      return
    }
    const prepared = prepare(object)
    if (prepared !== undefined) ahead?.set(key, prepared)
    upsert(prepared)
  }

  return {
    store,
    version: () => version,
    startList: () => {
      ahead = new Map()
    },
    prepare,
    refuseNameless: () => refused("", "it has no name"),
    replace,
    apply,
    observe,
  }
}
