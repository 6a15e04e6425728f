/** When the one session of a cluster is replaced, and when it is not. */
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { type ConnectionSource, type Credentials, KubeconfigError } from "../../../../src/effects/config/rest-config.ts"
import { fencedClient } from "../../../../src/effects/client/fenced-client.ts"
import { defaultTimes } from "../../../../src/effects/transport/http2-session.ts"
import { makeSessions } from "../../../../src/effects/transport/session-pool.ts"
import { createAuthority } from "../../../clusters/pki.ts"
import { answer, authority, configMap, sourceFor, startServer, status, withToken } from "../fault-server.ts"
import { clientFor, configMaps, failure, fixed, ok, ref } from "../test-client.ts"

const sessionsFor = (source: ConnectionSource) => makeSessions(source, "test", defaultTimes)

const pairOf = (commonName: string) => authority.issue({ commonName, usage: "client" })

/** What is had one after the other; the last one stays. */
const inTurn = (...given: ReadonlyArray<Effect.Effect<Credentials>>): ConnectionSource["credentials"] => {
  let asked = 0
  return () => Effect.suspend(() => given[Math.min(asked++, given.length - 1)] ?? Effect.never)
}

const certified = (cert: string, key: string) =>
  Effect.succeed<Credentials>({ ca: authority.cert, cert, key, headers: {} })

/** A source that can be read again; counts how often that was done. */
const rereadable = (first: ConnectionSource, then: (same: ConnectionSource) => ConnectionSource) => {
  const counts = { readings: 0 }
  const source: ConnectionSource = {
    ...first,
    reload: Effect.sync(() => {
      counts.readings += 1
      return then(source)
    }),
  }
  return { source, counts }
}

it.effect("keeps its session while a certificate and its key are replaced one after the other", () =>
  Effect.gen(function* () {
    const server = yield* startServer(ok, { clients: authority })
    const [old, next] = [pairOf("jane"), pairOf("joe")]
    const credentials = inTurn(
      certified(old.cert, old.key),
      certified(next.cert, old.key),
      certified(next.cert, next.key),
    )
    const sessions = yield* sessionsFor(sourceFor(server.url, credentials))
    const first = yield* sessions.get
    yield* TestClock.adjust("60 seconds")
    assert.strictEqual((yield* sessions.get).session, first.session, "while they do not fit")
    yield* TestClock.adjust("5 seconds")
    const second = yield* sessions.get
    assert.notStrictEqual(second.session, first.session, "when they do")
    assert.strictEqual(second.credentials.cert, next.cert)
  }),
)

it.effect("without a session, asks anew at once for what could not be used", () =>
  Effect.gen(function* () {
    const server = yield* startServer(ok, { clients: authority })
    const [old, next] = [pairOf("jane"), pairOf("joe")]
    const credentials = inTurn(certified(next.cert, old.key), certified(next.cert, next.key))
    const sessions = yield* sessionsFor(sourceFor(server.url, credentials))
    assert.strictEqual((yield* Effect.flip(sessions.get))._tag, "TransportError")
    assert.strictEqual((yield* sessions.get).credentials.key, next.key)
  }),
)

it.effect("goes on with what it has while newer credentials keep it waiting", () =>
  Effect.gen(function* () {
    const server = yield* startServer(ok)
    const arrived = yield* Deferred.make<Credentials>()
    const credentials = inTurn(Effect.succeed(withToken("old")), Deferred.await(arrived))
    const sessions = yield* sessionsFor(sourceFor(server.url, credentials))
    const tokenNow = Effect.map(sessions.get, ({ headers }) => headers["authorization"])
    yield* tokenNow
    yield* TestClock.adjust("60 seconds")
    const waiting = yield* Effect.forkChild(tokenNow, { startImmediately: true })
    yield* TestClock.adjust("1 second")
    assert.strictEqual(yield* Fiber.join(waiting), "Bearer old")
    assert.strictEqual(yield* tokenNow, "Bearer old", "the next one does not wait at all")
    yield* Deferred.succeed(arrived, withToken("new"))
    assert.strictEqual(yield* tokenNow, "Bearer new")
  }),
)

it.live("reads the way in again when the server is not trusted any more", () =>
  Effect.gen(function* () {
    const server = yield* startServer(ok)
    const foreign = createAuthority("another CA")
    const { source, counts } = rereadable(sourceFor(server.url, fixed({ ca: foreign.cert })), () =>
      sourceFor(server.url, fixed({})),
    )
    const client = yield* clientFor(source)
    yield* client.get(configMaps, ref)
    yield* client.get(configMaps, ref)
    assert.strictEqual(counts.readings, 1)
  }),
)

it.live("reads the way in again after a 401, once for all who were refused", () =>
  Effect.gen(function* () {
    const server = yield* startServer((stream, { headers }) =>
      headers.authorization === "Bearer new"
        ? ok(stream)
        : answer(stream, 401, status(401, "Unauthorized", "Unauthorized")),
    )
    const { source, counts } = rereadable(
      sourceFor(server.url, () => Effect.succeed(withToken("old"))),
      () => sourceFor(server.url, () => Effect.succeed(withToken("new"))),
    )
    const client = yield* clientFor(source)
    yield* Effect.forEach(Array.from({ length: 20 }), () => client.get(configMaps, ref), { concurrency: 20 })
    assert.strictEqual(counts.readings, 1)
  }),
)

it.live("follows the cluster to another address, with another path", () =>
  Effect.gen(function* () {
    const server = yield* startServer(ok)
    const { source } = rereadable(sourceFor("https://127.0.0.1:1"), () => sourceFor(`${server.url}/moved`))
    const client = yield* clientFor(source)
    yield* client.get(configMaps, ref)
    assert.match(server.received[0]?.path ?? "", /^\/moved\/api\/v1\//)
  }),
)

it.live("says in its errors where the cluster is, not where it was", () =>
  Effect.gen(function* () {
    const server = yield* startServer((stream) => answer(stream, 403, status(403, "Forbidden", "no")))
    const { source } = rereadable(sourceFor("https://127.0.0.1:1"), () => sourceFor(`${server.url}/moved`))
    const client = fencedClient(yield* clientFor(source), () => false)
    assert.strictEqual(client.server, "https://127.0.0.1:1")
    assert.strictEqual((yield* failure(client.get(configMaps, ref))).server, `${server.url}/moved`)
    assert.strictEqual((yield* failure(client.apply(configMaps, configMap("a")))).server, `${server.url}/moved`)
  }),
)

it.effect("reads nothing again while all is well, and not at every failure", () =>
  Effect.gen(function* () {
    const server = yield* startServer(ok)
    const well = rereadable(sourceFor(server.url), (same) => same)
    const sessions = yield* sessionsFor(well.source)
    for (let minute = 0; minute < 10; minute++) {
      yield* sessions.get
      yield* TestClock.adjust("1 minute")
    }
    assert.strictEqual(well.counts.readings, 0)

    const ill = rereadable(sourceFor("https://127.0.0.1:1"), (same) => same)
    const failing = yield* sessionsFor(ill.source)
    for (let attempt = 0; attempt < 5; attempt++) yield* Effect.flip(failing.get)
    assert.strictEqual(ill.counts.readings, 1)
    yield* TestClock.adjust("10 seconds")
    yield* Effect.flip(failing.get)
    assert.strictEqual(ill.counts.readings, 2)
  }),
)

it.live("says why there is no session, also when the way in cannot be read again", () =>
  Effect.gen(function* () {
    const server = yield* startServer(ok)
    const foreign = createAuthority("another CA")
    const client = yield* clientFor({
      ...sourceFor(server.url, fixed({ ca: foreign.cert })),
      reload: Effect.fail(new KubeconfigError({ message: "gone" })),
    })
    assert.strictEqual((yield* failure(client.get(configMaps, ref))).reason._tag, "Untrusted")
  }),
)
