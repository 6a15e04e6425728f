/** Go's durations (`time.ParseDuration`), which ESO's API uses. */

/** Nanoseconds. Integers, so that `1.1s` and `1100ms` are exactly equal. */
const units: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["µs", 1_000n],
  ["μs", 1_000n],
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
])

/** Go keeps a duration in an int64. */
const longest = 2n ** 63n - 1n

/** Longer texts are no durations that anyone writes, and their sums cost time. */
const longestText = 200

const part = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/y

const parse = (text: string): bigint | undefined => {
  const negative = text.startsWith("-")
  const body = negative || text.startsWith("+") ? text.slice(1) : text
  if (body === "0") return 0n
  if (body === "" || body.length > longestText) return undefined
  let total = 0n
  for (let at = 0; at < body.length; at = part.lastIndex) {
    part.lastIndex = at
    const [, whole = "", fraction = "", unit = ""] = part.exec(body) ?? []
    const factor = units.get(unit)
    if (factor === undefined || whole + fraction === "") return undefined
    total += BigInt(whole) * factor + (BigInt(fraction) * factor) / 10n ** BigInt(fraction.length)
  }
  if (total > longest) return undefined
  return negative ? -total : total
}

/** In nanoseconds; undefined when it is no duration. `1h`, `1h0m0s` and `60m` are equal. */
export const parseGoDuration = (text: string): number | undefined => {
  const duration = parse(text)
  return duration === undefined ? undefined : Number(duration)
}

/** `12.5` of 12500000 in units of a million: all digits that say something. */
const decimal = (amount: bigint, unit: bigint): string => {
  const digits = (amount % unit).toString().padStart(unit.toString().length - 1, "0")
  return `${amount / unit}.${digits}`.replace(/\.?0*$/, "")
}

const format = (duration: bigint): string => {
  if (duration < 0n) return `-${format(-duration)}`
  if (duration === 0n) return "0s"
  if (duration < 1_000n) return `${duration}ns`
  if (duration < 1_000_000n) return `${decimal(duration, 1_000n)}µs`
  if (duration < 1_000_000_000n) return `${decimal(duration, 1_000_000n)}ms`
  const minute = 60_000_000_000n
  const minutes = duration / minute
  const seconds = `${decimal(duration % minute, 1_000_000_000n)}s`
  if (minutes === 0n) return seconds
  return minutes < 60n ? `${minutes}m${seconds}` : `${minutes / 60n}h${minutes % 60n}m${seconds}`
}

/** As Go writes it back (`Duration.String`): `1h` → `1h0m0s`, `0` → `0s`; undefined when it is no duration. */
export const normalizeGoDuration = (text: string): string | undefined => {
  const duration = parse(text)
  return duration === undefined ? undefined : format(duration)
}
