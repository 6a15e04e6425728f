/** What a request and a watch make of every way in which a server can end them. */
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Stream } from "effect"
import { constants } from "node:http2"
import { answer, configMap, sourceFor, startServer } from "../fault-server.ts"
import { type RawStream, startFrameServer } from "../frame-server.ts"
import { clientFor, configMaps, failure, ref } from "../test-client.ts"

const object = JSON.stringify(configMap("ä"))

const whole = (stream: RawStream) => {
  stream.respond()
  stream.data(object, true)
}

it.live("goes on with a new connection when the server says goodbye", () =>
  Effect.gen(function* () {
    const server = yield* startFrameServer((stream, request) => {
      whole(stream)
      if (request === 0) stream.goaway(stream.id, constants.NGHTTP2_NO_ERROR)
    })
    const client = yield* clientFor(sourceFor(server.url))
    for (let count = 0; count < 3; count += 1) yield* client.create(configMaps, configMap("a"))
    assert.deepStrictEqual(server.counts, { connections: 2, requests: 3 })
  }),
)

it.live("lets running requests end after a goodbye", () =>
  Effect.gen(function* () {
    const held: Array<RawStream> = []
    const both = yield* Deferred.make<void>()
    const server = yield* startFrameServer((stream, request) => {
      if (request < 2) held.push(stream)
      else whole(stream)
      if (held.length === 2) Deferred.doneUnsafe(both, Effect.void)
    })
    const client = yield* clientFor(sourceFor(server.url))
    const create = client.create(configMaps, configMap("a"))
    const running = yield* Effect.forkChild(Effect.all([create, create], { concurrency: 2 }))
    yield* Deferred.await(both)
    held[0]?.goaway(held[1]?.id ?? 0, constants.NGHTTP2_NO_ERROR)
    held.forEach(whole)
    assert.strictEqual((yield* Fiber.join(running)).length, 2)
    yield* create
    assert.deepStrictEqual(server.counts, { connections: 2, requests: 3 })
  }),
)

it.live("sends again, on a new connection, what the server refused unseen", () =>
  Effect.gen(function* () {
    const server = yield* startFrameServer((stream, request) =>
      request === 0 ? stream.reset(constants.NGHTTP2_REFUSED_STREAM) : whole(stream),
    )
    const client = yield* clientFor(sourceFor(server.url))
    yield* client.create(configMaps, configMap("a"))
    assert.deepStrictEqual(server.counts, { connections: 2, requests: 2 })
  }),
)

it.live("does not send for ever to a server that refuses everything", () =>
  Effect.gen(function* () {
    const server = yield* startFrameServer((stream) => stream.reset(constants.NGHTTP2_REFUSED_STREAM))
    const client = yield* clientFor(sourceFor(server.url))
    const error = yield* failure(client.create(configMaps, configMap("a")))
    assert.deepInclude(error.reason, { _tag: "Unreachable", code: "REFUSED_STREAM" })
    assert.strictEqual(server.counts.requests, 4)
  }),
)

it.live("repeats a read whose connection died, never a write", () =>
  Effect.gen(function* () {
    const server = yield* startFrameServer((stream, request) => (request === 1 ? whole(stream) : stream.cut()))
    const client = yield* clientFor(sourceFor(server.url))
    yield* client.get(configMaps, ref)
    assert.strictEqual(server.counts.requests, 2)
    const error = yield* failure(client.create(configMaps, configMap("a")))
    assert.strictEqual(error.reason._tag, "Unreachable")
    assert.strictEqual(server.counts.requests, 3)
  }),
)

const brokenEnds: Readonly<Record<string, (stream: RawStream) => void>> = {
  "a reset": (stream) => stream.reset(constants.NGHTTP2_INTERNAL_ERROR),
  "a cancel": (stream) => stream.reset(constants.NGHTTP2_CANCEL),
  "a cut": (stream) => stream.cut(),
  "an angry goodbye": (stream) => {
    stream.goaway(stream.id, constants.NGHTTP2_INTERNAL_ERROR)
    stream.cut()
  },
}

for (const [how, end] of Object.entries(brokenEnds)) {
  it.live(`takes an answer that ends by ${how} for none, whole as it may look`, () =>
    Effect.gen(function* () {
      const server = yield* startFrameServer((stream) => {
        stream.respond()
        stream.data(object)
        end(stream)
      })
      const client = yield* clientFor(sourceFor(server.url))
      const error = yield* failure(client.create(configMaps, configMap("a")))
      assert.strictEqual(error.reason._tag, "Unreachable", error.message)
      assert.strictEqual(server.counts.requests, 1)
    }),
  )

  it.live(`fails a watch that ends by ${how}`, () =>
    Effect.gen(function* () {
      const server = yield* startFrameServer((stream) => {
        stream.respond()
        stream.data(`${JSON.stringify({ type: "ADDED", object: configMap("a") })}\n`)
        end(stream)
      })
      const client = yield* clientFor(sourceFor(server.url))
      const error = yield* failure(Stream.runDrain(client.watch(configMaps, {})))
      assert.strictEqual(error.reason._tag, "Unreachable", error.message)
    }),
  )
}

it.live("calls an answer cut off that ends well in the middle of its JSON", () =>
  Effect.gen(function* () {
    const server = yield* startServer((stream) => answer(stream, 201, object.slice(0, -1)))
    const client = yield* clientFor(sourceFor(server.url))
    const error = yield* failure(client.create(configMaps, configMap("a")))
    assert.strictEqual(error.reason._tag, "Unreachable", error.message)
    server.handle((stream) => answer(stream, 201, "<html>", { "content-type": "text/html" }))
    const foreign = yield* failure(client.create(configMaps, configMap("a")))
    assert.strictEqual(foreign.reason._tag, "NotKubernetes", foreign.message)
  }),
)

it.live("reads events wherever the network cuts them", () =>
  Effect.gen(function* () {
    const lines = ["ä", "b", "c"].map((name) => `${JSON.stringify({ type: "ADDED", object: configMap(name) })}\n`)
    const bytes = Buffer.from(lines.join(""))
    const server = yield* startFrameServer((stream) => {
      stream.respond()
      for (let at = 0; at < bytes.length; at += 7) stream.data(bytes.subarray(at, at + 7))
      stream.data("", true)
    })
    const client = yield* clientFor(sourceFor(server.url))
    const events = yield* Stream.runCollect(client.watch(configMaps, {}))
    assert.deepStrictEqual(
      events,
      ["ä", "b", "c"].map((name) => ({ type: "ADDED" as const, object: configMap(name) })),
    )
  }),
)

it.live("loses no event that comes, with the end behind it, while the one before is worked on", () =>
  Effect.gen(function* () {
    const line = (name: string) => `${JSON.stringify({ type: "ADDED", object: configMap(name) })}\n`
    let watch: RawStream | undefined
    const server = yield* startFrameServer((stream) => {
      if (watch === undefined) {
        watch = stream
        stream.respond()
        stream.data(line("a"))
        return
      }
      // Before the answer to the request that is made at work, over the same connection.
      watch.data(line("b"))
      watch.data(line("c"), true)
      whole(stream)
    })
    const client = yield* clientFor(sourceFor(server.url))
    const names: Array<string> = []
    yield* Stream.runForEach(client.watch(configMaps, {}), (event) => {
      if (event.type === "ADDED") names.push(event.object.metadata.name)
      return names.length === 1 ? client.get(configMaps, ref) : Effect.void
    })
    assert.deepStrictEqual(names, ["a", "b", "c"])
  }),
)
