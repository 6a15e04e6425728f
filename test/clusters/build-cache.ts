/** The cache of the ground's programs, which survives clones and branches: `~/.cache/vcluster-es/NAME-HASH/`. */
import { existsSync } from "node:fs"
import { mkdir, rename } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import { explainBuildFailure } from "./build-failure.ts"
import { describeCause, GroundError } from "./errors.ts"
import { withFileLock } from "./file-lock.ts"
import { makeWatchdog, type Process, tailOf, type Watchdog } from "./watchdog.ts"

/** `XDG_CACHE_HOME` is honoured as everywhere. */
export const cacheFolder = (): string => join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "vcluster-es")

/** @param what for the message: `cannot WHAT: …` */
export const files = <A>(what: string, action: () => Promise<A>): Effect.Effect<A, GroundError> =>
  Effect.tryPromise({
    try: action,
    catch: (cause) => new GroundError({ message: `cannot ${what}: ${describeCause(cause)}` }),
  })

export const say = (text: string) => Effect.sync(() => process.stderr.write(`test ground: ${text}\n`))

export interface CacheEntry {
  readonly name: string
  /** Of everything that the content depends on. */
  readonly hash: string
  /** For messages. */
  readonly what: string
  readonly how: string
  /** Fills the folder, which has another name in the end. */
  readonly build: (watchdog: Watchdog, folder: string) => Effect.Effect<void, GroundError>
}

/** Builds in a folder of its own next to the cache entry, which the watchdog removes, also after a crash; then renames. */
const buildInto = Effect.fnUntraced(function* (
  entry: CacheEntry,
  target: string,
): Effect.fn.Return<void, GroundError, Scope.Scope> {
  const since = Date.now()
  yield* say(`building ${entry.what} (${entry.name}) with ${entry.how}; this takes some minutes, once`)
  const watchdog = yield* makeWatchdog({ prefix: `.building-${entry.name}-`, parent: cacheFolder() })
  const output = join(watchdog.folder, "output")
  yield* files("make a folder", () => mkdir(output))
  yield* entry.build(watchdog, output)
  yield* files("move what was built into the cache", () => rename(output, target))
  yield* say(`built ${entry.what} in ${Math.round((Date.now() - since) / 1000)}s`)
}, Effect.scoped)

/** The entry's folder; built when it is not in the cache yet. */
export const cached = Effect.fnUntraced(function* (entry: CacheEntry): Effect.fn.Return<string, GroundError> {
  const target = join(cacheFolder(), `${entry.name}-${entry.hash}`)
  if (existsSync(target)) return target
  yield* files("make the cache folder", () => mkdir(cacheFolder(), { recursive: true }))
  const buildUnlessDone = Effect.suspend(() => (existsSync(target) ? Effect.void : buildInto(entry, target)))
  yield* withFileLock(`${target}.lock`, `another build of ${entry.name}`, buildUnlessDone)
  return target
})

/** Tells every 15 seconds how far a build is, for as long as it is not interrupted. */
const tellProgress = (progress: Effect.Effect<string>, since: number): Effect.Effect<never> =>
  Effect.forever(
    Effect.gen(function* () {
      yield* Effect.sleep("15 seconds")
      const seconds = Math.round((Date.now() - since) / 1000)
      yield* say(`${yield* progress} (${seconds}s)`)
    }),
  )

/** Waits for the build's end. Fails with the end of its log when it was none of success. */
export const awaitBuild = Effect.fnUntraced(function* (
  build: Process,
  what: string,
  progress: Effect.Effect<string>,
): Effect.fn.Return<void, GroundError> {
  const status = yield* Effect.raceFirst(build.exit, tellProgress(progress, Date.now()))
  if (status.code !== 0)
    return yield* new GroundError({ message: explainBuildFailure(what, yield* tailOf(build.stdout, 200)) })
  return undefined
})
