/** Callbacks waiting for something; each is called once. */
import { Effect } from "effect"

export class Waiters {
  #waiting = new Set<() => void>()

  /**
   * @param isOver looks once more in the turn in which the waiter is registered: between the caller's own look and this the
   * scheduler may have let others run, whose call would be lost
   */
  wait(isOver: () => boolean): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (isOver()) return resume(Effect.void)
      // `resume` runs the waiting fiber inside the call: without the yield a whole reconcile would run inside `add`, in the
      // middle of whatever changes the caches.
      const wake = () => resume(Effect.yieldNow)
      this.#waiting.add(wake)
      return Effect.sync(() => this.#waiting.delete(wake))
    })
  }

  /** The one that has waited longest. Who is interrupted right after its call must call the next one. */
  wakeOne(): void {
    const [first] = this.#waiting
    if (first === undefined) return
    this.#waiting.delete(first)
    first()
  }

  wakeAll(): void {
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const wake of waiting) wake()
  }
}
