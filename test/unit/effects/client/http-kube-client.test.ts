/** The client against a server that fails at chosen moments. What a real API server answers is in test/integration/client.test.ts. */
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Stream } from "effect"
import { constants, type ServerHttp2Stream } from "node:http2"
import { urgently } from "../../../../src/effects/transport/urgent.ts"
import { answer, configMap, sourceFor, startServer, status } from "../fault-server.ts"
import { clientFor, configMaps, failure, ok, ref } from "../test-client.ts"

const closed = (stream: ServerHttp2Stream): Effect.Effect<number | undefined> =>
  Effect.callback((resume) => {
    const done = () => resume(Effect.succeed(stream.rstCode))
    if (stream.closed) done()
    else stream.once("close", done)
  })

/** Opens when the server has got that many requests. */
const counter = (wanted: number) => {
  const done = Deferred.makeUnsafe<void>()
  let count = 0
  return {
    add: () => {
      count += 1
      if (count === wanted) Deferred.doneUnsafe(done, Effect.void)
    },
    reached: Deferred.await(done),
  }
}

it.live("sends one request a call, on one session, with user agent and field manager", () =>
  Effect.gen(function* () {
    const server = yield* startServer(ok)
    const client = yield* clientFor(sourceFor(`${server.url}/prefix`))
    yield* client.get(configMaps, ref)
    yield* client.create(configMaps, configMap("a"), { dryRun: true })
    yield* client.apply(configMaps, configMap("a"), { force: true })
    yield* client.update(configMaps, configMap("a"))
    yield* client.mergePatch(configMaps, ref, { data: { a: "1" } }, { uid: "u", resourceVersion: "7" })
    yield* client.delete(configMaps, ref, { uid: "u", propagationPolicy: "Foreground" })
    yield* client.jsonPatch(configMaps, ref, [{ op: "add", path: "/status", value: {} }], {
      uid: "u",
      resourceVersion: "7",
      subresource: "status",
    })
    yield* client.apply(configMaps, configMap("a"), { uid: "u", manager: "m" })
    yield* client.apply(configMaps, configMap("a"), { onlyNew: true })
    assert.strictEqual(server.sessions.length, 1)
    const base = "/prefix/api/v1/namespaces/default/configmaps"
    assert.deepStrictEqual(
      server.received.map(({ method, path }) => `${method} ${path}`),
      [
        `GET ${base}/a`,
        `POST ${base}?fieldManager=tester&dryRun=All`,
        `PATCH ${base}/a?fieldManager=tester&force=true`,
        `PUT ${base}/a?fieldManager=tester`,
        `PATCH ${base}/a?fieldManager=tester`,
        `DELETE ${base}/a`,
        `PATCH ${base}/a/status?fieldManager=tester`,
        `PATCH ${base}/a?fieldManager=m`,
        `PATCH ${base}/a?fieldManager=tester`,
      ],
    )
    assert.deepStrictEqual(
      server.received.map(({ headers }) => headers["content-type"]),
      [
        undefined,
        "application/json",
        "application/apply-patch+yaml",
        "application/json",
        "application/merge-patch+json",
        "application/json",
        "application/json-patch+json",
        "application/apply-patch+yaml",
        "application/apply-patch+yaml",
      ],
    )
    assert.deepStrictEqual(JSON.parse(server.received[4]?.body ?? ""), {
      data: { a: "1" },
      metadata: { uid: "u", resourceVersion: "7" },
    })
    assert.deepStrictEqual(JSON.parse(server.received[5]?.body ?? ""), {
      kind: "DeleteOptions",
      apiVersion: "v1",
      propagationPolicy: "Foreground",
      preconditions: { uid: "u" },
    })
    assert.deepStrictEqual(JSON.parse(server.received[6]?.body ?? ""), [
      { op: "test", path: "/metadata/uid", value: "u" },
      { op: "test", path: "/metadata/resourceVersion", value: "7" },
      { op: "add", path: "/status", value: {} },
    ])
    const applied = server.received.slice(7).map(({ body }): unknown => JSON.parse(body))
    assert.deepInclude(applied[0], { metadata: { name: "a", namespace: "default", uid: "u" } })
    assert.deepInclude(applied[1], { metadata: { name: "a", namespace: "default", resourceVersion: "1" } })
    assert.isTrue(server.received.every(({ headers }) => headers["user-agent"] === "test/1 (os/arch)"))
  }),
)

it.live("reads an answer that comes in pieces, cut anywhere", () =>
  Effect.gen(function* () {
    const text = "Zürich, 東京, 🗝"
    const bytes = Buffer.from(JSON.stringify(configMap("a", { annotations: { text } })))
    const server = yield* startServer((stream) => {
      stream.respond({ ":status": 200, "content-type": "application/json", "content-length": bytes.length })
      for (const byte of bytes) stream.write(Buffer.from([byte]))
      stream.end()
    })
    const client = yield* clientFor(sourceFor(server.url))
    assert.strictEqual((yield* client.get(configMaps, ref)).metadata.annotations?.["text"], text)
  }),
)

it.live("refuses what is no name before anything is sent", () =>
  Effect.gen(function* () {
    const server = yield* startServer(ok)
    const client = yield* clientFor(sourceFor(server.url))
    const names = ["", ".", "..", "../b", "a/b", "a%2fb", "a\u0000", "a\n", "a?x", "a#x", "\ud800", "a".repeat(254)]
    for (const name of names) {
      const error = yield* failure(client.get(configMaps, { namespace: "default", name }))
      assert.strictEqual(error.reason._tag, "Invalid", JSON.stringify(name))
    }
    for (const namespace of [undefined, "", "..", "a/b"]) {
      const error = yield* failure(
        client.delete(configMaps, { ...(namespace === undefined ? {} : { namespace }), name: "a" }),
      )
      assert.strictEqual(error.reason._tag, "Invalid", String(namespace))
    }
    const unplaced = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } }
    assert.strictEqual((yield* failure(client.create(configMaps, unplaced))).reason._tag, "Invalid")
    const hostile = { ...configMaps, plural: "configmaps/x" }
    assert.strictEqual((yield* failure(client.list(hostile))).reason._tag, "Invalid")
    assert.strictEqual(server.sessions.length, 0)
    yield* client.get(configMaps, { namespace: "default", name: "system:a b".replace(" ", "-") })
    assert.strictEqual(server.received[0]?.path, "/api/v1/namespaces/default/configmaps/system%3Aa-b")
  }),
)

it.live("asks for one page, and no more, where it is told how many objects are enough", () =>
  Effect.gen(function* () {
    const page = { metadata: { resourceVersion: "7", continue: "more" }, items: [configMap("a")] }
    const server = yield* startServer((stream) => answer(stream, 200, page))
    const client = yield* clientFor(sourceFor(server.url))
    const listed = yield* client.list(configMaps, { namespace: "default", limit: 1 })
    assert.deepStrictEqual(listed, { items: [configMap("a")], resourceVersion: "7" })
    assert.deepStrictEqual(
      server.received.map(({ path }) => path),
      ["/api/v1/namespaces/default/configmaps?limit=1"],
    )
  }),
)

it.live("waits as long as the server asks, ten times", () =>
  Effect.gen(function* () {
    let busy = 10
    const server = yield* startServer((stream) =>
      busy-- > 0
        ? answer(stream, 429, "Too many requests, please try again later.", { "retry-after": "0" })
        : ok(stream),
    )
    const client = yield* clientFor(sourceFor(server.url))
    yield* client.get(configMaps, ref)
    assert.strictEqual(server.received.length, 11)
    busy = 11
    const error = yield* failure(client.get(configMaps, ref))
    assert.strictEqual(error.reason._tag, "Throttled")
    assert.strictEqual(server.received.length, 22)
  }),
)

it.live("does not wait for an hour", () =>
  Effect.gen(function* () {
    const server = yield* startServer((stream) =>
      answer(stream, 503, status(503, "ServiceUnavailable", "apiserver is shutting down"), { "retry-after": "3600" }),
    )
    const client = yield* clientFor(sourceFor(server.url))
    const error = yield* failure(client.get(configMaps, ref))
    assert.deepInclude(error.reason, { _tag: "Throttled", retryAfterMs: 3_600_000 })
  }),
)

it.live("follows no redirect", () =>
  Effect.gen(function* () {
    const server = yield* startServer((stream) =>
      answer(stream, 302, "", { location: "https://login.example/?state=secret" }),
    )
    const client = yield* clientFor(sourceFor(server.url))
    const error = yield* failure(client.get(configMaps, ref))
    assert.deepInclude(error.reason, { _tag: "NotKubernetes", status: 302 })
    assert.include(error.message, "https://login.example")
    assert.notInclude(error.message, "secret")
    assert.strictEqual(server.received.length, 1)
  }),
)

it.live("cancels its request when it is interrupted, also a watch", () =>
  Effect.gen(function* () {
    const begun = yield* Deferred.make<ServerHttp2Stream>()
    const server = yield* startServer((stream) => Deferred.doneUnsafe(begun, Effect.succeed(stream)))
    const client = yield* clientFor(sourceFor(server.url))
    const fiber = yield* Effect.forkChild(client.get(configMaps, ref))
    const stream = yield* Deferred.await(begun)
    yield* Fiber.interrupt(fiber)
    assert.strictEqual(yield* closed(stream), constants.NGHTTP2_CANCEL)

    const watched = yield* Deferred.make<ServerHttp2Stream>()
    server.handle((next) => {
      next.respond({ ":status": 200 })
      next.write(`${JSON.stringify({ type: "ADDED", object: configMap("a") })}\n`)
      Deferred.doneUnsafe(watched, Effect.succeed(next))
    })
    const events = yield* Stream.runCollect(Stream.take(client.watch(configMaps, {}), 1))
    assert.strictEqual(events.length, 1)
    assert.strictEqual(yield* closed(yield* Deferred.await(watched)), constants.NGHTTP2_CANCEL)
  }),
)

it.live("keeps at most 64 requests in flight, four of them urgent, and watches do not count", () =>
  Effect.gen(function* () {
    const held: Array<ServerHttp2Stream> = []
    const [watches, gets, lastWatch] = [counter(20), counter(64), counter(21)]
    const server = yield* startServer((stream, { path }) => {
      if (path.includes("watch=1")) {
        stream.respond({ ":status": 200 })
        watches.add()
        return lastWatch.add()
      }
      held.push(stream)
      gets.add()
    })
    const client = yield* clientFor(sourceFor(server.url))
    const openWatch = Effect.forkChild(Stream.runDrain(client.watch(configMaps, {})))
    yield* Effect.forEach(Array.from({ length: 20 }), () => openWatch)
    yield* watches.reached
    const all = yield* Effect.forkChild(
      Effect.forEach(Array.from({ length: 100 }), () => client.get(configMaps, ref), { concurrency: "unbounded" }),
    )
    const urgent = yield* Effect.forkChild(
      Effect.forEach(Array.from({ length: 10 }), () => urgently(client.get(configMaps, ref)), {
        concurrency: "unbounded",
      }),
    )
    yield* gets.reached
    // What was sent before it has arrived before it.
    yield* openWatch
    yield* lastWatch.reached
    assert.strictEqual(held.length, 64)
    server.handle((stream) => ok(stream))
    held.forEach(ok)
    assert.strictEqual((yield* Fiber.join(all)).length, 100)
    assert.strictEqual((yield* Fiber.join(urgent)).length, 10)
    assert.strictEqual(server.sessions.length, 1)
  }),
)

it.live("gives up a request that gets no answer, and only that one", () =>
  Effect.gen(function* () {
    const server = yield* startServer((stream, { path }) => (path.endsWith("/slow") ? undefined : ok(stream)))
    const client = yield* clientFor(sourceFor(server.url), { requestTimeoutMs: 500 })
    yield* client.get(configMaps, ref)
    const error = yield* failure(client.get(configMaps, { namespace: "default", name: "slow" }))
    assert.deepInclude(error.reason, { _tag: "Unreachable", code: "ETIMEDOUT" })
    assert.include(error.message, "no answer within 0.5 s")
    yield* client.get(configMaps, ref)
    assert.strictEqual(server.sessions.length, 1)
  }),
)

it.live("tells each answer to whoever logs, without bodies", () =>
  Effect.gen(function* () {
    const server = yield* startServer((stream, { method }) =>
      method === "GET" ? ok(stream) : answer(stream, 409, status(409, "AlreadyExists", "exists", { name: "a" })),
    )
    const seen: Array<unknown> = []
    const onRequest = (record: object) => seen.push({ ...record, durationMs: 0 })
    const client = yield* clientFor(sourceFor(server.url), { onRequest })
    yield* client.get(configMaps, ref)
    yield* failure(client.create(configMaps, configMap("a")))
    const path = "/api/v1/namespaces/default/configmaps"
    assert.deepStrictEqual(seen, [
      { cluster: "host", method: "GET", path: `${path}/a`, status: 200, durationMs: 0 },
      { cluster: "host", method: "POST", path: `${path}?fieldManager=tester`, status: 409, durationMs: 0 },
    ])
  }),
)
