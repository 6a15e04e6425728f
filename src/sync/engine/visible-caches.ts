/** Which caches can be kept: those for leftovers of other settings only where their kind is known and shown to us. */
import { Effect } from "effect"
import type { CacheName, CacheSpec } from "./caches.ts"
import type { Clients } from "./executor.ts"

/** All that are not for leftovers, and of the others those that answer to one list. */
export const visibleCaches = Effect.fnUntraced(function* (specs: ReadonlyArray<CacheSpec>, clients: Clients) {
  const visible = new Set<CacheName>()
  for (const { leftover, name, side, resource, selection } of specs) {
    if (leftover?.onlyWith !== undefined && !visible.has(leftover.onlyWith)) continue
    const isThere =
      leftover === undefined ||
      (yield* clients[side].list(resource, { ...selection, metadataOnly: true }).pipe(
        Effect.as(true),
        Effect.orElseSucceed(() => false),
      ))
    if (isThere) visible.add(name)
  }
  return specs.filter(({ name }) => visible.has(name))
})
