/** The end of a watch that has become silent: a connection that nobody closed, or a version that will never come. */
import { Effect, Stream } from "effect"
import { monotonicMillis } from "../monotonic-time.ts"

/**
 * Works through a stream until it ends, or until nothing has come for as long as `limitMs` says. One timer for the whole watch:
 * `Stream.timeoutOrElse` would send every chunk through a queue between two fibers.
 *
 * @param take what to do with an array of elements; its own time (a guard that waits, say) is not the server's silence
 * @param limitMs is asked anew at each waking; from a shorter limit it may grow, not the other way round
 * @param silent what to fail with then
 */
export const untilSilent = <A, E, E2, E3>(
  stream: Stream.Stream<A, E>,
  take: (some: ReadonlyArray<A>) => Effect.Effect<void, E2>,
  limitMs: () => number,
  silent: () => E3,
): Effect.Effect<void, E | E2 | E3> =>
  Effect.clockWith((clock) => {
    let heardAt = monotonicMillis(clock)
    let atWork = false
    const hear = Effect.sync(() => {
      atWork = false
      heardAt = monotonicMillis(clock)
    })
    const hearing = Stream.runForEachArray(stream, (some) => {
      atWork = true
      return Effect.ensuring(take(some), hear)
    })
    const silence = Effect.gen(function* () {
      for (;;) {
        const limit = limitMs()
        const left = heardAt + limit - monotonicMillis(clock)
        if (left <= 0 && !atWork) {
          return yield* Effect.fail(silent())
        }
        yield* Effect.sleep(left > 0 ? left : limit)
      }
    })
    return Effect.raceFirst(hearing, silence)
  })
