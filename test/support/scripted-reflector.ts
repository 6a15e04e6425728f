/** A reflector on a scripted client, and the deltas that it tells. */
import { setImmediate as turn } from "node:timers/promises"
import { type Duration, Effect, Queue } from "effect"
import { TestClock } from "effect/testing"
import type { KubeObject, ObjectMeta } from "../../src/effects/client/kube-object.ts"
import type { Resource } from "../../src/effects/client/resource.ts"
import type { Delta } from "../../src/effects/informer/store.ts"
import { type CachedReflectorOptions, makeCachedReflector } from "./cached-reflector.ts"
import { added, listEnd, makeScriptedClient } from "./scripted-client.ts"

const secrets: Resource = { group: "", version: "v1", plural: "secrets", kind: "Secret", namespaced: true }

/** A Secret of namespace `team`. */
export const object = (name: string, resourceVersion: string, meta: Partial<ObjectMeta> = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { namespace: "team", name, uid: `uid-${name}`, resourceVersion, ...meta },
})

/** `+a@3` for a put at version 3, `-a` for a deletion. */
const textOf = (delta: Delta): string =>
  delta._tag === "Upserted"
    ? `+${delta.object.metadata.name}@${delta.object.metadata.resourceVersion}`
    : `-${delta.object.metadata.name}${delta.seen ? "" : " unseen"}`

export const start = <E = never>(options: Partial<CachedReflectorOptions<E>> = {}) =>
  Effect.gen(function* () {
    const script = yield* makeScriptedClient
    const deltas = yield* Queue.unbounded<string>()
    const reflector = yield* makeCachedReflector<E>({
      name: "test",
      client: script.client,
      resource: secrets,
      selection: { namespace: "team" },
      onDelta: (delta) => void Queue.offerUnsafe(deltas, textOf(delta)),
      ...options,
    })
    /** Waits for as many deltas, in their order. */
    const told = (count: number) => Effect.replicateEffect(Queue.take(deltas), count)
    const untold = () => Queue.sizeUnsafe(deltas)
    const names = () => [...reflector.store.values()].map((each) => each.metadata.name).toSorted()
    return { script, reflector, told, untold, names }
  })

/** A reflector with the objects `a` (version 1) and `b` (2), watching on from version 10. */
export const startSynced = <E = never>(options: Partial<CachedReflectorOptions<E>> = {}) =>
  Effect.gen(function* () {
    const started = yield* start(options)
    const watch = yield* started.script.nextWatch
    watch.send(added(object("a", "1")), added(object("b", "2")), listEnd("10"))
    yield* started.told(2)
    return { ...started, watch }
  })

const settle = Effect.promise(() => turn())

/**
 * Lets time pass, and every fiber run until it waits, before and after: `TestClock.adjust` alone gives a fiber that goes
 * through several others (a stream with a timeout does) too few turns, and what must not happen would only come late.
 */
export const pass = (duration: Duration.Input) =>
  settle.pipe(Effect.andThen(TestClock.adjust(duration)), Effect.andThen(settle))
