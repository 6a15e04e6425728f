/** The queue's promises over any history: one key never in two hands, nothing lost, nothing made up, groups take turns. */
import { assert, it } from "@effect/vitest"
import { Effect, FiberSet, Match, Schema } from "effect"
import { TestClock } from "effect/testing"
import { makeWorkQueue } from "../../src/effects/controller/work-queue.ts"

const Key = Schema.Literals(["a/1", "a/2", "a/3", "b/1", "b/2", "c/1"])
const Millis = Schema.Literals([0, 1, 7, 40])
const Add = Schema.TaggedStruct("Add", { key: Key, priority: Schema.Literals(["live", "background"]) })
const Take = Schema.TaggedStruct("Take", {})
const Step = Schema.Union([
  Add,
  Take,
  Schema.TaggedStruct("Later", { key: Key, ms: Millis }),
  Schema.TaggedStruct("Retry", { key: Key }),
  Schema.TaggedStruct("Forget", { key: Key }),
  Schema.TaggedStruct("Done", { key: Key }),
  Schema.TaggedStruct("StopTakers", {}),
  Schema.TaggedStruct("Pass", { ms: Millis }),
])
type Step = typeof Step.Type

const many = { arbitrary: { runs: 400, size: 100 } }

/** How often, and in which turn for the last time. */
class Tally {
  readonly #of = new Map<string, { readonly times: number; readonly turn: number }>()
  times = (key: string): number => this.#of.get(key)?.times ?? 0
  lastTurn = (key: string): number => this.#of.get(key)?.turn ?? -1
  keys = (): ReadonlyArray<string> => [...this.#of.keys()]
  count = (key: string, turn: number): void => void this.#of.set(key, { times: this.times(key) + 1, turn })
}

/** The queue, takers that wait at it, and the books that judge it. */
const makeGame = Effect.gen(function* () {
  const queue = yield* makeWorkQueue()
  const takers = yield* FiberSet.make<void, never>()
  const asked = new Tally()
  /** The turns of asks that stand until they are met; a `retry` is over with the success that `forget` tells. */
  const lookLater = new Tally()
  const tryAgain = new Map<string, number>()
  const taken = new Tally()
  const inHand = new Set<string>()
  let turn = 0

  const receive = (key: string) => {
    assert.isFalse(inHand.has(key), `${key} is in two hands`)
    taken.count(key, turn++)
    assert.isAtMost(taken.times(key), asked.times(key), `${key} came, and nobody had asked for it`)
    inHand.add(key)
  }
  /** As a controller does: an interruption comes before a key was taken, or not at all. */
  const take = Effect.uninterruptible(Effect.map(queue.take, receive))
  const ask = (key: string, how: () => void) => {
    lookLater.count(key, turn)
    asked.count(key, turn++)
    how()
  }
  const retry = (key: string) => {
    tryAgain.set(key, turn)
    asked.count(key, turn++)
    queue.retry(key)
  }
  const forget = (key: string) => {
    tryAgain.delete(key)
    queue.forget(key)
  }
  const lastAsked = (key: string) => Math.max(lookLater.lastTurn(key), tryAgain.get(key) ?? -1)
  const done = (key: string) => {
    if (inHand.delete(key)) queue.done(key)
  }
  const playStep = Match.typeTags<Step, Effect.Effect<unknown>>()({
    Add: ({ key, priority }) => Effect.sync(() => ask(key, () => queue.add(key, priority))),
    Later: ({ key, ms }) => Effect.sync(() => ask(key, () => queue.addAfter(key, ms))),
    Retry: ({ key }) => Effect.sync(() => retry(key)),
    Forget: ({ key }) => Effect.sync(() => forget(key)),
    Done: ({ key }) => Effect.sync(() => done(key)),
    Take: () => FiberSet.run(takers, take),
    StopTakers: () => FiberSet.clear(takers),
    Pass: ({ ms }) => TestClock.adjust(ms),
  })
  /** All hands empty, all delays over, enough takers. */
  const finish = Effect.gen(function* () {
    while (queue.size().queued + queue.size().processing + queue.size().delayed > 0) {
      yield* FiberSet.run(takers, take)
      yield* TestClock.adjust(1_000_000)
      inHand.forEach(done)
    }
    yield* queue.idle
  })
  return { playStep, finish, asked, lastAsked, taken, takers }
})

it.effect.prop(
  "no history puts a key into two hands, loses one or makes one up",
  [Schema.Array(Step)],
  ([history]) =>
    Effect.gen(function* () {
      const game = yield* makeGame
      const play = Effect.gen(function* () {
        for (const step of history) yield* game.playStep(step)
        yield* game.finish
      })
      // A taker that finds a broken promise dies, and with it the game.
      yield* Effect.raceFirst(play, FiberSet.join(game.takers))
      for (const key of game.asked.keys())
        assert.isAtLeast(game.taken.lastTurn(key), game.lastAsked(key), `${key} did not come after it was asked for`)
    }),
  many,
)

it.effect.prop(
  "live comes before background, and no group is overtaken twice by the same other",
  [Schema.Array(Schema.Union([Add, Take]))],
  ([history]) =>
    Effect.gen(function* () {
      const queue = yield* makeWorkQueue()
      const waiting = new Map<string, string>()
      /** For each waiting live group, the groups served since it last had its turn. */
      const overtook = new Map<string, Set<string>>()
      const liveGroups = () => new Set([...waiting].filter(([, way]) => way === "live").map(([key]) => key.charAt(0)))

      const takeOne = Effect.gen(function* () {
        const before = liveGroups()
        const key = yield* queue.take
        const group = key.charAt(0)
        assert.strictEqual(waiting.get(key) === "live", before.size > 0, `${key} overtook a live key`)
        waiting.delete(key)
        queue.done(key)
        overtook.delete(group)
        for (const other of before) {
          if (other === group) continue
          const since = overtook.get(other) ?? new Set()
          assert.isFalse(since.has(group), `group ${group} overtook ${other} twice`)
          overtook.set(other, since.add(group))
        }
      })
      for (const step of [...history, ...history.map(() => ({ _tag: "Take" }) as const)]) {
        if (step._tag === "Add") {
          if (waiting.get(step.key) !== "live") waiting.set(step.key, step.priority)
          queue.add(step.key, step.priority)
        } else if (waiting.size > 0) yield* takeOne
        assert.strictEqual(queue.size().queued, waiting.size)
      }
      assert.strictEqual(waiting.size, 0)
    }),
  many,
)
