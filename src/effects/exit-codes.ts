/** What the exit code of every command means (DESIGN §8). */
export const exitCodes = {
  good: 0,
  /** The answer is bad news: something is not healthy, a diff, a failed check. */
  badNews: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
  /** A cluster can't be reached, or refuses. */
  cluster: 3,
  interrupted: 130,
} as const
