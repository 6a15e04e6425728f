/**
 * Loops that go on until their scope closes, and whoever must know when one does not: a program whose loop has died unheard looks
 * alive and does nothing. (controller-runtime: a runnable that ends, ends its manager.)
 */
import { Cause, Context, Deferred, Effect, Exit, Schema, type Scope } from "effect"

/** A loop came to an end that has none. */
export class LoopEnded extends Schema.TaggedError<LoopEnded>()("LoopEnded", { loop: Schema.String }) {
  override get message(): string {
    return `${this.loop}: ended, though it should go on for ever`
  }
}

/** Who is told, with the cause. It goes with the fiber; without one, the log is told. */
const Supervisor = Context.Reference<(cause: Cause.Cause<never>) => Effect.Effect<unknown>>(
  "vcluster-es/effects/controller/Supervisor",
  { defaultValue: () => (cause) => Effect.logError("a part of this program has ended", cause) },
)

/** Runs in the background until it ends or the scope closes. A defect, or an interruption that does not come from the scope, is told. */
export const forkTask = Effect.fnUntraced(function* <R>(
  name: string,
  task: Effect.Effect<unknown, never, R>,
): Effect.fn.Return<void, never, R | Scope.Scope> {
  const tell = yield* Supervisor
  let closing = false
  const told = Effect.onExit(task, (exit) => {
    if (closing || Exit.isSuccess(exit)) return Effect.void
    return tell(Cause.hasInterruptsOnly(exit.cause) ? Cause.die(new LoopEnded({ loop: name })) : exit.cause)
  })
  yield* Effect.forkScoped(told, { startImmediately: true })
  // Runs before the one that ends the fiber.
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      closing = true
    }),
  )
})

/** The same for what must not end by itself either. */
export const forkLoop = <R>(
  name: string,
  loop: Effect.Effect<unknown, never, R>,
): Effect.Effect<void, never, R | Scope.Scope> =>
  forkTask(name, Effect.andThen(loop, Effect.die(new LoopEnded({ loop: name }))))

/** Ends with the defect of the first loop that was forked in `effect` and ends before its scope does. */
export const supervised = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Deferred.make<never>(), (ended) =>
    Effect.raceFirst(
      Effect.provideService(effect, Supervisor, (cause) => Deferred.failCause(ended, cause)),
      Deferred.await(ended),
    ),
  )
