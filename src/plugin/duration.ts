/** Durations as Go writes them, because kubectl's flags and Kubernetes' fields do. */

const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy

/**
 * `1h30m`, `1.5h`, `300ms`, `0` in milliseconds; undefined when `text` is no such duration or is negative.
 * The grammar is that of Go's `time.ParseDuration`.
 */
export const parseGoDuration = (text: string): number | undefined => {
  if (/^0+$/.test(text)) return 0
  let total = 0
  let end = 0
  for (const match of text.matchAll(part)) {
    total += Number(match[1]) * (unitsMs[match[2] ?? ""] ?? 0)
    end = match.index + match[0].length
  }
  return end === 0 || end !== text.length ? undefined : total
}
