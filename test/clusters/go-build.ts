/** Builds a tool set with Go, once: `build-cache.ts` keeps it. */
import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { chmod, copyFile, readFile, rename } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { Effect } from "effect"
import { requireCCompiler } from "./c-compiler.ts"
import { awaitBuild, cached, files } from "./build-cache.ts"
import { explainBuildFailure } from "./build-failure.ts"
import { describeCause, GroundError } from "./errors.ts"
import type { Program, ToolSet } from "./tool-sets.ts"
import { type Process, tailOf, type Watchdog } from "./watchdog.ts"

const commonFlags = ["-trimpath", "-buildvcs=false"]

/** Programs with C in them are linked statically where that is usual, so that they run in a chroot, and beside any libc. */
const cLinkFlags = process.platform === "linux" ? " -linkmode external -extldflags -static" : ""

const buildFlags = ({ c, linkerFlags = [] }: ToolSet): ReadonlyArray<string> => [
  ...commonFlags,
  `-ldflags=${["-s -w", ...linkerFlags].join(" ")}${c === undefined ? "" : cLinkFlags}`,
  ...(c === undefined ? [] : [`-tags=${c.tags.join(",")}`]),
]

export const folderOf = (set: ToolSet): string =>
  fileURLToPath(new URL(`tools/${set.folder ?? set.name}`, import.meta.url))

const goEnvironment = (set: ToolSet) => ({
  ...(set.c === undefined ? { CGO_ENABLED: "0" } : { CGO_ENABLED: "1", CGO_CFLAGS: set.c.flags }),
  GOFLAGS: "",
  GOWORK: "off",
  ...set.env,
})

/** Everything that a failed command wrote; `go mod download -json` tells its errors on standard output. */
const outputOf = (cause: unknown): string => {
  const property = (name: string): string => {
    const value: unknown = typeof cause === "object" && cause !== null ? Reflect.get(cause, name) : undefined
    return typeof value === "string" ? value : ""
  }
  const written = `${property("stdout")}${property("stderr")}`.trim()
  return written === "" ? describeCause(cause) : written
}

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
            : explainBuildFailure(`go ${args.join(" ")} in ${folderOf(set)}`, outputOf(cause)),
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
  // A program of ours is given by its source file.
  const own = programs.map((program) => program.package).filter((path) => path.endsWith(".go"))
  const pins = yield* files(`read ${folderOf(set)}`, () =>
    Promise.all(["go.mod", "go.sum", ...own].map((name) => readFile(join(folderOf(set), name)))),
  )
  const hash = createHash("sha256")
  for (const pin of pins) hash.update(pin)
  hash.update(
    JSON.stringify([toolchain, programs, set.files, buildFlags(set), ...(set.c === undefined ? [] : [set.c])]),
  )
  return hash.digest("hex").slice(0, 16)
})

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

const progressOf = (what: string, build: Process): Effect.Effect<string> =>
  Effect.map(tailOf(build.stdout, 100_000), (log) => {
    const lines = log.split("\n").filter((line) => line !== "")
    const downloaded = lines.filter((line) => line.startsWith("go: downloading")).length
    return `building ${what} … modules downloaded: ${downloaded}, packages compiled: ${lines.length - downloaded}`
  })

const compile = Effect.fnUntraced(function* (
  watchdog: Watchdog,
  set: ToolSet,
  programs: ReadonlyArray<Program>,
  output: string,
): Effect.fn.Return<void, GroundError> {
  if (set.c !== undefined) yield* requireCCompiler(yield* go(set, ["env", "CC"]), namesOf(programs))
  const build = yield* watchdog.start({
    name: "go",
    file: "go",
    args: ["build", "-v", ...buildFlags(set), "-o", `${output}/`, ...programs.map((program) => program.package)],
    env: goEnvironment(set),
    cwd: folderOf(set),
  })
  yield* awaitBuild(build, `go build of ${set.name}`, progressOf(namesOf(programs), build))
})

/** The folder with the set's programs (all of them, or those given) and files; built when it is not in the cache yet. */
export const builtToolSet = Effect.fnUntraced(function* (
  set: ToolSet,
  programs: ReadonlyArray<Program> = set.programs,
): Effect.fn.Return<string, GroundError> {
  return yield* cached({
    name: set.name,
    hash: yield* fingerprint(set, programs),
    what: namesOf(programs),
    how: "Go",
    build: Effect.fnUntraced(function* (watchdog, output) {
      yield* compile(watchdog, set, programs, output)
      const sources = yield* Effect.forEach(set.files, (file) => moduleFolder(set, file.module))
      yield* collect(set, programs, output, sources)
    }),
  })
})
