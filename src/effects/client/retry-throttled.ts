/** Patience with a server that asks for it (429, or 5xx with `Retry-After`). */
import { Effect, Schedule } from "effect"
import { ApiError } from "./api-error.ts"

/** client-go gives up after ten waits. */
const maxWaits = 10
/** Who is to wait longer is better told so. */
const maxWaitMs = 60_000

const waitOf = (error: unknown): number | undefined =>
  error instanceof ApiError && error.reason._tag === "Throttled" && error.reason.retryAfterMs <= maxWaitMs
    ? error.reason.retryAfterMs
    : undefined

/** No back-off of our own: the server says each time how long. */
const asAsked = Schedule.forever.pipe(
  Schedule.setInputType<unknown>(),
  Schedule.modifyDelay(({ input }) => Effect.succeed(waitOf(input) ?? 0)),
)

/**
 * Waits as long as the server asks, and tries again; everything else is the caller's decision. The client does so for reads; whoever
 * writes decides whether to wait here or elsewhere.
 */
export const retryThrottled = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.retry(effect, { schedule: asAsked, times: maxWaits, while: (error) => waitOf(error) !== undefined })
