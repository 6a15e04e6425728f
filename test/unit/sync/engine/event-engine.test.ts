/** How the engine gives hints: spaced, without a report, and not for ever. */
import { hostEvents } from "../../../../src/sync/external-secrets/event-caches.ts"
import {
  hostExternalSecrets,
  virtualExternalSecrets,
} from "../../../../src/sync/external-secrets/external-secret-caches.ts"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { TestClock } from "effect/testing"
import { Forbidden, Unreachable } from "../../../../src/effects/client/api-error.ts"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { events as eventResource } from "../../../../src/sync/resources.ts"
import { hostName } from "../../../../src/sync/tenancy/names.ts"
import { markAnnotations } from "../../../../src/sync/tenancy/ownership.ts"
import { externalSecret, makeEngineBench } from "../../../support/engine-bench.ts"
import { apiError, type Call } from "../../../support/memory-client.ts"
import { at, eventOn } from "../../../support/operator-event.ts"

/** As a watch would tell it. */
const benchWithCopy = Effect.gen(function* () {
  const bench = yield* makeEngineBench()
  const virtual = externalSecret("web")
  const copy: KubeObject = {
    ...virtual,
    metadata: {
      name: hostName("web", "default", "vc"),
      namespace: "team-x",
      uid: "copy",
      resourceVersion: "1",
      annotations: markAnnotations(virtual, {
        vcluster: "vc",
        hostNamespace: "team-x",
        virtualCluster: "kube-system-uid",
      }),
    },
  }
  bench.see(hostExternalSecrets, copy)
  bench.see(virtualExternalSecrets, virtual)
  yield* TestClock.adjust("1 second")
  const hear = (name: string, fields: object = {}) => bench.see(hostEvents, eventOn(copy, name, fields))
  const writes = () => bench.clients.virtual.calls.filter(({ resource }) => resource === "events")
  return { ...bench, hear, writes }
})

describe("the engine", () => {
  it.effect("tells the first at once, and what comes fast after it together, some seconds later", () =>
    Effect.gen(function* () {
      const { hear, writes, told, engine } = yield* benchWithCopy
      hear("one")
      yield* TestClock.adjust("10 millis")
      assert.deepStrictEqual(
        writes().map(({ verb }) => verb),
        ["create"],
      )
      for (let count = 2; count <= 50; count++) {
        hear("one", { count, lastTimestamp: at(count) })
        yield* TestClock.adjust("50 millis")
      }
      assert.lengthOf(writes(), 1)
      // A pass does not wait for hints.
      yield* engine.idle
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(
        writes().map(({ verb }) => verb),
        ["create", "patch"],
      )
      assert.deepInclude(writes()[1]?.body, { count: 50, lastTimestamp: at(50) })
      assert.isEmpty(told.changes.filter(({ kind }) => kind === "Event"))
    }),
  )

  it.effect("lets nothing that carries a Secret wait behind the next one", () =>
    Effect.gen(function* () {
      const { clients, hear, see } = yield* benchWithCopy
      const gate = yield* Deferred.make<void>()
      const order = new Array<string>()
      const createdOnHost = (name: string) => (call: Call) => call.verb === "create" && call.key.includes(name)
      clients.host.fault = {
        before: (call) => {
          order.push(call.key)
          return createdOnHost("busy")(call) ? Deferred.await(gate) : Effect.void
        },
      }
      clients.virtual.fault = { before: (call) => Effect.sync(() => void order.push(call.resource)) }
      hear("one")
      yield* TestClock.adjust("10 millis")
      hear("one", { count: 2, lastTimestamp: at(2) })
      // Both workers.
      for (const name of ["busy-1", "busy-2"]) see(virtualExternalSecrets, externalSecret(name))
      yield* TestClock.adjust("10 seconds")
      see(virtualExternalSecrets, externalSecret("urgent"))
      order.length = 0
      yield* Deferred.succeed(gate, undefined)
      // Turns for the workers.
      yield* Effect.repeat(TestClock.adjust("1 milli"), { times: 50 })
      const urgent = order.findIndex((entry) => entry.includes("urgent"))
      assert.isAtLeast(urgent, 0)
      assert.isAbove(order.indexOf("events"), urgent)
    }),
  )

  it.effect("waits with the next one by a clock that nobody sets", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(3_600_000)
      const { hear, writes } = yield* benchWithCopy
      hear("one")
      yield* TestClock.adjust("10 millis")
      yield* TestClock.setTime(0)
      hear("one", { count: 2, lastTimestamp: at(2) })
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(
        writes().map(({ verb }) => verb),
        ["create", "patch"],
      )
    }),
  )

  it.effect("gives up what the server refuses, without a word, and waits out an outage", () =>
    Effect.gen(function* () {
      const { clients, hear, writes, told, engine } = yield* benchWithCopy
      const refuse = (reason: Forbidden | Unreachable) => {
        clients.virtual.fault = {
          before: (call) => (call.resource === "events" ? Effect.fail(apiError(call, reason)) : Effect.void),
        }
      }
      refuse(new Forbidden({ user: "syncer" }))
      hear("one")
      yield* TestClock.adjust("1 hour")
      const tries = writes().length
      assert.isAtMost(tries, 6)
      assert.isEmpty(told.failures.filter((failure) => failure.startsWith("Event")))
      assert.isEmpty([...engine.reports.keys()].filter((id) => id.startsWith("Event")))
      refuse(new Unreachable({}))
      hear("one", { count: 2 })
      yield* TestClock.adjust("1 minute")
      assert.isAbove(writes().length, tries + 6)
      clients.virtual.fault = {}
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(clients.virtual.stored(eventResource, eventName(writes()))?.["count"], 2)
    }),
  )
})

const eventName = (writes: ReadonlyArray<{ readonly key: string }>) => ({
  namespace: "default",
  name: writes[0]?.key.split("/")[1] ?? "",
})
