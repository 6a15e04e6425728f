/** Which caches can be kept: those for leftovers of other settings only where their kind is known and shown to us. */
import { Effect } from "effect"
import type { Cache, WantedCache } from "./caches.ts"
import type { Clients } from "./executor.ts"

/**
 * One object is enough to learn whether we may see them. Only the two answers that say so mean that we can't: whatever else went
 * wrong says nothing about what is left, and the cache itself will try again.
 */
const isVisible = ({ cache, spec: { resource, selection } }: WantedCache, clients: Clients) =>
  clients[cache.side].list(resource, { ...selection, metadataOnly: true, limit: 1 }).pipe(
    Effect.as(true),
    Effect.catchTag("ApiError", ({ reason }) =>
      Effect.succeed(reason._tag !== "NotFound" && reason._tag !== "Forbidden"),
    ),
  )

const isDependent = ({ spec: { leftover } }: WantedCache): boolean => leftover?.onlyWith !== undefined

/** All that are not for leftovers, and of the others those that answer to a list. */
export const visibleCaches = Effect.fnUntraced(function* (wanted: ReadonlyArray<WantedCache>, clients: Clients) {
  const visible = new Set<Cache>()
  for (const each of [...wanted.filter((one) => !isDependent(one)), ...wanted.filter(isDependent)]) {
    const { leftover } = each.spec
    if (leftover?.onlyWith !== undefined && !visible.has(leftover.onlyWith)) continue
    if (leftover === undefined || (yield* isVisible(each, clients))) visible.add(each.cache)
  }
  return wanted.filter(({ cache }) => visible.has(cache))
})
