/** The dirty and processing sets of a work queue, without time. */
import { FairLanes } from "./fair-lanes.ts"
import { Waiters } from "./waiters.ts"

export type Priority = "live" | "background"

export class KeySets {
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
