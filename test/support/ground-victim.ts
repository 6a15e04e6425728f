/**
 * A process that holds a ground and is about to be killed (`ground.test.ts`): prints one JSON line, then waits for ever.
 * With `bare` it holds only a watchdog with one process, which is quicker.
 */
import { Effect } from "effect"
import { makeGround } from "../clusters/ground.ts"
import { makeWatchdog, type Watchdog } from "../clusters/watchdog.ts"

const announce = (watchdog: Watchdog) =>
  Effect.sync(() => {
    const { folder, pid, children } = watchdog
    process.stdout.write(`${JSON.stringify({ folder, watchdog: pid, children: children() })}\n`)
  })

const bare = Effect.gen(function* () {
  const watchdog = yield* makeWatchdog({ prefix: "vcluster-es-victim-" })
  yield* watchdog.start({ name: "sleeper", file: "sleep", args: ["600"] })
  return watchdog
})

const full = Effect.map(makeGround(), (ground) => ground.watchdog)

// Keeps the event loop alive, as a server or a test runner would.
setInterval(() => {}, 60_000)
await Effect.runPromise(
  Effect.scoped((process.argv[2] === "bare" ? bare : full).pipe(Effect.tap(announce), Effect.andThen(Effect.never))),
)
