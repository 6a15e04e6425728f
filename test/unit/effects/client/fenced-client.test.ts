/** Writes behind a fence, against a server that keeps them waiting: where a real one throttles for minutes, this one does at once. */
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { constants, type ServerHttp2Stream } from "node:http2"
import { fencedClient } from "../../../../src/effects/client/fenced-client.ts"
import { retryThrottled } from "../../../../src/effects/client/retry-throttled.ts"
import { finishSent } from "../../../../src/effects/transport/finish-sent.ts"
import { answer, configMap, type FaultServer, sourceFor, startServer, status, tokens } from "../fault-server.ts"
import { startFrameServer } from "../frame-server.ts"
import { clientFor, configMaps, failure, ok, ref } from "../test-client.ts"

const makeFence = () => {
  let held = true
  return { isHeld: () => held, fall: () => void (held = false) }
}

const throttle = (stream: ServerHttp2Stream) =>
  answer(stream, 429, status(429, "TooManyRequests", "wait"), { "retry-after": "0" })

const writes = (server: FaultServer) => server.received.filter(({ method }) => method !== "GET")

it.live("leaves a throttled write to its caller, and waits with a read", () =>
  Effect.gen(function* () {
    let reads = 0
    const server = yield* startServer((stream, { method }) =>
      method === "GET" && reads++ > 2 ? ok(stream) : throttle(stream),
    )
    const client = yield* clientFor(sourceFor(server.url))
    yield* client.get(configMaps, ref)
    assert.strictEqual((yield* failure(client.create(configMaps, configMap("a")))).reason._tag, "Throttled")
    assert.lengthOf(writes(server), 1)
  }),
)

it.live("asks the fence before each try of who is patient", () =>
  Effect.gen(function* () {
    const fence = makeFence()
    let seen = 0
    const server = yield* startServer((stream) => {
      if (++seen === 3) fence.fall()
      throttle(stream)
    })
    const client = fencedClient(yield* clientFor(sourceFor(server.url)), fence.isHeld)
    const error = yield* failure(retryThrottled(client.apply(configMaps, configMap("a"))))
    assert.strictEqual(error.reason._tag, "Fenced")
    assert.lengthOf(writes(server), 3)
  }),
)

it.live("asks the fence before a request is sent again that the server has not looked at", () =>
  Effect.gen(function* () {
    const fence = makeFence()
    const server = yield* startFrameServer((stream) => {
      fence.fall()
      stream.reset(constants.NGHTTP2_REFUSED_STREAM)
    })
    const client = fencedClient(yield* clientFor(sourceFor(server.url)), fence.isHeld)
    assert.strictEqual((yield* failure(client.delete(configMaps, ref))).reason._tag, "Fenced")
    assert.strictEqual(server.counts.requests, 1)
  }),
)

it.live("asks the fence before a request is sent again with new credentials", () =>
  Effect.gen(function* () {
    const fence = makeFence()
    const server = yield* startServer((stream) => {
      fence.fall()
      answer(stream, 401, status(401, "Unauthorized", "who are you"))
    })
    const source = sourceFor(server.url, tokens("old", "new").credentials)
    const client = fencedClient(yield* clientFor(source), fence.isHeld)
    assert.strictEqual((yield* failure(client.update(configMaps, configMap("a")))).reason._tag, "Fenced")
    assert.lengthOf(writes(server), 1)
  }),
)

/** A client all of whose places are taken by reads that the server keeps, until `free`. */
const busyClient = Effect.gen(function* () {
  const held: Array<ServerHttp2Stream> = []
  const full = yield* Deferred.make<void>()
  const server = yield* startServer((stream, { method }) => {
    if (method !== "GET") return ok(stream)
    if (held.push(stream) === 60) Deferred.doneUnsafe(full, Effect.void)
  })
  const client = yield* clientFor(sourceFor(server.url))
  const reads = Effect.forEach(Array.from({ length: 60 }), () => client.get(configMaps, ref), {
    concurrency: "unbounded",
  })
  const reading = yield* Effect.forkChild(reads)
  yield* Deferred.await(full)
  const free = Effect.andThen(
    Effect.sync(() => {
      server.handle(ok)
      held.forEach(ok)
    }),
    Fiber.join(reading),
  )
  return { server, client, free }
})

it.live("stops a write that has waited for its place, and no read", () =>
  Effect.gen(function* () {
    const { server, client, free } = yield* busyClient
    const fence = makeFence()
    const fenced = fencedClient(client, fence.isHeld)
    const other = makeFence()
    const write = yield* Effect.forkChild(fenced.create(configMaps, configMap("a")), { startImmediately: true })
    const otherWrite = yield* Effect.forkChild(fencedClient(client, other.isHeld).create(configMaps, configMap("b")), {
      startImmediately: true,
    })
    fence.fall()
    yield* free
    assert.strictEqual((yield* failure(Fiber.join(write))).reason._tag, "Fenced")
    yield* Fiber.join(otherWrite)
    yield* fenced.get(configMaps, ref)
    assert.deepStrictEqual(
      writes(server).map(({ body }) => JSON.parse(body).metadata.name),
      ["b"],
    )
  }),
)

it.live("ends at once, when interrupted, what has not been sent", () =>
  Effect.gen(function* () {
    const { server, client, free } = yield* busyClient
    const writing = yield* Effect.forkChild(finishSent(client.create(configMaps, configMap("a")), 60_000), {
      startImmediately: true,
    })
    yield* Fiber.interrupt(writing)
    yield* free
    yield* client.get(configMaps, ref)
    assert.isEmpty(writes(server))
  }),
)

/** A write that the server has got; `noted` is what follows from its answer. */
const sentWrite = Effect.fnUntraced(function* (graceMs: number) {
  const arrived = yield* Deferred.make<ServerHttp2Stream>()
  const server = yield* startServer((stream) => Deferred.doneUnsafe(arrived, Effect.succeed(stream)))
  const client = yield* clientFor(sourceFor(server.url))
  const noted = new Array<string>()
  const write = Effect.tap(client.create(configMaps, configMap("a")), ({ metadata }) =>
    Effect.sync(() => noted.push(metadata.name)),
  )
  const writing = yield* Effect.forkChild(finishSent(write, graceMs))
  return { stream: yield* Deferred.await(arrived), writing, noted }
})

it.live("hears out, when interrupted, what has been sent, and notes it", () =>
  Effect.gen(function* () {
    const { stream, writing, noted } = yield* sentWrite(60_000)
    writing.interruptUnsafe()
    ok(stream)
    yield* Fiber.await(writing)
    assert.deepStrictEqual(noted, ["a"])
  }),
)

it.live("but not for ever", () =>
  Effect.gen(function* () {
    const { writing, noted } = yield* sentWrite(20)
    yield* Fiber.interrupt(writing)
    assert.isEmpty(noted)
  }),
)
