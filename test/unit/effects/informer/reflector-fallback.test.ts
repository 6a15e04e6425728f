/** A streaming list that fails before it is complete, for whatever reason: a plain list and a watch take its place. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Logger } from "effect"
import {
  type ApiErrorReason,
  Expired,
  Forbidden,
  Invalid,
  NoCredentials,
  NotFound,
  NotKubernetes,
  ServerFault,
  Throttled,
  Unauthorized,
  Unreachable,
  Untrusted,
} from "../../../../src/effects/client/api-error.ts"
import { added, bookmark, listEnd, modified, type OpenWatch } from "../../../support/scripted-client.ts"
import { object, pass, start } from "../../../support/scripted-reflector.ts"

/** What the server says of a storage that cannot report its progress, in an ERROR event. */
const noProgress = new ServerFault({ status: 500, resourceVersionTooLarge: false })
const notConnected = new Unreachable({ code: "ECONNREFUSED" })
const list = { items: [object("a", "1")], resourceVersion: "10" }

const tooLate: ReadonlyArray<readonly [what: string, fail: (watch: OpenWatch) => void]> = [
  ["refused: the feature gate is off", (watch) => watch.fail(new Invalid({ fields: ["sendInitialEvents"] }))],
  ["an ERROR event with code 500", (watch) => watch.fail(noProgress)],
  ["an ERROR event with code 410", (watch) => watch.fail(new Expired())],
  ["a broken connection", (watch) => watch.fail(new Unreachable({ code: "ECONNRESET" }))],
  ["a connection that was closed", (watch) => watch.fail(new Unreachable({}))],
  ["a line that is no event", (watch) => watch.fail(new NotKubernetes({ status: 200 }))],
  ["the end of the stream", (watch) => watch.end()],
]

describe("a streaming list that fails before it is complete", () => {
  for (const [what, fail] of tooLate)
    it.effect(`is read page by page at once: ${what}`, () =>
      Effect.gen(function* () {
        const { script, reflector, told } = yield* start()
        const streamed = yield* script.nextWatch
        assert.isTrue(streamed.options.sendInitialEvents)
        streamed.send(added(object("of the stream", "1")))
        script.answerLists(list)
        fail(streamed)
        const watch = yield* script.nextWatch
        assert.deepStrictEqual(yield* told(1), ["+a@1"])
        assert.strictEqual(watch.options.resourceVersion, "10")
        assert.isUndefined(watch.options.sendInitialEvents)
        assert.deepStrictEqual(reflector.state(), { connected: true, resourceMissing: false })
        yield* reflector.syncedOrFailed
        watch.send(modified(object("a", "11")))
        assert.deepStrictEqual(yield* told(1), ["+a@11"])
      }),
    )

  it.effect("has failed when nothing came for ten seconds", () =>
    Effect.gen(function* () {
      const { script, told } = yield* start()
      const streamed = yield* script.nextWatch
      script.answerLists(list)
      yield* pass("9 seconds")
      streamed.send(added(object("of the stream", "1")))
      yield* pass("9999 millis")
      assert.isFalse(streamed.isClosed())
      yield* pass("1 milli")
      assert.isTrue(streamed.isClosed())
      assert.deepStrictEqual(yield* told(1), ["+a@1"])
      const watch = yield* script.nextWatch
      yield* pass("2 minutes")
      assert.isFalse(watch.isClosed(), "the patience with a watch is another one")
    }),
  )

  it.effect("has failed when it still has no end after a minute of changes", () =>
    Effect.gen(function* () {
      const { script, told } = yield* start()
      const streamed = yield* script.nextWatch
      script.answerLists(list)
      for (let version = 1; version < 10; version++) {
        yield* pass("7 seconds")
        streamed.send(modified(object("busy", String(version))))
      }
      assert.deepStrictEqual(yield* told(1), ["+a@1"])
      assert.isTrue(streamed.isClosed())
    }),
  )

  it.effect("leaves what was written meanwhile ahead of the list", () =>
    Effect.gen(function* () {
      const { script, reflector, told } = yield* start()
      const streamed = yield* script.nextWatch
      reflector.observe(object("written", "15"))
      assert.deepStrictEqual(yield* told(1), ["+written@15"])
      script.answerLists(list)
      streamed.fail(noProgress)
      assert.deepStrictEqual(yield* told(1), ["+a@1"])
      assert.strictEqual(reflector.store.size(), 2)
    }),
  )

  it.effect("counts as a failure, and as no proof, when the plain list fails as well", () =>
    Effect.gen(function* () {
      const { script, reflector } = yield* start()
      const waiter = yield* Effect.forkChild(Effect.flip(reflector.syncedOrFailed))
      script.answerLists(new Forbidden({}))
      ;(yield* script.nextWatch).fail(noProgress)
      assert.strictEqual((yield* Fiber.join(waiter)).reason._tag, "Forbidden")
      yield* pass("1600 millis")
      const again = yield* script.nextWatch
      assert.isTrue(again.options.sendInitialEvents)
      again.send(listEnd("5"))
      yield* reflector.synced
    }),
  )

  const waitedFor: ReadonlyArray<ApiErrorReason> = [
    new Forbidden({}),
    new NoCredentials(),
    new NotFound({ resourceMissing: true }),
    new Throttled({ retryAfterMs: 1000 }),
    new Unauthorized(),
    new Untrusted({ code: "CERT" }),
    notConnected,
  ]
  for (const reason of waitedFor)
    it.effect(`is waited for where a plain list would be met by the same: ${reason._tag}`, () =>
      Effect.gen(function* () {
        const { script, reflector } = yield* start()
        ;(yield* script.nextWatch).fail(reason)
        yield* pass("1 milli")
        assert.strictEqual(reflector.state().lastError?.reason._tag, reason._tag)
        yield* pass("1600 millis")
        const again = yield* script.nextWatch
        assert.isTrue(again.options.sendInitialEvents)
        assert.lengthOf(script.lists(), 0)
      }),
    )

  it.effect("is waited for in a watch that has got its list before", () =>
    Effect.gen(function* () {
      const { script } = yield* start()
      const watch = yield* script.nextWatch
      watch.send(listEnd("10"), bookmark("11"))
      yield* pass("1 minute")
      watch.fail(noProgress)
      yield* pass("1600 millis")
      assert.isTrue((yield* script.nextWatch).options.sendInitialEvents)
      assert.lengthOf(script.lists(), 0)
    }),
  )
})

describe("that lists are not streamed", () => {
  it.effect("is known to all reflectors of the client, for ten minutes, and told once", () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
    return Effect.gen(function* () {
      const { script } = yield* start()
      script.answerLists(list, list, list)
      ;(yield* script.nextWatch).fail(noProgress)
      yield* script.nextWatch
      yield* start({ client: script.client })
      assert.isUndefined((yield* script.nextWatch).options.sendInitialEvents)
      yield* pass("599 seconds")
      yield* start({ client: script.client })
      assert.isUndefined((yield* script.nextWatch).options.sendInitialEvents)
      yield* pass("1 second")
      yield* start({ client: script.client })
      assert.isTrue((yield* script.nextWatch).options.sendInitialEvents)
      assert.lengthOf(
        lines.filter((line) => line.startsWith("Info") && line.includes("page by page")),
        1,
      )
    }).pipe(Effect.provide(Logger.layer([logger])))
  })
})
