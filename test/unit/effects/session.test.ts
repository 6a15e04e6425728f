/** How a connection begins, dies and is replaced. */
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Stream } from "effect"
import { constants, type ServerHttp2Stream } from "node:http2"
import * as net from "node:net"
import type { ApiError } from "../../../src/effects/api-error.ts"
import type { ConnectionSource, Credentials } from "../../../src/effects/connection-source.ts"
import { type HttpKubeClientOptions, makeKubeClient } from "../../../src/effects/http-kube-client.ts"
import type { Resource } from "../../../src/effects/resource.ts"
import { createAuthority } from "../../clusters/pki.ts"
import {
  answer,
  authority,
  configMap,
  sourceFor,
  startConnectProxy,
  startOldServer,
  startServer,
  startSilenceProxy,
  startSilentServer,
} from "./fault-server.ts"
import { type RawStream, startFrameServer } from "./frame-server.ts"

const configMaps: Resource = { group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true }
const ref = { namespace: "default", name: "a" }
const ok = (stream: ServerHttp2Stream) => answer(stream, 200, configMap("a"))

const clientFor = (source: ConnectionSource, options: Partial<HttpKubeClientOptions> = {}) =>
  makeKubeClient({ cluster: "host", source, userAgent: "test/1", fieldManager: "tester", ...options })

const getFrom = (source: ConnectionSource, options: Partial<HttpKubeClientOptions> = {}) =>
  Effect.scoped(Effect.flatMap(clientFor(source, options), (client) => client.get(configMaps, ref)))

const failure = <A>(effect: Effect.Effect<A, ApiError>) => Effect.flip(effect)

const fixed = (credentials: Partial<Credentials>): ConnectionSource["credentials"] => {
  const all = { ca: authority.cert, cert: undefined, key: undefined, headers: {}, ...credentials }
  return () => Effect.succeed(all)
}

const unusedPort: Effect.Effect<number> = Effect.callback((resume) => {
  const server = net.createServer().listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

const shortTimes = { connectMs: 5_000, pingEveryMs: 40, pingTimeoutMs: 80 }

it.live("says in plain words why there is no connection", () =>
  Effect.gen(function* () {
    const refused = yield* failure(getFrom(sourceFor(`https://127.0.0.1:${yield* unusedPort}`)))
    assert.deepInclude(refused.reason, { _tag: "Unreachable", code: "ECONNREFUSED" })
    assert.strictEqual(refused.detail, "connection refused")
    const unknown = yield* failure(getFrom(sourceFor("https://no-such-host.invalid:6443")))
    assert.strictEqual(unknown.reason._tag, "Unreachable")
    assert.include(["no such host", "the host name cannot be looked up now"], unknown.detail)
  }),
)

it.live("gives all who wait for a connection the one answer", () =>
  Effect.gen(function* () {
    const url = yield* startSilentServer
    const client = yield* clientFor(sourceFor(url), { times: { ...shortTimes, connectMs: 150 } })
    const start = performance.now()
    const errors = yield* Effect.forEach(Array.from({ length: 10 }), () => failure(client.get(configMaps, ref)), {
      concurrency: 10,
    })
    assert.isBelow(performance.now() - start, 1_000)
    for (const error of errors) assert.deepInclude(error.reason, { _tag: "Unreachable", code: "ETIMEDOUT" })
    assert.include(errors[0]?.detail, "timed out")
  }),
)

it.live("limits connecting by the request's limit too", () =>
  Effect.gen(function* () {
    const url = yield* startSilentServer
    const start = performance.now()
    const error = yield* failure(getFrom(sourceFor(url), { requestTimeoutMs: 100 }))
    assert.isBelow(performance.now() - start, 5_000)
    assert.deepInclude(error.reason, { _tag: "Unreachable", code: "ETIMEDOUT" })
  }),
)

it.live("trusts only the configured authority, and only under the right name", () =>
  Effect.gen(function* () {
    const server = yield* startServer(ok)
    const foreign = yield* failure(getFrom(sourceFor(server.url, fixed({ ca: createAuthority("test CA").cert }))))
    assert.strictEqual(foreign.reason._tag, "Untrusted")
    assert.include(foreign.message, "certificate is not trusted")
    const system = yield* failure(getFrom(sourceFor(server.url, fixed({ ca: undefined }))))
    assert.strictEqual(system.reason._tag, "Untrusted")
    const misnamed = yield* failure(getFrom(sourceFor(server.url, fixed({}), { serverName: "other.test" })))
    assert.strictEqual(misnamed.reason._tag, "Untrusted")
    assert.strictEqual(server.received.length, 0)
    yield* getFrom(sourceFor(server.url, fixed({}), { serverName: "api.test" }))
    yield* getFrom(sourceFor(server.url.replace("127.0.0.1", "localhost"), fixed({})))
    yield* getFrom(sourceFor(server.url, fixed({ ca: undefined }), { insecure: true }))
    assert.strictEqual(server.received.length, 3)
  }),
)

it.live("says which certificate cannot be used", () =>
  Effect.gen(function* () {
    const server = yield* startServer(ok)
    const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    const [own, other] = [1, 2].map(() => authority.issue({ commonName: "jane", usage: "client" }))
    const cases: ReadonlyArray<readonly [Partial<Credentials>, string]> = [
      [{ ca: broken }, "the certificate authority cannot be used"],
      [{ cert: broken, key: own?.key }, "the client certificate cannot be used"],
      [{ cert: own?.cert, key: "no key" }, "the client key cannot be used"],
      [{ cert: own?.cert, key: other?.key }, "the key is another one's"],
      [{ cert: own?.cert }, "its key is missing"],
    ]
    for (const [credentials, text] of cases) {
      const error = yield* failure(getFrom(sourceFor(server.url, fixed(credentials))))
      assert.strictEqual(error.reason._tag, "NoCredentials", error.message)
      assert.include(error.message, text)
    }
    assert.strictEqual(server.received.length, 0)
  }),
)

it.live("shows its client certificate, and opens a new session when it is replaced", () =>
  Effect.gen(function* () {
    const server = yield* startServer(ok, { clients: authority })
    const certificates = ["jane", "joe"].map((commonName) => authority.issue({ commonName, usage: "client" }))
    let asked = 0
    const credentials = () =>
      Effect.sync(() => {
        const { cert, key } = certificates[asked++ === 0 ? 0 : 1] ?? { cert: undefined, key: undefined }
        return { ca: authority.cert, cert, key, headers: {} }
      })
    server.handle((stream) => (asked < 2 ? answer(stream, 401, {}) : ok(stream)))
    const client = yield* clientFor(sourceFor(server.url, credentials))
    yield* client.get(configMaps, ref)
    assert.deepStrictEqual(server.clients, ["jane", "joe"])
  }),
)

it.live("names a server that does not speak HTTP/2", () =>
  Effect.gen(function* () {
    const url = yield* startOldServer
    const error = yield* failure(getFrom(sourceFor(url)))
    assert.strictEqual(error.reason._tag, "NotKubernetes", error.message)
    assert.include(error.message, "does not speak HTTP/2")
  }),
)

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

it.live("finds by pings that the other side is gone, fails what is open, and connects anew", () =>
  Effect.gen(function* () {
    const begun = yield* Deferred.make<void>()
    const server = yield* startServer((stream, { path }) => {
      if (!path.includes("watch=1")) return ok(stream)
      stream.respond({ ":status": 200 })
      stream.write(`${JSON.stringify({ type: "ADDED", object: configMap("a") })}\n`)
    })
    const proxy = yield* startSilenceProxy(server.port)
    const client = yield* clientFor(sourceFor(proxy.url), { times: shortTimes })
    const watch = client.watch(configMaps, {}).pipe(
      Stream.tap(() => Deferred.succeed(begun, undefined)),
      Stream.runDrain,
    )
    const watching = yield* Effect.forkChild(failure(watch))
    yield* Deferred.await(begun)
    proxy.beSilent(true)
    const getting = yield* Effect.forkChild(failure(client.create(configMaps, configMap("a"))))
    const errors = [yield* Fiber.join(watching), yield* Fiber.join(getting)]
    for (const error of errors) {
      assert.strictEqual(error.reason._tag, "Unreachable", error.message)
    }
    proxy.beSilent(false)
    yield* client.get(configMaps, ref)
    assert.strictEqual(server.sessions.length, 2)
  }),
)

it.live("stays connected while pings are answered", () =>
  Effect.gen(function* () {
    const held = yield* Deferred.make<ServerHttp2Stream>()
    const server = yield* startServer((stream) => Deferred.doneUnsafe(held, Effect.succeed(stream)))
    let pings = 0
    const enough = yield* Deferred.make<void>()
    const client = yield* clientFor(sourceFor(server.url), { times: { ...shortTimes, pingEveryMs: 10 } })
    const fiber = yield* Effect.forkChild(client.get(configMaps, ref))
    const stream = yield* Deferred.await(held)
    stream.session?.on("ping", () => {
      pings += 1
      if (pings === 20) Deferred.doneUnsafe(enough, Effect.void)
    })
    yield* Deferred.await(enough)
    ok(stream)
    yield* Fiber.join(fiber)
    assert.strictEqual(server.sessions.length, 1)
  }),
)

for (const secure of [false, true]) {
  it.live(`goes through an ${secure ? "HTTPS" : "HTTP"} proxy, with its credentials`, () =>
    Effect.gen(function* () {
      const server = yield* startServer(ok)
      const proxy = yield* startConnectProxy(undefined, secure)
      const proxyUrl = `${secure ? "https" : "http"}://jane:p%40ss@127.0.0.1:${proxy.port}`
      if (secure) {
        // The proxy's certificate is checked against the system's authorities, which do not know the test's.
        const error = yield* failure(getFrom(sourceFor(server.url, fixed({}), { proxyUrl })))
        assert.strictEqual(error.reason._tag, "Unreachable")
        assert.include(error.message, `the proxy 127.0.0.1:${proxy.port}`)
        assert.notInclude(error.message, "p%40ss")
        return
      }
      yield* getFrom(sourceFor(server.url, fixed({}), { proxyUrl }))
      const authorization = `Basic ${Buffer.from("jane:p@ss").toString("base64")}`
      assert.deepStrictEqual(proxy.seen, [{ target: `127.0.0.1:${server.port}`, authorization }])
      // The certificate is checked against the server's name, not the proxy's.
      const byName = server.url.replace("127.0.0.1", "localhost")
      yield* getFrom(sourceFor(byName, fixed({}), { proxyUrl }))
      const wrong = yield* failure(
        getFrom(sourceFor(byName.replace("localhost", "wrong.test"), fixed({}), { proxyUrl })),
      )
      assert.strictEqual(wrong.reason._tag, "Untrusted", wrong.message)
    }),
  )
}

it.live("says that the proxy refused", () =>
  Effect.gen(function* () {
    const server = yield* startServer(ok)
    const proxy = yield* startConnectProxy(407)
    const proxyUrl = `http://127.0.0.1:${proxy.port}`
    const error = yield* failure(getFrom(sourceFor(server.url, fixed({}), { proxyUrl })))
    assert.include(error.message, `the proxy 127.0.0.1:${proxy.port} answered 407 to CONNECT`)
    const none = yield* failure(getFrom(sourceFor(server.url, fixed({}), { proxyUrl: "socks5://127.0.0.1:1" })))
    assert.include(none.message, "socks5://127.0.0.1:1 is not supported")
  }),
)

it.live("leaves no connection behind", () =>
  Effect.gen(function* () {
    const server = yield* startServer(ok)
    yield* getFrom(sourceFor(server.url))
    const [session] = server.sessions
    assert.isDefined(session)
    yield* Effect.callback<void>((resume) => {
      const done = () => resume(Effect.void)
      if (session === undefined || session.destroyed) done()
      else session.once("close", done)
    })
  }),
)
