/** A Python environment with pinned packages, made once: `build-cache.ts` keeps it. */
import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { Effect } from "effect"
import { awaitBuild, cached, files } from "./build-cache.ts"
import { describeCause, GroundError } from "./errors.ts"
import type { PythonTool } from "./tool-sets.ts"
import { tailOf, type Watchdog } from "./watchdog.ts"

const requirementsOf = (tool: PythonTool): string =>
  fileURLToPath(new URL(`tools/${tool.name}/requirements.txt`, import.meta.url))

/** An environment is made of the interpreter that made it. */
const describeInterpreter = "import sys, sysconfig; print(sys.version, sys.executable, sysconfig.get_platform())"

const needed = (tool: PythonTool): string =>
  `python3 (3.10 or later, with its modules venv and pip) is needed on PATH for ${tool.purpose}: https://www.python.org/downloads/`

const interpreter = (tool: PythonTool): Effect.Effect<string, GroundError> =>
  Effect.tryPromise({
    try: async (signal) => {
      const { stdout } = await promisify(execFile)(
        "python3",
        ["-c", `import venv, ensurepip; ${describeInterpreter}`],
        {
          signal,
        },
      )
      return stdout.trim()
    },
    catch: (cause) =>
      new GroundError({
        message:
          cause instanceof Error && "code" in cause && cause.code === "ENOENT"
            ? needed(tool)
            : `${needed(tool)}; the one that is there says: ${describeCause(cause)}`,
      }),
  })

const runPython = Effect.fnUntraced(function* (
  watchdog: Watchdog,
  name: string,
  file: string,
  args: ReadonlyArray<string>,
): Effect.fn.Return<void, GroundError> {
  const process = yield* watchdog.start({
    name,
    file,
    args,
    env: { PIP_DISABLE_PIP_VERSION_CHECK: "1", PIP_NO_INPUT: "1" },
  })
  const progress = Effect.map(tailOf(process.stdout, 1), (line) => `${name}: ${line.trim()}`)
  yield* awaitBuild(process, `${file} ${args.join(" ")}`, progress)
})

/** The environment's own `python3`. Programs are started as its modules: the scripts in its `bin` name the folder it was made in. */
export const pythonEnvironment = Effect.fnUntraced(function* (tool: PythonTool): Effect.fn.Return<string, GroundError> {
  const requirements = requirementsOf(tool)
  const pins = yield* files(`read ${requirements}`, () => readFile(requirements))
  const hash = createHash("sha256")
    .update(pins)
    .update(yield* interpreter(tool))
    .digest("hex")
    .slice(0, 16)
  const folder = yield* cached({
    name: tool.name,
    hash,
    what: tool.name,
    how: "Python",
    build: Effect.fnUntraced(function* (watchdog, output) {
      yield* runPython(watchdog, "venv", "python3", ["-m", "venv", output])
      // Every package is pinned, so there is nothing to look for.
      const install = ["-m", "pip", "install", "--no-deps", "--no-cache-dir", "-r", requirements]
      yield* runPython(watchdog, "pip", join(output, "bin/python3"), install)
    }),
  })
  return join(folder, "bin/python3")
})
