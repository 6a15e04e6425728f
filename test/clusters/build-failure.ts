/** Why a build failed, in one sentence where the log shows a cause that its reader can do something about. Pure. */

interface Cause {
  readonly pattern: RegExp
  readonly say: (match: RegExpMatchArray) => string
}

/** The first that matches: a full disk also breaks downloads. */
const causes: ReadonlyArray<Cause> = [
  {
    pattern: /no space left on device|ENOSPC/,
    say: () =>
      "the disk is full (Go keeps its modules in GOMODCACHE, its builds in GOCACHE, the test ground its programs in ~/.cache/vcluster-es)",
  },
  {
    pattern: /(\S+@v\S+): (?:Get|reading|verifying module)\b[^\n]*/,
    say: ([line, module]) =>
      `the module ${module} cannot be fetched; does GOPROXY lead to a module proxy that this machine reaches? (${line})`,
  },
  {
    pattern: /module lookup disabled by GOPROXY=\S+/,
    say: ([line]) => `a module is missing here and may not be fetched (${line})`,
  },
]

/**
 * @param what e.g. `go build of kine`
 * @param log what the build wrote
 * @returns one line; the end of the log, where no cause is known
 */
export const explainBuildFailure = (what: string, log: string): string => {
  for (const { pattern, say } of causes) {
    const match = pattern.exec(log)
    if (match !== null) return `${what} failed: ${say(match)}`
  }
  return `${what} failed:\n${log.trimEnd().split("\n").slice(-30).join("\n")}`
}
