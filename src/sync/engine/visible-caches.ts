/** Which caches can be kept: those for leftovers of other settings only where their kind is known and shown to us. */
import { Effect } from "effect"
import type { WantedCache } from "./caches.ts"
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

/** All that are not for leftovers, and of the others those that answer to a list. Asked all at once, those that need another one after it. */
export const visibleCaches = Effect.fnUntraced(function* (wanted: ReadonlyArray<WantedCache>, clients: Clients) {
  const look = (candidates: ReadonlyArray<WantedCache>) =>
    Effect.filter(
      candidates,
      (each) => (each.spec.leftover === undefined ? Effect.succeed(true) : isVisible(each, clients)),
      { concurrency: "unbounded" },
    )
  const independent = yield* look(wanted.filter((each) => !isDependent(each)))
  const visible = new Set(independent.map(({ cache }) => cache))
  const dependent = yield* look(
    wanted.filter(({ spec: { leftover } }) => leftover?.onlyWith !== undefined && visible.has(leftover.onlyWith)),
  )
  for (const { cache } of dependent) visible.add(cache)
  return wanted.filter(({ cache }) => visible.has(cache))
})
