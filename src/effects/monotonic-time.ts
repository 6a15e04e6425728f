/** Time for measuring how long something took or is to wait. */
import type { Clock } from "effect"

/**
 * Milliseconds that never go back, from a start of their own: the wall clock is set back (NTP, a virtual machine that was
 * resumed), and what is measured with it then lasts an hour too long.
 */
export const monotonicMillis = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
