/** The one entry: command line → program → exit code. */
import { Cause, Effect, Layer } from "effect"
import { runMain } from "./effects/run-main.ts"
import { plan, type Plan, programName } from "./plugin/app.ts"
import type { Program } from "./plugin/commands.ts"
import { exitCodes } from "./effects/exit-codes.ts"
import { Terminal } from "./plugin/output/terminal.ts"

/** From this level on, a bug of ours shows where it is. */
const stackTraceVerbosity = 6

/** A syncer whose complaint nobody reads ends all the same: whoever restarts it waits for that. */
const complaintLimit = "1 second"

/** The program goes on until it is stopped; a signal is then how it ends well, and it must end soon whatever it ended by. */
let untilStopped = false

/** What went wrong is told here, once, and never as a stack trace unless asked for. */
const complain = Effect.fnUntraced(function* (cause: Cause.Cause<unknown>, verbosity: number) {
  const terminal = yield* Terminal
  const { explainCause, renderExplanation } = yield* Effect.promise(() => import("./plugin/output/error.ts"))
  const explanation = explainCause(cause)
  const trace = verbosity >= stackTraceVerbosity ? `${Cause.pretty(cause)}\n` : ""
  const told = terminal.err(trace + renderExplanation(terminal.errStyle, explanation))
  yield* untilStopped ? Effect.timeoutOption(told, complaintLimit) : told
  return explanation.exitCode
})

const toExitCode = <E, R>(program: Effect.Effect<number, E, R>, verbosity: number) =>
  Effect.catchCause(program, (cause) =>
    Cause.hasInterruptsOnly(cause) ? Effect.interrupt : complain(cause, verbosity),
  )

const run = Effect.fnUntraced(function* (program: Program) {
  const { logFormatFor } = yield* Effect.promise(() => import("./plugin/output/line-writer.ts"))
  const { logLayer } = yield* Effect.promise(() => import("./effects/observability/log.ts"))
  untilStopped = program.untilStopped
  return yield* toExitCode(program.run, program.verbosity).pipe(
    Effect.provide(
      Layer.mergeAll(
        logLayer({ format: logFormatFor(program.logFormat), verbosity: program.verbosity }),
        Terminal.layer(program.color),
      ),
    ),
  )
})

const execute = (todo: Plan) =>
  todo._tag === "Print"
    ? Effect.flatMap(Terminal, (terminal) => terminal.out(todo.text)).pipe(Effect.as<number>(exitCodes.good))
    : run(todo.program)

const main = Effect.flatMap(plan(process.argv.slice(2), programName(process.argv0)), execute).pipe(
  (program) => toExitCode(program, 0),
  Effect.provide(Terminal.layer("auto")),
)

runMain(main, {
  onInterrupt: () => (untilStopped ? exitCodes.good : exitCodes.interrupted),
  mustEnd: () => untilStopped,
})
