/**
 * What a reflector knows: the store, the version up to which it knows it, and the rules by which three sources are
 * merged: complete lists, watch events, and the answers to our own writes, which are ahead of the watch. It exists before anybody is
 * to be told of its changes: whoever changes it tells.
 */
import { Result } from "effect"
import { isNewer, makeMemoryStore } from "./memory-store.ts"
import { whyMalformed, whyNameless } from "./object-shape.ts"
import { makeRefusedObjects } from "./refused-objects.ts"
import { type KubeObject, objectKey, type ObjectKey } from "../client/kube-object.ts"
import type { WatchEvent } from "../client/kube-client.ts"
import { jsonEqual } from "../client/merge-patch.ts"
import { isRecord } from "../client/unstructured.ts"
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
  /** Takes over a complete list of prepared objects. */
  readonly replace: (prepared: Iterable<KubeObject>, version: string) => ReadonlyArray<Delta>
  readonly apply: (event: WatchEvent) => Delta | undefined
  /**
   * Puts a write's answer into the store ahead of the watch, which will be silent about it then. Only for objects that the
   * selection matches, and not for dry runs. An answer that the watch has overtaken is ignored.
   */
  readonly observe: (object: KubeObject) => Delta | undefined
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

/**
 * An object with the spec of the state before, where that is equal: whoever has worked something out of a spec (`WeakMap`) finds it
 * again when only the status or the metadata changes.
 */
const withKnownSpec = (object: KubeObject, previous: KubeObject | undefined): KubeObject => {
  const spec = previous?.["spec"]
  return isRecord(spec) && jsonEqual(spec, object["spec"]) ? { ...object, spec } : object
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

  const inStoredForm = (object: KubeObject): KubeObject =>
    withoutManagedFields(transform(options.metadataOnly === true ? metadataOf(object) : object))

  const whyRefused = (object: KubeObject): string | undefined => whyMalformed(object) ?? options.check?.(object)

  const refuse = (object: KubeObject, why: string): KubeObject | undefined => {
    const isNamed = whyNameless(object) === undefined
    refused(isNamed ? objectKey(object) : "", why)
    return isNamed ? store.get(objectKey(object)) : undefined
  }

  /** @param why it is refused, if it is */
  const prepareJudged = (object: KubeObject, why: string | undefined): KubeObject | undefined => {
    if (why !== undefined) return refuse(object, why)
    const stored = Result.try(() => inStoredForm(object))
    return Result.isSuccess(stored)
      ? withKnownSpec(stored.success, store.get(objectKey(object)))
      : refuse(object, `it cannot be read: ${String(stored.failure)}`)
  }

  const prepare = (object: KubeObject) => prepareJudged(object, whyRefused(object))

  const upsert = (object: KubeObject | undefined): Delta | undefined =>
    object === undefined ? undefined : store.upsert(object)

  /** Also across incarnations: an event of the old object may come after the answer that created the new one. */
  const isOvertaken = (object: KubeObject): boolean => {
    const current = store.get(objectKey(object))
    return current !== undefined && versionOf(object) !== "" && isNewer(versionOf(current), versionOf(object))
  }

  /** As for nearly every write of ours, whose answer came first. */
  const isEcho = (object: KubeObject): boolean => {
    const current = store.get(objectKey(object))
    return (
      current !== undefined &&
      current.metadata.uid === object.metadata.uid &&
      versionOf(object) !== "" &&
      versionOf(current) === versionOf(object)
    )
  }

  const replace = (prepared: Iterable<KubeObject>, listVersion: string): ReadonlyArray<Delta> => {
    const newer = [...(ahead?.values() ?? [])].filter((object) => isNewer(versionOf(object), listVersion))
    ahead = undefined
    version = listVersion
    return store.replace([...prepared, ...newer])
  }

  const apply = (event: WatchEvent): Delta | undefined => {
    if (event.type === "BOOKMARK") {
      version = event.resourceVersion
      return undefined
    }
    if (event.type === "MALFORMED") {
      refused("", event.why)
      return undefined
    }
    const { object } = event
    const isNamed = whyNameless(object) === undefined
    const why = whyRefused(object)
    if (!isNamed || why !== undefined) {
      if (event.type === "DELETED" && isNamed) return store.remove(objectKey(object), true)
      prepareJudged(object, why)
      return undefined
    }
    version = versionOf(object)
    if (isOvertaken(object)) return undefined
    if (event.type === "DELETED") return store.remove(objectKey(object), true)
    return isEcho(object) ? undefined : upsert(prepareJudged(object, why))
  }

  const observe = (object: KubeObject): Delta | undefined => {
    const why = whyRefused(object)
    if (why !== undefined) {
      prepareJudged(object, why)
      return undefined
    }
    const key = objectKey(object)
    // Absent, and the watch is past this version: it has already told of the deletion.
    const deletedSince = store.get(key) === undefined && !isNewer(versionOf(object), version)
    if (deletedSince || isOvertaken(object)) return undefined
    const prepared = prepareJudged(object, why)
    if (prepared !== undefined) ahead?.set(key, prepared)
    return upsert(prepared)
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
