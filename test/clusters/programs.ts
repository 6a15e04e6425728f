/** Programs under test on the ground: started by the watchdog, so that none can stay behind, their output in files. */
import { readFileSync, watch } from "node:fs"
import { dirname } from "node:path"
import { Duration, Effect } from "effect"
import { GroundError } from "./errors.ts"
import type { ExitStatus, Process, Watchdog } from "./watchdog.ts"

export interface Program {
  readonly file: string
  readonly args: ReadonlyArray<string>
  /** Added to this process's environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** In the name of its output's files; default: the file's name. */
  readonly label?: string
  /** Standard input; default: empty. */
  readonly input?: string
}

export interface Finished extends ExitStatus {
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly process: Process
  /** What it has written so far. */
  readonly stdout: () => string
  readonly stderr: () => string
  /**
   * Waits until its output (standard output, or error with `stderr`) matches; gives the match. Fails when it ends first, or after
   * the timeout (default 60 seconds), with what it wrote.
   */
  readonly waitForOutput: (
    pattern: RegExp,
    options?: { readonly from?: "stdout" | "stderr"; readonly timeout?: Duration.Input },
  ) => Effect.Effect<RegExpMatchArray, GroundError>
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Waits for its end. */
  readonly finished: Effect.Effect<Finished>
}

/** Resolves with the first match in a growing file. */
const matchIn = (file: string, pattern: RegExp, signal: AbortSignal): Promise<RegExpMatchArray> =>
  new Promise((resolve, reject) => {
    const look = () => {
      const match = readFileSync(file, "utf8").match(pattern)
      if (match === null) return
      watcher.close()
      resolve(match)
    }
    const watcher = watch(file, { signal }, look)
    watcher.once("error", reject)
    look()
  })

let count = 0

/** Starts a program; it ends with the watchdog at the latest. */
export const startProgram = Effect.fnUntraced(function* (
  watchdog: Watchdog,
  program: Program,
): Effect.fn.Return<Running, GroundError> {
  const name = `program-${++count}-${program.label ?? program.file.split("/").at(-1)}`
  const process = yield* watchdog.start({
    ...program,
    name,
    cwd: program.cwd ?? dirname(watchdog.folder),
    separate: true,
  })
  const stdout = () => readFileSync(process.stdout, "utf8")
  const stderr = () => readFileSync(process.stderr, "utf8")
  const wrote = () => `standard output:\n${stdout()}\nstandard error:\n${stderr()}`
  return {
    process,
    stdout,
    stderr,
    signal: process.signal,
    finished: Effect.map(process.exit, (status) => ({ ...status, stdout: stdout(), stderr: stderr() })),
    waitForOutput: (pattern, { from = "stdout", timeout = "60 seconds" } = {}) => {
      const file = process[from]
      const failed = (how: string) =>
        Effect.suspend(() => Effect.fail(new GroundError({ message: `${name} ${how} without ${pattern}\n${wrote()}` })))
      const ended = Effect.flatMap(process.exit, () => {
        // Its last words may be what was waited for.
        const match = readFileSync(file, "utf8").match(pattern)
        return match === null ? failed("ended") : Effect.succeed(match)
      })
      const found = Effect.promise((signal) => matchIn(file, pattern, signal))
      const limit = Duration.format(Duration.fromInputUnsafe(timeout))
      return Effect.raceFirst(found, ended).pipe(
        Effect.timeoutOrElse({ duration: timeout, orElse: () => failed(`went on for ${limit}`) }),
      )
    },
  }
})

/** Runs a program to its end. Fails when it takes longer than `timeout` (default 60 seconds); any exit code is a success. */
export const runProgram = Effect.fnUntraced(function* (
  watchdog: Watchdog,
  program: Program,
  timeout: Duration.Input = "60 seconds",
): Effect.fn.Return<Finished, GroundError> {
  const running = yield* startProgram(watchdog, program)
  return yield* running.finished.pipe(
    Effect.onInterrupt(() => running.signal("SIGKILL")),
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () =>
        Effect.fail(
          new GroundError({
            message: `${program.file} ${program.args.join(" ")} did not end; it wrote:\n${running.stdout()}\n${running.stderr()}`,
          }),
        ),
    }),
  )
})
