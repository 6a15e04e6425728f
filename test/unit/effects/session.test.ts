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

it.live("fails, and does not die, of certificates that are none", () =>
  Effect.gen(function* () {
    const server = yield* startServer(ok)
    const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    const error = yield* failure(getFrom(sourceFor(server.url, fixed({ cert: broken, key: "no key" }))))
    assert.include(["NoCredentials", "Unreachable"], error.reason._tag, error.message)
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

it.live("asks again on a new session after a GOAWAY", () =>
  Effect.gen(function* () {
    const server = yield* startServer(ok)
    const client = yield* clientFor(sourceFor(server.url))
    yield* client.get(configMaps, ref)
    server.sessions[0]?.goaway(constants.NGHTTP2_NO_ERROR)
    for (let count = 0; count < 5; count += 1) yield* client.create(configMaps, configMap("a"))
    assert.isAtLeast(server.sessions.length, 1)
    server.sessions.at(-1)?.close()
    yield* client.create(configMaps, configMap("a"))
    assert.isAtLeast(server.sessions.length, 2)
  }),
)

it.live("sends again what the server refused unseen", () =>
  Effect.gen(function* () {
    let refusals = 1
    const server = yield* startServer((stream) =>
      refusals-- > 0 ? stream.close(constants.NGHTTP2_REFUSED_STREAM) : ok(stream),
    )
    const client = yield* clientFor(sourceFor(server.url))
    yield* client.create(configMaps, configMap("a"))
    assert.strictEqual(server.received.length, 2)
  }),
)

it.live("repeats a read whose connection died, never a write", () =>
  Effect.gen(function* () {
    let deaths = 1
    const server = yield* startServer((stream) => (deaths-- > 0 ? stream.session?.destroy() : ok(stream)))
    const client = yield* clientFor(sourceFor(server.url))
    yield* client.get(configMaps, ref)
    assert.deepStrictEqual(
      server.received.map(({ method }) => method),
      ["GET", "GET"],
    )
    deaths = 1
    const error = yield* failure(client.create(configMaps, configMap("a")))
    assert.strictEqual(error.reason._tag, "Unreachable")
    assert.strictEqual(server.received.length, 3)
  }),
)

it.live("takes half an answer for none", () =>
  Effect.gen(function* () {
    const server = yield* startServer((stream) => {
      stream.respond({ ":status": 201 })
      stream.write(JSON.stringify(configMap("a")).slice(0, -1), () => stream.session?.destroy())
    })
    const client = yield* clientFor(sourceFor(server.url))
    const cut = yield* failure(client.create(configMaps, configMap("a")))
    assert.strictEqual(cut.reason._tag, "Unreachable", cut.message)
    // Whole JSON, but not the whole answer.
    server.handle((stream) => {
      stream.respond({ ":status": 201 })
      stream.write(JSON.stringify(configMap("a")), () => stream.destroy(new Error("reset")))
    })
    const reset = yield* failure(client.create(configMaps, configMap("a")))
    assert.strictEqual(reset.reason._tag, "Unreachable", reset.message)
  }),
)

it.live("ends a watch well only when the server ends it well", () =>
  Effect.gen(function* () {
    const event = `${JSON.stringify({ type: "ADDED", object: configMap("ä") })}\n`
    const end: Array<(stream: ServerHttp2Stream) => void> = [
      (stream) => stream.end(),
      (stream) => stream.destroy(new Error("reset")),
      (stream) => stream.session?.destroy(),
    ]
    const server = yield* startServer((stream) => {
      stream.respond({ ":status": 200 })
      // Cut inside a character.
      const bytes = Buffer.from(event)
      const middle = bytes.indexOf(0xc3) + 1
      stream.write(bytes.subarray(0, middle))
      setTimeout(() => stream.write(bytes.subarray(middle), () => end.shift()?.(stream)), 5)
    })
    const client = yield* clientFor(sourceFor(server.url))
    const whole = yield* Stream.runCollect(client.watch(configMaps, {}))
    assert.deepStrictEqual(whole, [{ type: "ADDED", object: configMap("ä") }])
    for (const how of ["reset", "killed"]) {
      const error = yield* failure(Stream.runDrain(client.watch(configMaps, {})))
      assert.strictEqual(error.reason._tag, "Unreachable", how)
    }
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
      Stream.tap(() => Deferred.done(begun, Effect.succeed(undefined))),
      Stream.runDrain,
    )
    const watching = yield* Effect.forkChild(failure(watch))
    yield* Deferred.await(begun)
    proxy.beSilent(true)
    const getting = yield* Effect.forkChild(failure(client.create(configMaps, configMap("a"))))
    for (const fiber of [watching, getting]) {
      const error = yield* Fiber.join(fiber)
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
      const wrong = yield* failure(getFrom(sourceFor(byName.replace("localhost", "wrong.test"), fixed({}), { proxyUrl })))
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
