/** A vcluster.yaml that was named on the command line. */
import { Data, Effect, Predicate } from "effect"
import { readFile } from "node:fs/promises"
import { text as readStream } from "node:stream/consumers"
import type { SettingsText } from "../../sync/discovery/settings-source.ts"

export class UnreadableFile extends Data.TaggedError("UnreadableFile")<{
  /** For messages: the path, or `standard input`. */
  readonly source: string
  /** Why: `no such file`. */
  readonly trouble: string
}> {}

const fileTroubles: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EISDIR: "it is a directory",
  EACCES: "permission denied",
}

const troubleOf = (cause: unknown): string => {
  const code = Predicate.hasProperty(cause, "code") ? String(cause.code) : ""
  return fileTroubles[code] ?? (cause instanceof Error ? cause.message : String(cause))
}

/** @param path `-` is standard input */
export const readValuesFile = (path: string): Effect.Effect<SettingsText, UnreadableFile> => {
  const source = path === "-" ? "standard input" : path
  return Effect.tryPromise({
    try: () => (path === "-" ? readStream(process.stdin) : readFile(path, "utf8")),
    catch: (cause) => new UnreadableFile({ source, trouble: troubleOf(cause) }),
  }).pipe(Effect.map((text) => ({ text, source })))
}
