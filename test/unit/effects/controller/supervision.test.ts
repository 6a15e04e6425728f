import { assert, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit } from "effect"
import { forkLoop, forkTask, supervised } from "../../../../src/effects/controller/supervision.ts"

const defectOf = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isFailure(exit) && Cause.hasDies(exit.cause) ? String(Cause.squash(exit.cause)) : `no defect: ${exit._tag}`

it.effect("a loop that dies ends what depends on it, with its defect", () =>
  Effect.gen(function* () {
    const trigger = yield* Deferred.make<void>()
    const program = Effect.scoped(
      Effect.gen(function* () {
        yield* forkLoop("good", Effect.never)
        yield* forkLoop("bad", Effect.andThen(Deferred.await(trigger), Effect.die(new Error("a bug"))))
        yield* Deferred.succeed(trigger, undefined)
        return yield* Effect.never
      }),
    )
    assert.strictEqual(defectOf(yield* Effect.exit(supervised(program))), "Error: a bug")
  }),
)

it.effect("so does one that ends, or interrupts itself", () =>
  Effect.gen(function* () {
    for (const loop of [Effect.void, Effect.interrupt]) {
      const program = Effect.scoped(Effect.andThen(forkLoop("the loop", loop), Effect.never))
      assert.include(defectOf(yield* Effect.exit(supervised(program))), "the loop: ended")
    }
  }),
)

it.effect("the end of the scope, and of a task, is none", () =>
  Effect.gen(function* () {
    const program = Effect.gen(function* () {
      yield* Effect.scoped(forkLoop("closed with its scope", Effect.never))
      yield* Effect.scoped(forkTask("done", Effect.void))
      yield* Effect.yieldNow
      return "went on"
    })
    assert.strictEqual(yield* supervised(program), "went on")
  }),
)
