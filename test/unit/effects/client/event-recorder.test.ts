import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"
import { ServerFault } from "../../../../src/effects/client/api-error.ts"
import { eventResource, makeEventRecorder, type RecordedEvent } from "../../../../src/effects/client/event-recorder.ts"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { apiError, type Call, makeMemoryClient, type MemoryClient } from "../../../support/memory-client.ts"

const secret = (name: string, namespace?: string): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name, uid: `uid-${name}`, resourceVersion: "7", ...(namespace === undefined ? {} : { namespace }) },
  spec: { secret: "never in an event" },
})

const event = (more: Partial<RecordedEvent> = {}): RecordedEvent => ({
  regarding: secret("a", "team-x"),
  type: "Warning",
  reason: "Refused",
  message: "no such store",
  ...more,
})

const makeRecorder = (client: MemoryClient) => makeEventRecorder({ client, component: "vcluster-es", instance: "me" })

/** The writer works in the background: its turns, without time, until it sends nothing more. */
const written = Effect.fnUntraced(function* (client: MemoryClient) {
  let quietTurns = 0
  while (quietTurns < 20) {
    const before = client.calls.length
    yield* TestClock.adjust(0)
    quietTurns = client.calls.length === before ? quietTurns + 1 : 0
  }
})

const verbs = (client: MemoryClient) => client.calls.map(({ verb }) => verb)

/** The body of the last request. */
const lastBody = (client: MemoryClient) => client.calls.at(-1)?.body ?? assert.fail("nothing was sent")

const failing = (call: Call) =>
  Effect.fail(apiError(call, new ServerFault({ status: 500, resourceVersionTooLarge: false })))

describe("event recorder", () => {
  it.effect("writes a core/v1 Event in the namespace of its object", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      yield* TestClock.setTime(Date.parse("2026-01-02T03:04:05.678Z"))
      const events = yield* makeRecorder(client)
      events.record(event())
      yield* written(client)
      const { metadata, ...rest } = lastBody(client)
      assert.deepStrictEqual(rest, {
        apiVersion: "v1",
        kind: "Event",
        involvedObject: {
          apiVersion: "external-secrets.io/v1",
          kind: "ExternalSecret",
          name: "a",
          namespace: "team-x",
          uid: "uid-a",
          resourceVersion: "7",
        },
        type: "Warning",
        reason: "Refused",
        message: "no such store",
        source: { component: "vcluster-es" },
        firstTimestamp: "2026-01-02T03:04:05Z",
        lastTimestamp: "2026-01-02T03:04:05Z",
        count: 1,
        reportingComponent: "vcluster-es",
        reportingInstance: "me",
      })
      assert.match(JSON.stringify(metadata), /^\{"name":"a\.[0-9a-f]{16}","namespace":"team-x"\}$/u)
    }),
  )

  it.effect("puts events of cluster-scoped objects into default", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      const events = yield* makeRecorder(client)
      events.record(event({ regarding: secret("store") }))
      yield* written(client)
      assert.match(client.calls.at(-1)?.key ?? "", /^default\/store\./u)
    }),
  )

  it.effect("drops none because the wall clock was set back", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      yield* TestClock.setTime(36_000_000)
      const events = yield* makeRecorder(client)
      events.record(event())
      yield* TestClock.setTime(0)
      for (let turn = 0; turn < 5; turn++) events.record(event())
      yield* written(client)
      assert.strictEqual(lastBody(client)["count"], 6)
    }),
  )

  it.effect("counts repetitions in the first event, and only true repetitions", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      const events = yield* makeRecorder(client)
      events.record(event())
      yield* TestClock.adjust("1 minute")
      events.record(event())
      yield* written(client)
      assert.deepStrictEqual(lastBody(client), { count: 2, lastTimestamp: "1970-01-01T00:01:00Z" })
      events.record(event())
      yield* written(client)
      assert.deepStrictEqual(lastBody(client), { count: 3, lastTimestamp: "1970-01-01T00:01:00Z" })
      const name = client.calls[0]?.key.split("/")[1] ?? ""
      const stored = client.stored(eventResource, { namespace: "team-x", name })
      assert.strictEqual(stored?.["firstTimestamp"], "1970-01-01T00:00:00Z")
      assert.strictEqual(stored?.["count"], 3)
      events.record(event({ message: "another" }))
      events.record(event({ reason: "Another" }))
      events.record(event({ regarding: secret("b", "team-x") }))
      yield* written(client)
      assert.deepStrictEqual(verbs(client), ["create", "patch", "patch", "create", "create", "create"])
      assert.strictEqual(new Set(client.calls.map(({ key }) => key)).size, 4)
    }),
  )

  it.effect("writes a new event when the first has expired at the server", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      const events = yield* makeRecorder(client)
      events.record(event())
      yield* TestClock.adjust("2 hours")
      const [namespace = "", name = ""] = client.calls[0]?.key.split("/") ?? []
      client.remove(eventResource, { namespace, name })
      events.record(event())
      yield* written(client)
      assert.deepStrictEqual(verbs(client), ["create", "patch", "create"])
      assert.strictEqual(lastBody(client)["count"], 1)
    }),
  )

  it.effect("leaves an event alone that somebody made anew under the name of ours", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      const events = yield* makeRecorder(client)
      events.record(event())
      yield* TestClock.adjust("1 minute")
      const [namespace = "", name = ""] = client.calls[0]?.key.split("/") ?? []
      const theirs = { apiVersion: "v1", kind: "Event", metadata: { namespace, name, uid: "theirs" }, count: 7 }
      client.put(eventResource, theirs)
      events.record(event())
      yield* written(client)
      assert.deepStrictEqual(verbs(client), ["create", "patch", "create"])
      assert.strictEqual(client.stored(eventResource, { namespace, name })?.["count"], 7)
    }),
  )

  it.effect("lets 25 events of one object through, then one every 5 minutes; others are free", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      const events = yield* makeRecorder(client)
      for (let n = 0; n < 40; n++) events.record(event({ message: `${n}` }))
      yield* written(client)
      assert.strictEqual(client.calls.length, 25)
      events.record(event({ regarding: secret("b", "team-x") }))
      yield* written(client)
      assert.strictEqual(client.calls.length, 26)
      yield* TestClock.adjust(299_999)
      events.record(event({ message: "too early" }))
      yield* TestClock.adjust(1)
      events.record(event({ message: "now" }))
      events.record(event({ message: "no more" }))
      yield* written(client)
      assert.strictEqual(client.calls.length, 27)
      assert.strictEqual(lastBody(client)["message"], "now")
      yield* TestClock.adjust("1 day")
      for (let n = 0; n < 40; n++) events.record(event({ message: `next day ${n}` }))
      yield* written(client)
      assert.strictEqual(client.calls.length, 27 + 25)
    }),
  )

  it.effect("cuts the message at 1024 bytes, between characters", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      const events = yield* makeRecorder(client)
      for (const message of ["x".repeat(1024), "x".repeat(1025), `x${"é€😀".repeat(300)}`]) {
        events.record(event({ message }))
      }
      yield* written(client)
      const messages = client.calls.map(({ body }) => String(body?.["message"]))
      assert.strictEqual(messages[0], "x".repeat(1024))
      assert.strictEqual(messages[1], `${"x".repeat(1021)}...`)
      assert.isAtMost(new TextEncoder().encode(messages[2]).length, 1024)
      assert.match(messages[2] ?? "", /^x(é€😀)+(é€?)?\.\.\.$/u)
    }),
  )

  it.effect("never fails or stops: errors, defects and silence of the server cost one event each", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      const events = yield* makeRecorder(client)
      const faults = [failing, () => Effect.die(new Error("a bug")), () => Effect.never]
      for (const before of faults) {
        client.fault = { before }
        events.record(event())
        yield* TestClock.adjust("10 seconds")
      }
      client.fault = {}
      events.record(event())
      yield* written(client)
      assert.deepStrictEqual(verbs(client), ["create", "create", "create", "create"])
      assert.strictEqual(lastBody(client)["count"], 1)
    }),
  )

  it.effect("keeps a bounded number waiting, and writes nothing after its scope was closed", () =>
    Effect.gen(function* () {
      const client = makeMemoryClient()
      const scope = yield* Scope.make()
      const events = yield* Scope.provide(makeRecorder(client), scope)
      client.fault = { before: () => Effect.never }
      for (let n = 0; n < 3000; n++) events.record(event({ regarding: secret(`s${n}`, "team-x") }))
      client.fault = {}
      yield* written(client)
      assert.isAtMost(client.calls.length, 1001)
      assert.isAtLeast(client.calls.length, 1000)
      yield* Scope.close(scope, Exit.void)
      const before = client.calls.length
      events.record(event())
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(client.calls.length, before)
    }),
  )
})
