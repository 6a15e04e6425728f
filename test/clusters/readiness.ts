/** When a server on the ground counts as started. */
import { Duration, Effect } from "effect"
import type { Kube } from "../support/kube.ts"
import { GroundError } from "./errors.ts"
import { type Process, tailOf } from "./watchdog.ts"

/** Waits for `check`, at most `within` (default 60 seconds); fails with the end of the log as soon as the process ends. */
export const untilReady = (
  process: Process,
  check: Effect.Effect<boolean>,
  within: Duration.Input = "60 seconds",
): Effect.Effect<void, GroundError> => {
  const poll = Effect.gen(function* () {
    while (!(yield* check)) yield* Effect.sleep("25 millis")
  })
  const failed = (how: string) =>
    // One file with standard output, unless the process writes two.
    Effect.flatMap(tailOf(process.stderr), (log) =>
      Effect.fail(new GroundError({ message: `${process.name} ${how}; its log ends:\n${log}` })),
    )
  const limit = Duration.format(Duration.fromInputUnsafe(within))
  return Effect.raceFirst(
    poll,
    Effect.flatMap(process.exit, () => failed("ended")),
  ).pipe(Effect.timeoutOrElse({ duration: within, orElse: () => failed(`was not ready within ${limit}`) }))
}

/** Whether the API server says so itself. */
export const isReady = (kube: Kube): Effect.Effect<boolean> =>
  kube.request({ method: "GET", path: "/readyz" }).pipe(
    Effect.map((answer) => answer.status === 200),
    Effect.orElseSucceed(() => false),
  )
