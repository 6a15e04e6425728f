import { Effect } from "effect"
import type { WorkQueue } from "../../../../src/effects/controller/work-queue.ts"

/** What the queue gives right now, in its order; nothing stays in work. */
export const takeAll = (queue: WorkQueue) =>
  Effect.gen(function* () {
    const keys: Array<string> = []
    while (queue.size().queued > 0) {
      const key = yield* queue.take
      keys.push(key)
      queue.done(key)
    }
    return keys
  })
