/** Any history of the queue, beside a model that is slow and plain: what is given, in what order, and to how many hands. */
import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { Priority } from "../../../../src/effects/controller/key-sets.ts"
import { makeWorkQueue, type WorkQueue } from "../../../../src/effects/controller/work-queue.ts"

const Key = Schema.Literals(["a/1", "a/2", "a/3", "b/1", "b/2", "c/1"])
const Step = Schema.Union([
  Schema.TaggedStruct("Add", { key: Key, priority: Schema.Literals(["live", "background"]) }),
  Schema.TaggedStruct("Take", {}),
  /** Which of those in work. */
  Schema.TaggedStruct("Done", { which: Schema.Literals([0, 1, 2, 3, 4]) }),
])
type Step = typeof Step.Type

/** `[group, keys]` in the order of their turns. */
type Lanes = Array<[string, Array<string>]>

class Model {
  readonly #lanes: Readonly<Record<Priority, Lanes>> = { live: [], background: [] }
  readonly #again = new Map<string, Priority>()
  readonly inWork: Array<string> = []

  add(key: string, priority: Priority): void {
    if (this.inWork.includes(key)) {
      if (this.#again.get(key) !== "live") this.#again.set(key, priority)
      return
    }
    if (this.#isIn("live", key) || this.#isIn(priority, key)) return
    this.#remove("background", key)
    const group = key.slice(0, 1)
    const lane = this.#lanes[priority].find(([name]) => name === group)
    if (lane === undefined) this.#lanes[priority].push([group, [key]])
    else lane[1].push(key)
  }

  take(): string | undefined {
    const key = this.#shift("live") ?? this.#shift("background")
    if (key !== undefined) this.inWork.push(key)
    return key
  }

  done(key: string): void {
    this.inWork.splice(this.inWork.indexOf(key), 1)
    const priority = this.#again.get(key)
    this.#again.delete(key)
    if (priority !== undefined) this.add(key, priority)
  }

  #isIn(priority: Priority, key: string): boolean {
    return this.#lanes[priority].some(([, keys]) => keys.includes(key))
  }

  #remove(priority: Priority, key: string): void {
    const lanes = this.#lanes[priority]
    const at = lanes.findIndex(([, keys]) => keys.includes(key))
    const keys = lanes[at]?.[1]
    keys?.splice(keys.indexOf(key), 1)
    if (keys?.length === 0) lanes.splice(at, 1)
  }

  #shift(priority: Priority): string | undefined {
    const lane = this.#lanes[priority].shift()
    const key = lane?.[1].shift()
    if (lane !== undefined && lane[1].length > 0) this.#lanes[priority].push(lane)
    return key
  }
}

/** The queue's next key, where the model says that there is one. */
const takeBoth = Effect.fnUntraced(function* (queue: WorkQueue, model: Model) {
  const before = [...model.inWork]
  const expected = model.take()
  if (expected === undefined) return undefined
  const key = yield* queue.take
  assert.strictEqual(key, expected)
  assert.notInclude(before, key, "one key in two hands")
  return key
})

const play = Effect.fnUntraced(function* (queue: WorkQueue, model: Model, step: Step) {
  switch (step._tag) {
    case "Add": {
      queue.add(step.key, step.priority)
      model.add(step.key, step.priority)
      break
    }
    case "Take": {
      yield* takeBoth(queue, model)
      break
    }
    case "Done": {
      const key = model.inWork[step.which]
      if (key === undefined) break
      queue.done(key)
      model.done(key)
    }
  }
})

it.effect.prop(
  "gives what the model gives, and ends idle",
  [Schema.Array(Step)],
  ([history]) =>
    Effect.scoped(
      Effect.gen(function* () {
        const queue = yield* makeWorkQueue()
        const model = new Model()
        for (const step of history) {
          yield* play(queue, model, step)
          assert.strictEqual(queue.size().processing, model.inWork.length)
        }
        for (;;) {
          for (const key of model.inWork.slice()) {
            queue.done(key)
            model.done(key)
          }
          if ((yield* takeBoth(queue, model)) === undefined) break
        }
        assert.deepStrictEqual(queue.size(), { queued: 0, processing: 0, delayed: 0 })
        yield* queue.idle
      }),
    ),
  { arbitrary: { runs: 200, size: 100 } },
)

it.effect("serves a small group at once beside one of ten thousand", () =>
  Effect.gen(function* () {
    const queue = yield* makeWorkQueue()
    for (let index = 0; index < 10_000; index++) queue.add(`large/${index}`, "background")
    const served: Array<string> = []
    for (let turn = 0; turn < 10_000; turn++) {
      if (turn % 1_000 === 500) queue.add(`small/${turn}`, "background")
      const key = yield* queue.take
      queue.done(key)
      if (key.startsWith("small/")) served.push(`${key} at ${turn}`)
    }
    assert.lengthOf(served, 10)
    for (const entry of served) {
      const [added = 0, taken = 0] = (entry.match(/\d+/g) ?? []).map(Number)
      assert.isAtMost(taken - added, 1, entry)
    }
  }),
)
