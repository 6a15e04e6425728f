/** Keys that will be added later, each with one sleeping fiber. */
import { Clock, Effect, FiberMap } from "effect"
import { monotonicMillis } from "../monotonic-time.ts"
import type { Priority } from "./key-sets.ts"

/** setTimeout fires at once for anything longer. */
const LONGEST_TIMER_MS = 2_147_483_647

interface Delay {
  readonly at: number
  readonly priority: Priority
}

export const makeDelays = Effect.fnUntraced(function* (onDue: (key: string, priority: Priority) => void) {
  const clock = yield* Clock.Clock
  const fibers = yield* FiberMap.make<string, void>()
  const run = yield* FiberMap.runtime(fibers)()
  const delays = new Map<string, Delay>()
  const due = (key: string) => {
    const priority = delays.get(key)?.priority
    delays.delete(key)
    if (priority !== undefined) onDue(key, priority)
  }
  const add = (key: string, millis: number, wanted: Priority): void => {
    const at = monotonicMillis(clock) + millis
    const before = delays.get(key)
    const priority = before?.priority === "live" ? "live" : wanted
    const isEarlier = before === undefined || at < before.at
    delays.set(key, { at: isEarlier ? at : before.at, priority })
    const wake = Effect.sync(() => due(key))
    if (isEarlier) run(key, Effect.andThen(Effect.sleep(Math.min(millis, LONGEST_TIMER_MS)), wake))
  }
  const remove = (key: string): void => {
    if (delays.delete(key)) run(key, Effect.void)
  }
  return { add, remove, keys: () => delays.keys(), clear: () => delays.clear() }
})
