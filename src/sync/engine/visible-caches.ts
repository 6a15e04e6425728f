/** Which caches can be kept: those for leftovers of other settings only where their kind is known and shown to us. */
import { Effect } from "effect"
import type { CacheName, CacheSpec } from "./caches.ts"
import type { Clients } from "./executor.ts"

/**
 * One object is enough to learn whether we may see them. Only the two answers that say so mean that we can't: whatever else went
 * wrong says nothing about what is left, and the cache itself will try again.
 */
const isVisible = ({ side, resource, selection }: CacheSpec, clients: Clients) =>
  clients[side].list(resource, { ...selection, metadataOnly: true, limit: 1 }).pipe(
    Effect.as(true),
    Effect.catchTag("ApiError", ({ reason }) =>
      Effect.succeed(reason._tag !== "NotFound" && reason._tag !== "Forbidden"),
    ),
  )

/** All that are not for leftovers, and of the others those that answer to a list. */
export const visibleCaches = Effect.fnUntraced(function* (specs: ReadonlyArray<CacheSpec>, clients: Clients) {
  const visible = new Set<CacheName>()
  for (const spec of specs) {
    const { leftover, name } = spec
    if (leftover?.onlyWith !== undefined && !visible.has(leftover.onlyWith)) continue
    if (leftover === undefined || (yield* isVisible(spec, clients))) visible.add(name)
  }
  return specs.filter(({ name }) => visible.has(name))
})
