/**
 * A queue of keys, not of events: the reconciler reads the present state, so ten changes of one object are one entry.
 *
 * As in client-go, a key is `dirty` (waiting) or in `processing`; what is added while in work comes once more afterwards,
 * so one key is never in two hands. Added to that: two priorities (a resync must not delay what just happened) and
 * round-robin among groups (one namespace with ten thousand objects must not delay the others).
 */
import { Effect, Random, type Scope } from "effect"
import { makeDelays } from "./delays.ts"
import { KeySets, type Priority } from "./key-sets.ts"
import { Waiters } from "./waiters.ts"

export interface WorkQueueOptions {
  /** First delay of `retry`. Default 5, as in client-go. */
  readonly baseDelayMs?: number
  /** No delay of `retry` is longer, jitter included. Default 1,000,000, as in client-go. */
  readonly maxDelayMs?: number
  /**
   * Whether only a change can help a key, as the caller knows it from its failures. `idle` does not wait for a delayed key
   * of that sort. Default: none.
   */
  readonly isStuck?: (key: string) => boolean
  /** As `maxDelayMs`, for keys that are not stuck: what keeps them may be over any moment. Default: the same. */
  readonly maxHopefulDelayMs?: number
  /** Groups take turns. Default: what stands before the first `/`, the namespace. */
  readonly groupOf?: (key: string) => string
}

export interface QueueSize {
  readonly queued: number
  readonly processing: number
  /** Waiting for `retry` or `addAfter`. A key can be delayed and queued at once. */
  readonly delayed: number
}

/** All functions are synchronous and safe in callbacks; after the scope is closed they do nothing. */
export interface WorkQueue {
  /** Default priority `live`. Once queued as `live`, a later `background` does not lower it. */
  readonly add: (key: string, priority?: Priority) => void
  /**
   * Of several delays of one key the earliest counts. Zero or less adds at once. Default priority: that with which a key in
   * work was taken, else `live`.
   */
  readonly addAfter: (key: string, millis: number, priority?: Priority) => void
  /**
   * Adds after base·2ⁿ ±20 %, n being the failures of this key so far, or after `atLeastMs`, whichever is longer; counts one
   * failure more.
   */
  readonly retry: (key: string, atLeastMs?: number) => void
  /** Resets the failures, and ends the delay of a `retry`: there is nothing to try again. One of `addAfter` goes on. */
  readonly forget: (key: string) => void
  /**
   * Waits for a key and marks it as in work; whoever took it must call `done`. Interruptible while it waits, and only
   * then: inside `Effect.uninterruptibleMask` no key can be lost between here and its `done`.
   */
  readonly take: Effect.Effect<string>
  readonly done: (key: string) => void
  /** Completes as soon as nothing is queued, in work or delayed, but for delayed keys that are stuck. */
  readonly idle: Effect.Effect<void>
  readonly size: () => QueueSize
  /** Failures since the last `forget`. */
  readonly failures: (key: string) => number
}

const JITTER = 0.2

/** Times come from Effect's `Clock`, jitter from its `Random`. Closing the scope cancels all delays. */
export const makeWorkQueue = Effect.fnUntraced(function* (
  options: WorkQueueOptions = {},
): Effect.fn.Return<WorkQueue, never, Scope.Scope> {
  const {
    baseDelayMs = 5,
    maxDelayMs = 1_000_000,
    maxHopefulDelayMs = maxDelayMs,
    isStuck = () => false,
    groupOf = (key: string) => key.split("/", 1)[0] ?? key,
  } = options
  const random = yield* Random.Random
  const keys = new KeySets(groupOf)
  const emptied = new Waiters()
  const failed = new Map<string, number>()
  let open = true

  // Two books, since success ends the one kind of delay and not the other. The earlier of a key's two stands for both.
  const onDue = (key: string, priority: Priority): void => {
    later.remove(key)
    retries.remove(key)
    add(key, priority)
  }
  const later = yield* makeDelays(onDue)
  const retries = yield* makeDelays(onDue)
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      open = false
      later.clear()
      retries.clear()
    }),
  )

  const delayed = () => new Set([...later.keys(), ...retries.keys()])
  const isIdle = () => keys.queued + keys.processing === 0 && [...delayed()].every(isStuck)
  const tellIdle = () => {
    if (isIdle()) emptied.wakeAll()
  }

  const add = (key: string, priority: Priority = "live"): void => {
    if (open) keys.add(key, priority)
  }
  const addAfter = (key: string, millis: number, priority: Priority = keys.priorityInWork(key)): void => {
    if (!open) return
    if (millis > 0) later.add(key, millis, priority)
    else add(key, priority)
  }
  const retry = (key: string, atLeastMs = 0): void => {
    if (!open) return
    const before = failed.get(key) ?? 0
    failed.set(key, before + 1)
    const jitter = 1 - JITTER + 2 * JITTER * random.nextDoubleUnsafe()
    const backOff = Math.min(isStuck(key) ? maxDelayMs : maxHopefulDelayMs, baseDelayMs * 2 ** before * jitter)
    retries.add(key, Math.max(backOff, atLeastMs), keys.priorityInWork(key))
  }
  const forget = (key: string): void => {
    failed.delete(key)
    retries.remove(key)
    tellIdle()
  }
  const take: Effect.Effect<string> = Effect.uninterruptible(
    Effect.gen(function* () {
      while (true) {
        const key = keys.take()
        if (key !== undefined) return key
        // One call a key: sixteen idle workers need not all get up for each. A call must not be lost with who heard it.
        yield* Effect.onInterrupt(Effect.interruptible(keys.keyAdded.wait(() => keys.hasReady)), () =>
          Effect.sync(() => {
            if (keys.hasReady) keys.keyAdded.wakeOne()
          }),
        )
      }
    }),
  )
  const done = (key: string): void => {
    keys.done(key)
    tellIdle()
  }
  return {
    add,
    addAfter,
    retry,
    forget,
    take,
    done,
    idle: Effect.suspend(() => (isIdle() ? Effect.void : emptied.wait(isIdle))),
    size: () => ({ queued: keys.queued, processing: keys.processing, delayed: delayed().size }),
    failures: (key) => failed.get(key) ?? 0,
  }
})
