/** Builds a tool set with Go into a cache that survives clones and branches: `~/.cache/vcluster-es/SET-HASH/`. */
import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { chmod, copyFile, mkdir, readFile, rename } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { Effect, type Scope } from "effect"
import { describeCause, GroundError } from "./errors.ts"
import { withFileLock } from "./file-lock.ts"
import type { Program, ToolSet } from "./tool-sets.ts"
import { makeWatchdog, type Process, tailOf, type Watchdog } from "./watchdog.ts"

const buildFlags = ["-trimpath", "-buildvcs=false", "-ldflags=-s -w"]

export const folderOf = (set: ToolSet): string => fileURLToPath(new URL(`tools/${set.name}`, import.meta.url))

/** `XDG_CACHE_HOME` is honoured as everywhere. */
export const cacheFolder = (): string => join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "vcluster-es")

const goEnvironment = (set: ToolSet) => ({ CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off", ...set.env })

/** What a `go` command prints. Fails with its error text. */
const go = (set: ToolSet, args: ReadonlyArray<string>): Effect.Effect<string, GroundError> =>
  Effect.tryPromise({
    try: async (signal) => {
      const env = { ...process.env, ...goEnvironment(set) }
      const { stdout } = await promisify(execFile)("go", args, { cwd: folderOf(set), env, signal })
      return stdout.trim()
    },
    catch: (cause) =>
      new GroundError({
        message:
          cause instanceof Error && "code" in cause && cause.code === "ENOENT"
            ? "Go is needed to build the test ground's programs (https://go.dev/doc/install), or name ready-made ones in KUBEBUILDER_ASSETS and VCLUSTER_ES_ESO"
            : `go ${args.join(" ")} in ${folderOf(set)}: ${describeCause(cause)}`,
      }),
  })

/** The folder of a module's source, downloaded when it is not there. */
export const moduleFolder = (set: ToolSet, module: string): Effect.Effect<string, GroundError> =>
  go(set, ["mod", "download", "-json", module]).pipe(
    Effect.flatMap((text) => {
      const dir: unknown = JSON.parse(text).Dir
      return typeof dir === "string"
        ? Effect.succeed(dir)
        : Effect.fail(new GroundError({ message: `go mod download ${module} told no folder` }))
    }),
  )

const fingerprint = Effect.fnUntraced(function* (
  set: ToolSet,
  programs: ReadonlyArray<Program>,
): Effect.fn.Return<string, GroundError> {
  const toolchain = yield* go(set, ["env", "GOVERSION", "GOOS", "GOARCH"])
  const pins = yield* files(`read ${folderOf(set)}`, () =>
    Promise.all(["go.mod", "go.sum"].map((name) => readFile(join(folderOf(set), name)))),
  )
  const hash = createHash("sha256")
  for (const pin of pins) hash.update(pin)
  hash.update(JSON.stringify([toolchain, programs, set.files, buildFlags]))
  return hash.digest("hex").slice(0, 16)
})

const files = <A>(what: string, action: () => Promise<A>): Effect.Effect<A, GroundError> =>
  Effect.tryPromise({
    try: action,
    catch: (cause) => new GroundError({ message: `cannot ${what}: ${describeCause(cause)}` }),
  })

const say = (text: string) => Effect.sync(() => process.stderr.write(`test ground: ${text}\n`))

/** Tells every 15 seconds how far the build is, for as long as it is not interrupted. */
const tellProgress = (what: string, build: Process, since: number): Effect.Effect<never> =>
  Effect.forever(
    Effect.gen(function* () {
      yield* Effect.sleep("15 seconds")
      const lines = (yield* tailOf(build.stdout, 100_000)).split("\n").filter((line) => line !== "")
      const downloaded = lines.filter((line) => line.startsWith("go: downloading")).length
      const compiled = lines.length - downloaded
      const seconds = Math.round((Date.now() - since) / 1000)
      yield* say(`building ${what} … ${seconds}s (modules downloaded: ${downloaded}, packages compiled: ${compiled})`)
    }),
  )

const namesOf = (programs: ReadonlyArray<Program>): string => programs.map(({ name }) => name).join(", ")

const collect = (set: ToolSet, programs: ReadonlyArray<Program>, folder: string, sources: ReadonlyArray<string>) =>
  files("gather what was built", async () => {
    const renamed = programs.flatMap(({ name, builtAs }) =>
      builtAs === undefined ? [] : [rename(join(folder, builtAs), join(folder, name))],
    )
    const copied = set.files.map(async (file, index) => {
      const target = join(folder, file.as)
      await copyFile(join(sources[index] ?? "", file.path), target)
      // The module cache is read-only, and copies keep that.
      await chmod(target, 0o644)
    })
    await Promise.all([...renamed, ...copied])
  })

const compile = Effect.fnUntraced(function* (
  watchdog: Watchdog,
  set: ToolSet,
  programs: ReadonlyArray<Program>,
  output: string,
): Effect.fn.Return<void, GroundError> {
  const since = Date.now()
  const build = yield* watchdog.start({
    name: "go",
    file: "go",
    args: ["build", "-v", ...buildFlags, "-o", `${output}/`, ...programs.map((program) => program.package)],
    env: goEnvironment(set),
    cwd: folderOf(set),
  })
  const status = yield* Effect.raceFirst(build.exit, tellProgress(namesOf(programs), build, since))
  const log = yield* tailOf(build.stdout, 30)
  yield* status.code === 0
    ? Effect.void
    : Effect.fail(new GroundError({ message: `go build of ${set.name} failed:\n${log}` }))
})

/** Builds in a folder of its own next to the cache entry, which the watchdog removes, also after a crash; then renames. */
const buildInto = Effect.fnUntraced(function* (
  set: ToolSet,
  programs: ReadonlyArray<Program>,
  target: string,
): Effect.fn.Return<void, GroundError, Scope.Scope> {
  const what = namesOf(programs)
  const since = Date.now()
  yield* say(`building ${what} (${set.name}) with Go; this takes some minutes, once`)
  const watchdog = yield* makeWatchdog({ prefix: `.building-${set.name}-`, parent: cacheFolder() })
  const output = join(watchdog.folder, "bin")
  yield* files("make a folder", () => mkdir(output))
  yield* compile(watchdog, set, programs, output)
  const sources = yield* Effect.forEach(set.files, (file) => moduleFolder(set, file.module))
  yield* collect(set, programs, output, sources)
  yield* files("move what was built into the cache", () => rename(output, target))
  yield* say(`built ${what} in ${Math.round((Date.now() - since) / 1000)}s`)
}, Effect.scoped)

/** The folder with the set's programs (all of them, or those given) and files; built when it is not in the cache yet. */
export const builtToolSet = Effect.fnUntraced(function* (
  set: ToolSet,
  programs: ReadonlyArray<Program> = set.programs,
): Effect.fn.Return<string, GroundError> {
  const target = join(cacheFolder(), `${set.name}-${yield* fingerprint(set, programs)}`)
  if (existsSync(target)) return target
  yield* files("make the cache folder", () => mkdir(cacheFolder(), { recursive: true }))
  const buildUnlessDone = Effect.suspend(() => (existsSync(target) ? Effect.void : buildInto(set, programs, target)))
  yield* withFileLock(`${target}.lock`, `another build of ${set.name}`, buildUnlessDone)
  return target
})
