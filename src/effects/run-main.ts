/** Runs the program of a process: signals → interruption, result → exit code. It prints nothing. */
import { Cause, type Effect, Exit, Runtime } from "effect"

export interface RunMainOptions {
  /** Exit code after a signal has interrupted the program; asked when the program has ended. */
  readonly onInterrupt: () => number
  /**
   * Whether the process is to end soon after its program even if nobody reads what it has written; asked when the program has ended.
   * Otherwise it waits for its readers, as kubectl waits for a pager.
   */
  readonly mustEnd: () => boolean
}

/** From the first signal to the end of the process, finalizers included: just within the 2 s that are promised. */
const STOP_LIMIT_MS = 1_900
/** For what was written to get out, where the process must end. */
const READER_LIMIT_MS = 1_000
/** 128 + SIGINT: what a shell expects of a program that was torn off. */
const TORN_OFF = 130
/** 128 + SIGPIPE, which ends a C program whose reader (`head`, a closed pager) has gone; here it is an event. */
const READER_GONE = 141

const onBrokenPipe = (): void => process.exit(READER_GONE)

const exitCodeOf = (exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit)) return typeof exit.value === "number" ? exit.value : 0
  return Runtime.getErrorExitCode(Cause.squash(exit.cause))
}

/**
 * Lets what was written get out, also into a pipe, where `process.exit` alone would cut it off. `end`, since under Bun the
 * callback of a `write` comes before the data have left. Whatever goes wrong here, the reader has gone.
 */
const ended = (stream: NodeJS.WriteStream, then: () => void): void => {
  if (stream.destroyed || stream.writableEnded) then()
  else stream.once("error", then).end(then)
}

const leave = (code: number): void => ended(process.stdout, () => ended(process.stderr, () => process.exit(code)))

/**
 * The first SIGINT or SIGTERM interrupts the program, which then has 2 s for its finalizers; a second one ends the
 * process at once with 130.
 *
 * Without a signal the process ends with its program, when all that it has written is read; where `mustEnd()`, a second later at most (but
 * under Deno, where a write into a full pipe stops the process).
 *
 * Exit code: after an interruption by a signal `onInterrupt()`; else the program's result if that is a number, 0 for any
 * other result, and for an error its `Runtime.errorExitCode`, or 1. When nobody reads stdout or stderr any more: 141.
 */
export const runMain = <A, E>(program: Effect.Effect<A, E>, { onInterrupt, mustEnd }: RunMainOptions): void => {
  const run = Runtime.makeRunMain(({ fiber }) => {
    let asked = false
    const onSignal = () => {
      if (asked) process.exit(TORN_OFF)
      asked = true
      setTimeout(() => process.exit(onInterrupt()), STOP_LIMIT_MS)
      fiber.interruptUnsafe(fiber.id)
    }
    process.stdout.on("error", onBrokenPipe)
    process.stderr.on("error", onBrokenPipe)
    process.on("SIGINT", onSignal).on("SIGTERM", onSignal)
    fiber.addObserver((exit) => {
      process.stdout.off("error", onBrokenPipe)
      process.stderr.off("error", onBrokenPipe)
      const interrupted = asked && Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
      const code = interrupted ? onInterrupt() : exitCodeOf(exit)
      if (mustEnd()) setTimeout(() => process.exit(code), READER_LIMIT_MS)
      leave(code)
    })
  })
  run(program, { disableErrorReporting: true })
}
