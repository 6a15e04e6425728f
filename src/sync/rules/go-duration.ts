/** Go's durations (`time.ParseDuration`), which ESO's API uses. */

const nanoseconds: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

/** In nanoseconds; undefined when it is no duration. `1h`, `1h0m0s` and `60m` are equal. */
export const parseGoDuration = (text: string): number | undefined => {
  if (text === "0") return 0
  const [, sign = "", body = ""] = /^([-+]?)(.*)$/s.exec(text) ?? []
  if (!/^(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$/.test(body))
    return undefined
  let total = 0
  for (const [, number = "0", unit = "s"] of body.matchAll(/([\d.]+)(ns|us|µs|μs|ms|s|m|h)/g))
    total += Number(number) * (nanoseconds[unit] ?? 0)
  return sign === "-" ? -total : total
}
