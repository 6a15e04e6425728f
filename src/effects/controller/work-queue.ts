/**
 * A queue of keys, not of events: the reconciler reads the present state, so ten changes of one object are one entry.
 *
 * As in client-go, a key is `dirty` (waiting) or in `processing`; what is added while in work comes once more afterwards,
 * so one key is never in two hands. Added to that: two priorities (a resync must not delay what just happened) and
 * round-robin among groups (one namespace with ten thousand objects must not delay the others).
 */
import { Clock, Effect, FiberMap, Random, type Scope } from "effect"
import { monotonicMillis } from "../monotonic-time.ts"

export type Priority = "live" | "background"

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

/** setTimeout fires at once for anything longer. */
const LONGEST_TIMER_MS = 2_147_483_647
const JITTER = 0.2

interface Lane {
  readonly keys: Set<string>
  /**
   * Stands before the first key. A new iteration would step over all that was ever taken out (engines clear that up late),
   * so that emptying a lane would take quadratic time.
   */
  readonly first: Iterator<string>
}

const makeLane = (): Lane => {
  const keys = new Set<string>()
  return { keys, first: keys.values() }
}

/** Keys of one priority, a lane per group; the group that was served goes to the end. */
class FairLanes {
  /** None is empty. */
  readonly #lanes = new Map<string, Lane>()
  #turns = this.#lanes.entries()
  readonly #groupOf: (key: string) => string
  #size = 0

  constructor(groupOf: (key: string) => string) {
    this.#groupOf = groupOf
  }

  get size(): number {
    return this.#size
  }

  has(key: string): boolean {
    return this.#lanes.get(this.#groupOf(key))?.keys.has(key) === true
  }

  push(key: string): void {
    const group = this.#groupOf(key)
    const lane = this.#lanes.get(group) ?? makeLane()
    if (lane.keys.has(key)) return
    lane.keys.add(key)
    this.#lanes.set(group, lane)
    this.#size++
  }

  remove(key: string): boolean {
    const group = this.#groupOf(key)
    const lane = this.#lanes.get(group)
    if (lane === undefined || !lane.keys.delete(key)) return false
    if (lane.keys.size === 0) this.#lanes.delete(group)
    this.#size--
    return true
  }

  shift(): string | undefined {
    const turn = this.#nextTurn()
    if (turn === undefined) return undefined
    const [group, lane] = turn
    const key = lane.first.next().value
    if (typeof key === "string") this.remove(key)
    if (this.#lanes.delete(group)) this.#lanes.set(group, lane)
    return key
  }

  /** An iteration sees what is added during it, and ends for good once it has found nothing more. */
  #nextTurn(): readonly [string, Lane] | undefined {
    const turn = this.#turns.next()
    if (turn.done !== true) return turn.value
    this.#turns = this.#lanes.entries()
    return this.#turns.next().value
  }
}

/** Callbacks waiting for something; each is called once. */
class Waiters {
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

/** The dirty and processing sets, without time. */
class KeySets {
  readonly keyAdded = new Waiters()
  readonly #live: FairLanes
  readonly #background: FairLanes
  readonly #processing = new Map<string, Priority>()
  /** Added while in work. */
  readonly #again = new Map<string, Priority>()

  constructor(groupOf: (key: string) => string) {
    this.#live = new FairLanes(groupOf)
    this.#background = new FairLanes(groupOf)
  }

  get queued(): number {
    return this.#live.size + this.#background.size + this.#again.size
  }

  /** Whether {@link take} finds one. */
  get hasReady(): boolean {
    return this.#live.size + this.#background.size > 0
  }

  get processing(): number {
    return this.#processing.size
  }

  priorityInWork(key: string): Priority {
    return this.#processing.get(key) ?? "live"
  }

  add(key: string, priority: Priority): void {
    if (this.#processing.has(key)) {
      if (this.#again.get(key) !== "live") this.#again.set(key, priority)
      return
    }
    if (priority === "live") {
      this.#background.remove(key)
      this.#live.push(key)
    } else if (!this.#live.has(key)) {
      this.#background.push(key)
    }
    this.keyAdded.wakeOne()
  }

  take(): string | undefined {
    const live = this.#live.shift()
    const key = live ?? this.#background.shift()
    if (key !== undefined) this.#processing.set(key, live === undefined ? "background" : "live")
    return key
  }

  done(key: string): void {
    if (!this.#processing.delete(key)) return
    const priority = this.#again.get(key)
    this.#again.delete(key)
    if (priority !== undefined) this.add(key, priority)
  }
}

interface Delay {
  readonly at: number
  readonly priority: Priority
}

/** Keys that will be added later, each with one sleeping fiber. */
const makeDelays = Effect.fnUntraced(function* (onDue: (key: string, priority: Priority) => void) {
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
