/** What the client does with credentials, and what when they are refused. */
import { assert, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { answer, type FaultServer, sourceFor, startServer, status, tokens } from "../fault-server.ts"
import { clientFor, configMaps, failure, ok, ref } from "../test-client.ts"

const tokenOf = (server: FaultServer) => server.received.map(({ headers }) => headers.authorization)

it.live("renews its credentials once for all who were refused together", () =>
  Effect.gen(function* () {
    const server = yield* startServer((stream, { headers }) =>
      headers.authorization === "Bearer new"
        ? ok(stream)
        : answer(stream, 401, status(401, "Unauthorized", "Unauthorized")),
    )
    const { credentials, counts } = tokens("old", "new")
    const client = yield* clientFor(sourceFor(server.url, credentials))
    yield* Effect.forEach(Array.from({ length: 20 }), () => client.get(configMaps, ref), { concurrency: 20 })
    assert.strictEqual(counts.renewals, 1)
    yield* client.get(configMaps, ref)
    assert.strictEqual(tokenOf(server).at(-1), "Bearer new")
    // Only headers changed, so the session stays.
    assert.strictEqual(server.sessions.length, 1)
  }),
)

it.live("fails with Unauthorized when new credentials are refused too, and asks only twice", () =>
  Effect.gen(function* () {
    const server = yield* startServer((stream) => answer(stream, 401, status(401, "Unauthorized", "Unauthorized")))
    const { credentials } = tokens("a", "b", "c")
    const client = yield* clientFor(sourceFor(server.url, credentials))
    assert.strictEqual((yield* failure(client.get(configMaps, ref))).reason._tag, "Unauthorized")
    assert.deepStrictEqual(tokenOf(server), ["Bearer a", "Bearer b"])
  }),
)

it.live("does not ask again with the credentials that were refused", () =>
  Effect.gen(function* () {
    const server = yield* startServer((stream) => answer(stream, 401, status(401, "Unauthorized", "Unauthorized")))
    const { credentials, counts } = tokens("only")
    const client = yield* clientFor(sourceFor(server.url, credentials))
    assert.strictEqual((yield* failure(client.get(configMaps, ref))).reason._tag, "Unauthorized")
    assert.deepStrictEqual(tokenOf(server), ["Bearer only"])
    assert.strictEqual(counts.renewals, 1)
    const watch = yield* failure(Stream.runDrain(client.watch(configMaps, {})))
    assert.strictEqual(watch.reason._tag, "Unauthorized")
  }),
)

it.live("sends several values of one header apart", () =>
  Effect.gen(function* () {
    const server = yield* startServer(ok)
    const headers = { "impersonate-user": "jane", "impersonate-group": ["dev", "ops"] }
    const source = sourceFor(server.url)
    const client = yield* clientFor({
      ...source,
      credentials: (renew) => Effect.map(source.credentials(renew), (given) => ({ ...given, headers })),
    })
    yield* client.get(configMaps, ref)
    assert.strictEqual(server.received[0]?.headers["impersonate-user"], "jane")
    // Node's server joins what came as two fields.
    assert.deepStrictEqual(String(server.received[0]?.headers["impersonate-group"]).split(/, ?/), ["dev", "ops"])
  }),
)
