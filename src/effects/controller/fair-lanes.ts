/** Keys of one priority, a lane per group; the group that was served goes to the end. */

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

export class FairLanes {
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
