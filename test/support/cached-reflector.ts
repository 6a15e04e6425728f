/** A reflector and its cache, made in one. */
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { type CacheOptions, makeReflectorCache } from "../../src/effects/informer/reflector-cache.ts"
import { makeReflector, type ReflectorOptions } from "../../src/effects/informer/reflector.ts"

export type CachedReflectorOptions<E = never> = Omit<ReflectorOptions<E>, "cache"> & Omit<CacheOptions, "metadataOnly">

/** `observe` tells as well, as whoever has written does. */
export const makeCachedReflector = <E = never>(options: CachedReflectorOptions<E>) => {
  const { check, indexes, onRefused, transform, ...rest } = options
  const { metadataOnly } = options.selection
  const cache = makeReflectorCache({ check, indexes, onRefused, transform, metadataOnly })
  const observe = (object: KubeObject) => {
    const delta = cache.observe(object)
    if (delta !== undefined) options.onDelta(delta)
  }
  return Effect.map(makeReflector<E>({ ...rest, cache }), (reflector) => ({ ...reflector, observe }))
}
