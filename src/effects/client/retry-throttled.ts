/** Patience with a server that asks for it (429, or 5xx with `Retry-After`). */
import { Effect } from "effect"
import { ApiError } from "./api-error.ts"

/** client-go gives up after ten waits. */
const maxWaits = 10
/** Who is to wait longer is better told so. */
const maxWaitMs = 60_000

const waitOf = (error: unknown): number | undefined =>
  error instanceof ApiError && error.reason._tag === "Throttled" && error.reason.retryAfterMs <= maxWaitMs
    ? error.reason.retryAfterMs
    : undefined

/**
 * Waits as long as the server asks, and tries again; everything else is the caller's decision. The client does so for reads; whoever
 * writes decides whether to wait here or elsewhere.
 */
export const retryThrottled = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  waits: number = maxWaits,
): Effect.Effect<A, E, R> =>
  effect.pipe(
    Effect.catch((error) => {
      const waitMs = waits > 0 ? waitOf(error) : undefined
      return waitMs === undefined
        ? Effect.fail(error)
        : Effect.andThen(Effect.sleep(waitMs), retryThrottled(effect, waits - 1))
    }),
  )
