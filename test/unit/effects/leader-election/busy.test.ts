/** A Lease is renewed although all workers wait for the server, as many as there may be. */
import { assert, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { acquireLease } from "../../../../src/effects/leader-election/leader-election.ts"
import { answer, configMap, sourceFor, startServer, status } from "../fault-server.ts"
import { clientFor, configMaps } from "../test-client.ts"

const workers = 128
/** What the flag allows at most, and as many again; fewer fit beside each other on one connection. */
const inFlight = 60

it.live("keeps the Lease while 128 writes hang", () =>
  Effect.gen(function* () {
    const full = yield* Deferred.make<void>()
    const renewed = yield* Deferred.make<void>()
    let hanging = 0
    let renewals = 0
    const server = yield* startServer((stream, { method, path, body }) => {
      if (!path.includes("/leases")) {
        if (++hanging === inFlight) Deferred.doneUnsafe(full, Effect.void)
        return
      }
      if (method === "GET") return answer(stream, 404, status(404, "NotFound", "none", { name: "sync" }))
      if (hanging >= inFlight && ++renewals === 3) Deferred.doneUnsafe(renewed, Effect.void)
      return answer(stream, 200, body)
    })
    const client = yield* clientFor(sourceFor(server.url))
    const lease = yield* acquireLease({
      client,
      namespace: "team-x",
      name: "sync",
      identity: "me",
      annotations: () => ({}),
      wait: false,
      renewMs: 100,
      deadlineMs: 5_000,
    })
    yield* Effect.forkScoped(
      Effect.forEach(Array.from({ length: workers }), () => client.create(configMaps, configMap("a")), {
        concurrency: "unbounded",
      }),
    )
    yield* Deferred.await(full)
    yield* Effect.raceFirst(Deferred.await(renewed), lease.lost)
    assert.isTrue(lease.isHeld())
  }),
)
