/**
 * Caches, known by their handles: whoever defines a cache says what it holds, and whoever lists the handle has it kept. Two who
 * list the same handle share one informer.
 */
import type { Selection } from "../../effects/client/kube-client.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { Resource } from "../../effects/client/resource.ts"
import { emptyStore } from "../../effects/informer/store.ts"
import type { Indexer, Store } from "../../effects/informer/store.ts"
import type { Action, Side } from "./actions.ts"
import type { SyncContext } from "./context.ts"

/** What a cache holds, by the settings. */
export interface CacheSpec {
  readonly resource: Resource
  readonly selection: Selection
  readonly indexes: Readonly<Record<string, Indexer>>
  /** What is kept of an object besides what every cache drops (managedFields). Runs before that drop. */
  readonly transform?: (object: KubeObject) => KubeObject
  /** What we write of this resource on this side comes into this cache: the server's answer is put there at once. */
  readonly takesOurWrites?: true
  /**
   * Only there to find what other settings have left behind: where the API server does not know the kind, or does not let us
   * see it, there is nothing to be cleared away.
   */
  readonly leftover?: {
    /** Not asked for unless this one is there: nothing can be left without it. */
    readonly onlyWith?: Cache
  }
  /** Hints (events): nothing that is decided about Secrets needs them, so that without the right to see them all else goes on. */
  readonly isHint?: true
}

/** A handle. Its identity is what counts; the name is for reports. */
export interface Cache {
  readonly name: string
  readonly side: Side
  /** undefined: the settings do not call for it, and it is empty */
  readonly spec: (context: SyncContext) => CacheSpec | undefined
}

export interface Caches {
  /** One that is not kept is empty. */
  readonly of: (cache: Cache) => Store
}

export const cachesFrom = (storeOf: (cache: Cache) => Store | undefined): Caches => ({
  of: (cache) => storeOf(cache) ?? emptyStore,
})

/** A cache that the settings call for. */
export interface WantedCache {
  readonly cache: Cache
  readonly spec: CacheSpec
}

/** Those of the caches that the settings call for, and those that show what other settings have left behind. Each once. */
export const wantedCaches = (caches: Iterable<Cache>, context: SyncContext): ReadonlyArray<WantedCache> =>
  [...new Set(caches)].flatMap((cache) => {
    const spec = cache.spec(context)
    return spec === undefined ? [] : [{ cache, spec }]
  })

const placeOf = (side: Side, { group, plural }: Resource): string => `${side}/${plural}.${group}`

/** From an action to the cache that shows what it wrote; undefined: no cache does. */
export const whereWritesLand = (wanted: ReadonlyArray<WantedCache>): ((action: Action) => Cache | undefined) => {
  const places = new Map(
    wanted.flatMap(({ cache, spec }) =>
      spec.takesOurWrites === true ? [[placeOf(cache.side, spec.resource), cache] as const] : [],
    ),
  )
  return ({ side, resource }) => places.get(placeOf(side, resource))
}
