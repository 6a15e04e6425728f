/** Runs a script's program: a first Ctrl-C or SIGTERM lets it clean up, a second one leaves at once. */
import { Cause, Effect, Exit } from "effect"

const explain = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

/** The process ends with the program's number as its exit code, 1 when it fails, `whenInterrupted()` (130) after a Ctrl-C. */
export const runScript = <E>(program: Effect.Effect<number, E>, whenInterrupted = () => 130): void => {
  const fiber = Effect.runFork(program)
  let asked = false
  const onSignal = () => {
    if (asked) process.exit(130)
    asked = true
    fiber.interruptUnsafe()
  }
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal)
  fiber.addObserver((exit) => {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal)
    if (Exit.isSuccess(exit)) {
      process.exitCode = exit.value
    } else if (asked && Cause.hasInterruptsOnly(exit.cause)) {
      process.exitCode = whenInterrupted()
    } else {
      process.stderr.write(`error: ${explain(exit.cause)}\n`)
      process.exitCode = 1
    }
  })
}
