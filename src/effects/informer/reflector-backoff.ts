/** How long a reflector waits after a failure. The values are client-go's (`tools/cache/reflector.go`). */
import type { ApiError } from "../client/api-error.ts"

/** A `Retry-After` beyond it is a mistake, or malice. */
const longestRetryAfterMs = 300_000

/**
 * @param failures in a row, counted from 1
 * @param random 0–1: it spreads those that failed together
 * @returns milliseconds
 */
export const backoffMs = (failures: number, random: number, error: ApiError | undefined): number => {
  const backoff = Math.min(30_000, 800 * 2 ** (failures - 1)) * (1 + random)
  return error?.reason._tag === "Throttled"
    ? Math.max(backoff, Math.min(error.reason.retryAfterMs, longestRetryAfterMs))
    : backoff
}
