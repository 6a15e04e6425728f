/** Workers that empty a {@link WorkQueue}. What a reconcile reads and writes is not known here. */
import { Cause, Effect, Exit } from "effect"
import type { WorkQueue } from "./work-queue.ts"

export interface ControllerOptions<E, R> {
  readonly queue: WorkQueue
  /** How many keys are in work at the same time. */
  readonly workers: number
  /** Brings the objects behind one key to their wanted state. Its errors and defects mean "again later". */
  readonly reconcile: (key: string) => Effect.Effect<void, E, R>
  /** How long to wait with the next try at least, as whoever refused this one has asked, in milliseconds. Default: not at all. */
  readonly retryAfterMs?: (cause: Cause.Cause<E>) => number
  /** Called after every failure. `cause` is text without a stack trace, `attempts` the failures in a row, from 1. */
  readonly onError: (key: string, cause: string, attempts: number) => void
}

/** One line an error: the messages only, since a stack trace of a reconcile tells an operator nothing. */
const textOf = (cause: Cause.Cause<unknown>): string =>
  Cause.hasInterruptsOnly(cause)
    ? "interrupted"
    : Cause.prettyErrors(cause)
        .map((error) => error.message)
        .join("; ")

/**
 * Runs for ever: takes keys, reconciles them, and takes no key out of the queue's books before its reconcile has ended,
 * also when it is interrupted. Success forgets the failures of the key; a failure or a defect brings it back with
 * back-off, and never ends a worker.
 */
export const runController = <E, R>(options: ControllerOptions<E, R>): Effect.Effect<never, never, R> => {
  const { queue, reconcile, onError } = options

  const failed = (key: string, cause: Cause.Cause<E>) => {
    queue.retry(key, options.retryAfterMs?.(cause))
    return Effect.ignoreCause(Effect.sync(() => onError(key, textOf(cause), queue.failures(key))))
  }

  const once = Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(queue.take, (key) =>
      restore(Effect.suspend(() => reconcile(key))).pipe(
        Effect.exit,
        Effect.flatMap(
          Exit.match({
            onSuccess: () => Effect.sync(() => queue.forget(key)),
            // A stop is no failure: `restore` ends here when it is this worker that was interrupted.
            onFailure: (cause) =>
              Effect.andThen(
                restore(Effect.void),
                Effect.suspend(() => failed(key, cause)),
              ),
          }),
        ),
        Effect.ensuring(Effect.sync(() => queue.done(key))),
      ),
    ),
  )

  const workers = Array.from({ length: options.workers }, () => Effect.forever(once))
  return Effect.andThen(Effect.all(workers, { concurrency: "unbounded", discard: true }), Effect.never)
}
