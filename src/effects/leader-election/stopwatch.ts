/** How long ago something was, for what must not be taken for shorter. */
import type { Clock } from "effect"

export type Stopwatch = () => number

/**
 * Milliseconds since now. The monotonic clock may stand still while the machine sleeps, the wall clock may be set back:
 * the larger of both never says that less time has passed than has.
 */
export const startStopwatch = (clock: Clock.Clock): Stopwatch => {
  const wall = clock.currentTimeMillisUnsafe()
  const monotonic = clock.monotonicTimeNanosUnsafe()
  return () =>
    Math.max(clock.currentTimeMillisUnsafe() - wall, Number(clock.monotonicTimeNanosUnsafe() - monotonic) / 1e6)
}
