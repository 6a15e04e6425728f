/**
 * What queues what: from changes in caches to the keys, of all kinds, that have to be looked at again; and in which order, and how soon.
 */
import { Clock, Context, Effect, Layer } from "effect"
import type { Scope } from "effect"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { LruMap } from "../../effects/controller/lru-cache.ts"
import type { WorkQueue } from "../../effects/controller/work-queue.ts"
import { makeWorkQueue } from "../../effects/controller/work-queue.ts"
import type { Delta } from "../../effects/informer/store.ts"
import { monotonicMillis } from "../../effects/monotonic-time.ts"
import { pluralOfCrd } from "../resources.ts"
import type { Cache, Caches } from "./caches.ts"
import type { SyncContext } from "./context.ts"
import { Epoch } from "./epoch.ts"
import type { Listener } from "./informers.ts"
import { KeptCaches } from "./informers.ts"
import { MassDeleteGates } from "./mass-deletion-gates.ts"
import type { Registered } from "./registry.ts"
import { Registry } from "./registry.ts"
import type { Source, SyncedKind } from "./synced-kind.ts"
import { splitId, workId } from "./work-id.ts"

/** The kind of ids whose key is the name of a CRD. */
export const crdKind = "CustomResourceDefinition"

interface Keys extends Pick<WorkQueue, "idle"> {
  readonly queue: WorkQueue
  /** To be told of all that happens to the caches. */
  readonly listener: Listener
  readonly kindOf: (id: string) => SyncedKind | undefined
  /** Puts all keys into the queue, behind live changes; hints the first time only. */
  readonly resync: () => void
  /** A hint is being given: the next one about this key comes some seconds later. */
  readonly hinting: (id: string) => void
  /** Goes on failing in a way that does not pass by itself: nobody waits for it. */
  readonly stuck: Set<string>
}

/** No key that an outage keeps waits longer for its next try, in milliseconds: when the outage is over, users are waiting. */
const longestOutageDelay = 30_000

/** Hints whose last decision is remembered; of more than these, some may come a little too often. */
const rememberedHints = 4096

/** Both states: a label or a target that is no more leads to keys, too. */
const objectsOf = (delta: Delta): ReadonlyArray<KubeObject> =>
  delta._tag === "Upserted" && delta.previous !== undefined ? [delta.object, delta.previous] : [delta.object]

/** From a change in a cache to the ids, of all kinds, that it concerns. */
const makeIdsOf = ({ kinds, prerequisites }: Registered, caches: Caches, context: SyncContext) => {
  const listeners = new Map<Cache, Array<{ readonly kind: string; readonly keys: Source["keys"] }>>()
  for (const { kind, sources } of kinds)
    for (const { cache, keys } of sources) {
      const listener = { kind, keys }
      const others = listeners.get(cache)
      if (others === undefined) listeners.set(cache, [listener])
      else others.push(listener)
    }
  const ofCrds = new Set(Object.values(prerequisites.caches))
  return (cache: Cache, delta: Delta): Iterable<string> => {
    if (ofCrds.has(cache)) {
      const { name } = delta.object.metadata
      return pluralOfCrd(name) === undefined ? [] : [workId(crdKind, name)]
    }
    const ids = new Set<string>()
    for (const { kind, keys } of listeners.get(cache) ?? [])
      for (const object of objectsOf(delta)) for (const key of keys(object, caches, context)) ids.add(workId(kind, key))
    return ids
  }
}

const makeKeyQueue = Effect.gen(function* (): Effect.fn.Return<
  Keys,
  never,
  Epoch | KeptCaches | MassDeleteGates | Registry | Scope.Scope
> {
  const registry = yield* Registry
  const { caches } = yield* KeptCaches
  const { context } = yield* Epoch
  const gates = yield* MassDeleteGates
  const clock = yield* Clock.Clock
  const kinds = new Map(registry.kinds.map((kind) => [kind.kind, kind]))
  const kindOf = (id: string): SyncedKind | undefined => kinds.get(splitId(id).kind)
  const idsOf = makeIdsOf(registry, caches, context)
  const hintedAt = new LruMap<string, number>(rememberedHints)
  const stuck = new Set<string>()
  const queue = yield* makeWorkQueue({
    // Nobody waits for a hint.
    isStuck: (id) => stuck.has(id) || kindOf(id)?.hint !== undefined,
    maxHopefulDelayMs: longestOutageDelay,
  })

  /** Of hints that come fast, the first is given at once and the next ones together, some seconds later. */
  const add = (id: string) => {
    const spacing = kindOf(id)?.hint?.spacing
    const before = spacing === undefined ? undefined : hintedAt.get(id)
    if (spacing === undefined) return queue.add(id)
    // Behind all that carries a Secret.
    if (before === undefined) return queue.add(id, "background")
    return queue.addAfter(id, before + spacing - monotonicMillis(clock), "background")
  }

  let resynced = false
  return {
    queue,
    idle: queue.idle,
    listener: {
      onDelta: (cache, delta) => {
        gates.tell(cache, delta)
        for (const id of idsOf(cache, delta)) add(id)
      },
      onVirtualList: gates.listed,
    },
    kindOf,
    resync: () => {
      for (const kind of registry.kinds.filter(({ hint }) => hint === undefined || !resynced))
        for (const key of kind.keys(caches, context)) queue.add(workId(kind.kind, key), "background")
      resynced = true
    },
    hinting: (id) => hintedAt.set(id, monotonicMillis(clock)),
    stuck,
  }
})

export class KeyQueue extends Context.Service<KeyQueue, Keys>()("vcluster-es/sync/engine/KeyQueue") {
  static readonly layer = Layer.effect(KeyQueue, makeKeyQueue)
}
