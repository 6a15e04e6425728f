/** Times as ages, the way kubectl writes them: two digits of precision, the unit that fits. */

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const year = 365 * day

const pair = (duration: number, big: number, bigUnit: string, small: number, smallUnit: string): string => {
  const rest = Math.floor((duration % big) / small)
  return `${Math.floor(duration / big)}${bigUnit}${rest === 0 ? "" : `${rest}${smallUnit}`}`
}

/** `durationMs` as kubectl's AGE column shows it: `12s`, `5m30s`, `14m`, `3h20m`, `27h`, `3d4h`, `40d`, `2y90d`. Negative: `0s`. */
export const formatAge = (durationMs: number): string => {
  const duration = Math.max(0, durationMs)
  if (duration < 2 * minute) return `${Math.floor(duration / second)}s`
  if (duration < 10 * minute) return pair(duration, minute, "m", second, "s")
  if (duration < 3 * hour) return `${Math.floor(duration / minute)}m`
  if (duration < 8 * hour) return pair(duration, hour, "h", minute, "m")
  if (duration < 2 * day) return `${Math.floor(duration / hour)}h`
  if (duration < 8 * day) return pair(duration, day, "d", hour, "h")
  if (duration < 2 * year) return `${Math.floor(duration / day)}d`
  if (duration < 8 * year) return pair(duration, year, "y", day, "d")
  return `${Math.floor(duration / year)}y`
}

/** The age of `time` (RFC 3339) at `nowMs`, or undefined when it is no time. */
export const ageOf = (time: string | undefined, nowMs: number): string | undefined => {
  const then = time === undefined ? Number.NaN : Date.parse(time)
  return Number.isNaN(then) ? undefined : formatAge(nowMs - then)
}

/** How long something took: `840ms`, `2.1s`, `1m04s`. */
export const formatElapsed = (durationMs: number): string => {
  if (durationMs < second) return `${Math.max(0, Math.round(durationMs))}ms`
  if (durationMs < minute) return `${(durationMs / second).toFixed(1)}s`
  const seconds = Math.round(durationMs / second)
  return `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, "0")}s`
}

/** `09:14:02` of the local time zone. */
export const formatClock = (timeMs: number): string => {
  const date = new Date(timeMs)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":")
}
