/** What becomes of a request that has left when whoever sent it is interrupted. */
import { Effect, Fiber } from "effect"
import { Fence } from "./fence.ts"

/**
 * Interrupted before it has sent anything that changes something, `effect` ends at once and sends nothing more. After that it may
 * finish, so that the answer is heard and what follows from it is noted, but for no longer than `graceMs`.
 */
export const finishSent = <A, E, R>(effect: Effect.Effect<A, E, R>, graceMs: number): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) => {
    let sent = false
    let stopped = false
    const watched = Effect.updateService(effect, Fence, (mayLeave) => () => {
      if (stopped || !mayLeave()) return false
      sent = true
      return true
    })
    const stop = (fiber: Fiber.Fiber<A, E>) =>
      Effect.suspend(() => {
        stopped = true
        const finish = sent ? Effect.timeoutOption(Fiber.await(fiber), graceMs) : Effect.void
        return Effect.andThen(finish, Fiber.interrupt(fiber))
      })
    return Effect.flatMap(Effect.forkChild(watched, { startImmediately: true }), (fiber) =>
      Effect.onInterrupt(restore(Fiber.join(fiber)), () => stop(fiber)),
    )
  })
