/** Choices that a seed repeats. The clusters have their own pace, so the same seed is the same moves, not the same run. */

export interface Random {
  /** From 0 (included) to 1 (not included). */
  readonly next: () => number
  /** From 0 (included) to `below` (not included). */
  readonly below: (below: number) => number
  /** undefined of nothing */
  readonly pick: <A>(among: ReadonlyArray<A>) => A | undefined
  /** @param share 0 never, 1 always */
  readonly happens: (share: number) => boolean
}

/** Mulberry32, by Tommy Ettinger (public domain). */
export const seeded = (seed: number): Random => {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return { next, below, pick: (among) => among[below(among.length)], happens: (share) => next() < share }
}

/** The short form makes the same moves in every run, so that a change is what makes it fail; the long one, and `VCLUSTER_ES_SEED`, others. */
export const seedOfRun = (isLong: boolean): number => {
  const given = process.env["VCLUSTER_ES_SEED"] ?? ""
  if (/^\d+$/.test(given)) return Number(given) >>> 0
  return isLong ? Math.floor(Math.random() * 2 ** 32) : shortSeed
}

const shortSeed = 1836617883
