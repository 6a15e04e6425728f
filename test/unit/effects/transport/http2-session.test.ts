/** How a connection begins, is kept alive and dies. */
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Stream } from "effect"
import type { ServerHttp2Stream } from "node:http2"
import * as net from "node:net"
import type { Credentials } from "../../../../src/effects/config/rest-config.ts"
import { createAuthority } from "../../../clusters/pki.ts"
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
} from "../fault-server.ts"
import { clientFor, configMaps, failure, fixed, getFrom, ok, ref } from "../test-client.ts"

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

it.live("goes through an HTTP proxy, with its credentials", () =>
  Effect.gen(function* () {
    const server = yield* startServer(ok)
    const proxy = yield* startConnectProxy()
    const proxyUrl = `http://jane:p%40ss@127.0.0.1:${proxy.port}`
    yield* getFrom(sourceFor(server.url, fixed({}), { proxyUrl }))
    const authorization = `Basic ${Buffer.from("jane:p@ss").toString("base64")}`
    assert.deepStrictEqual(proxy.seen, [{ target: `127.0.0.1:${server.port}`, authorization }])
    // The certificate is checked against the server's name, not the proxy's.
    yield* getFrom(sourceFor(server.url.replace("127.0.0.1", "localhost"), fixed({}), { proxyUrl }))
    const misnamed = server.url.replace("127.0.0.1", "wrong.test")
    const wrong = yield* failure(getFrom(sourceFor(misnamed, fixed({}), { proxyUrl })))
    assert.strictEqual(wrong.reason._tag, "Untrusted", wrong.message)
  }),
)

it.live("checks an HTTPS proxy against the system's authorities, and says which side failed", () =>
  Effect.gen(function* () {
    const server = yield* startServer(ok)
    const proxy = yield* startConnectProxy(undefined, true)
    const proxyUrl = `https://jane:p%40ss@127.0.0.1:${proxy.port}`
    const error = yield* failure(getFrom(sourceFor(server.url, fixed({}), { proxyUrl })))
    assert.strictEqual(error.reason._tag, "Unreachable")
    assert.include(error.message, `the proxy 127.0.0.1:${proxy.port}`)
    assert.notInclude(error.message, "p%40ss")
    assert.deepStrictEqual(proxy.seen, [])
  }),
)

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
