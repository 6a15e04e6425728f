/** What the tests of `runMain` start, one way to end each. */
import { Effect, Runtime } from "effect"
import { runMain } from "../../src/effects/run-main.ts"

class Failure extends Error {
  override readonly [Runtime.errorExitCode] = 7
}

const tell = (text: string) => Effect.sync(() => void process.stderr.write(`${text}\n`))

/** More than any pipe takes. */
const answer = Effect.sync(() => {
  process.stdout.write("x".repeat(3_000_000))
  return 4
})

const programs: Readonly<Record<string, Effect.Effect<unknown, Failure>>> = {
  number: Effect.succeed(3),
  text: Effect.succeed("done"),
  failure: Effect.fail(new Failure("refused")),
  defect: Effect.die(new Error("a bug")),
  leak: Effect.sync(() => {
    setInterval(() => {}, 1000)
    return 5
  }),
  answer,
  unread: answer,
  forever: Effect.onInterrupt(Effect.never, () => tell("finalized")),
  hang: Effect.onInterrupt(Effect.never, () => Effect.andThen(tell("finalizing"), Effect.never)),
}

const mode = process.argv[2] ?? ""
const program = programs[mode] ?? Effect.die(new Error("no such program"))
runMain(Effect.andThen(tell("ready"), program), { onInterrupt: () => 42, mustEnd: () => mode === "unread" })
