/** The one entry: command line → program → exit code. */
import { Cause, Effect, Exit, Runtime } from "effect"
import { plan, type Plan, programName } from "./plugin/app.ts"
import { exitCodes } from "./plugin/output/exit-codes.ts"
import { Terminal } from "./plugin/output/terminal.ts"

/** From this level on, a bug of ours shows where it is. */
const stackTraceVerbosity = 6

/** What went wrong is told here, once, and never as a stack trace unless asked for. */
const complain = Effect.fnUntraced(function* (cause: Cause.Cause<unknown>, verbosity: number) {
  const terminal = yield* Terminal
  const { explainCause, renderExplanation } = yield* Effect.promise(() => import("./plugin/output/error.ts"))
  const explanation = explainCause(cause)
  if (verbosity >= stackTraceVerbosity) yield* terminal.err(`${Cause.pretty(cause)}\n`)
  yield* terminal.err(renderExplanation(terminal.errStyle, explanation))
  return explanation.exitCode
})

const toExitCode = <E, R>(program: Effect.Effect<number, E, R>, verbosity: number) =>
  Effect.catchCause(program, (cause) =>
    Cause.hasInterruptsOnly(cause) ? Effect.interrupt : complain(cause, verbosity),
  )

/** What it means for this process to be stopped by a signal; a loop has then done its work. */
let stoppedExit: number = exitCodes.interrupted

const execute = (todo: Plan) => {
  if (todo._tag === "Print") {
    return Effect.flatMap(Terminal, (terminal) => terminal.out(todo.text)).pipe(Effect.as<number>(exitCodes.good))
  }
  const { program } = todo
  if (program.untilStopped) stoppedExit = exitCodes.good
  return toExitCode(program.run, program.verbosity).pipe(Effect.provide(Terminal.layer(program.color)))
}

const main = Effect.flatMap(plan(process.argv.slice(2), programName(process.argv0)), execute).pipe(
  (program) => toExitCode(program, 0),
  Effect.provide(Terminal.layer("auto")),
)

const teardown: Runtime.Teardown = (exit, onExit) =>
  onExit(Exit.isSuccess(exit) && typeof exit.value === "number" ? exit.value : stoppedExit)

const runMain = Runtime.makeRunMain(({ fiber, teardown: leave }) => {
  let asked = false
  const onSignal = () => {
    if (asked) process.exit(exitCodes.interrupted)
    asked = true
    fiber.interruptUnsafe(fiber.id)
  }
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal)
  fiber.addObserver((exit) => leave(exit, (code) => process.exit(code)))
})

runMain(main, { disableErrorReporting: true, teardown })
