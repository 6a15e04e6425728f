import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import type { ApiError } from "../../../../src/effects/client/api-error.ts"
import { Forbidden } from "../../../../src/effects/client/api-error.ts"
import type { KubeClient, WatchEvent } from "../../../../src/effects/client/kube-client.ts"
import { openCaches } from "../../../../src/sync/engine/informers.ts"
import { events } from "../../../../src/sync/resources.ts"
import { testContext } from "../../../model/world.ts"
import { listEnd, makeScriptedClient, scriptedError } from "../../../support/scripted-client.ts"
import { pass } from "../../../support/scripted-reflector.ts"

/** Everything is empty and listed at once, except for Events: their watches are what is given. */
const withEvents = Effect.fnUntraced(function* (ofEvents: Stream.Stream<WatchEvent, ApiError>) {
  const { client } = yield* makeScriptedClient
  const watch: KubeClient["watch"] = (resource) =>
    resource === events ? ofEvents : Stream.concat(Stream.succeed(listEnd("1")), Stream.never)
  const list: KubeClient["list"] = (resource) =>
    resource === events ? Effect.never : Effect.succeed({ items: [], resourceVersion: "1" })
  const cluster = { ...client, watch, list }
  const missing: Array<string> = []
  const opened = yield* openCaches({
    clients: { host: cluster, virtual: cluster },
    context: testContext(),
    guard: { check: Effect.void, saw: () => {}, highest: () => undefined },
    onHintsMissing: (error) => void missing.push(error._tag),
    onGuardFailure: () => Effect.void,
  })
  return { opened, missing }
})

describe("the caches", () => {
  it.effect("are waited for, but those of Events only for a moment", () =>
    Effect.gen(function* () {
      const { opened, missing } = yield* withEvents(Stream.never)
      const synced = yield* Effect.forkChild(opened.synced)
      yield* pass("4999 millis")
      assert.isUndefined(synced.pollUnsafe())
      yield* pass("1 milli")
      yield* Fiber.join(synced)
      assert.isFalse(opened.reflectors.get("hostEvents")?.isSynced())
      assert.lengthOf(missing, 0, "they may still come")
    }),
  )

  it.effect("go on without Events that may not be read, and say so", () =>
    Effect.gen(function* () {
      const { opened, missing } = yield* withEvents(Stream.fail(scriptedError(new Forbidden({}))))
      yield* opened.synced
      yield* pass("1 milli")
      assert.isAbove(missing.length, 0)
    }),
  )
})
