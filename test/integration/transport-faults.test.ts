/** The connection to a real API server that is killed, frozen, replaced. */
import { assert } from "@effect/vitest"
import { Deferred, Effect, Fiber, Result, Stream } from "effect"
import type { ApiError } from "../../src/effects/client/api-error.ts"
import type { KubeClient } from "../../src/effects/client/kube-client.ts"
import { Ground } from "../clusters/ground.ts"
import { onGround } from "../support/on-ground.ts"
import { configMaps, namespaces } from "../support/resources.ts"
import { configMap, failure, hostClient } from "./transport-client.ts"

/** A watch that has begun; how it ends. */
const startWatch = Effect.fnUntraced(function* (client: KubeClient) {
  const begun = yield* Deferred.make<void, ApiError>()
  const watching = client.watch(namespaces, { sendInitialEvents: true }).pipe(
    Stream.tap(() => Deferred.succeed(begun, undefined)),
    Stream.runDrain,
    Effect.tapError((error) => Deferred.fail(begun, error)),
    Effect.result,
  )
  const fiber = yield* Effect.forkChild(watching, { startImmediately: true })
  yield* Deferred.await(begun)
  return fiber
})

onGround("the connection to a real API server", (it) => {
  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    it.effect(`comes back after ${signal}`, () =>
      Effect.gen(function* () {
        const { host } = yield* Ground
        const client = yield* hostClient()
        const watching = yield* startWatch(client)
        yield* host.stopApiServer(signal)
        const ended = yield* Fiber.join(watching)
        // One that ends in good order ends its watches so.
        if (signal === "SIGTERM") assert.isTrue(Result.isSuccess(ended))
        else assert.strictEqual(Result.isFailure(ended) ? ended.failure.reason._tag : "", "Unreachable")
        const down = yield* failure(client.list(namespaces))
        assert.deepInclude(down.reason, { _tag: "Unreachable", code: "ECONNREFUSED" })
        assert.strictEqual(down.detail, "connection refused")
        yield* host.startApiServer()
        yield* client.list(namespaces)
        yield* client.create(configMaps, configMap(`after-${signal.toLowerCase()}`))
      }),
    )
  }

  it.effect("notices a server that is frozen, and goes on when it thaws", () =>
    Effect.gen(function* () {
      const { host } = yield* Ground
      const client = yield* hostClient({ connectMs: 3_000, pingEveryMs: 300, pingTimeoutMs: 700 })
      const watching = yield* startWatch(client)
      yield* host.freezeApiServer
      const writing = yield* Effect.forkChild(failure(client.create(configMaps, configMap("frozen"))), {
        startImmediately: true,
      })
      const errors = [
        yield* Effect.flip(Effect.flatMap(Fiber.join(watching), Effect.fromResult)),
        yield* Fiber.join(writing),
      ]
      for (const error of errors) assert.deepInclude(error.reason, { _tag: "Unreachable", code: "ETIMEDOUT" })
      assert.include(errors[0]?.message, "the server stopped answering")
      yield* host.thawApiServer
      yield* client.list(namespaces)
    }),
  )

  it.effect("does not trust the same address with another authority", () =>
    Effect.gen(function* () {
      const { host } = yield* Ground
      const client = yield* hostClient()
      yield* client.list(namespaces)
      yield* host.stopApiServer()
      yield* host.startApiServer("other")
      const error = yield* failure(client.list(namespaces))
      assert.strictEqual(error.reason._tag, "Untrusted", error.message)
      assert.include(error.message, "certificate is not trusted")
      yield* host.stopApiServer()
      yield* host.startApiServer("usual")
      yield* client.list(namespaces)
    }),
  )

  it.effect("says that a version is too old after a restart", () =>
    Effect.gen(function* () {
      const { host } = yield* Ground
      const client = yield* hostClient()
      yield* host.stopApiServer()
      yield* host.startApiServer()
      const error = yield* failure(
        Stream.runDrain(client.watch(configMaps, { namespace: "default", resourceVersion: "1" })),
      )
      assert.strictEqual(error.reason._tag, "Expired", error.message)
    }),
  )

  it.effect("says that a version is too new", () =>
    Effect.gen(function* () {
      const client = yield* hostClient()
      const options = { namespace: "default", resourceVersion: "99999999", sendInitialEvents: true }
      const error = yield* failure(Stream.runDrain(client.watch(configMaps, options)))
      assert.deepInclude(error.reason, { _tag: "ServerFault", resourceVersionTooLarge: true }, error.message)
    }),
  )
})
