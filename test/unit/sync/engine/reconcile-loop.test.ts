/** What the Syncer does about writes that fail, do nothing, or do not last. */
import {
  hostExternalSecrets,
  virtualExternalSecrets,
} from "../../../../src/sync/external-secrets/external-secret-caches.ts"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch } from "effect"
import { TestClock } from "effect/testing"
import { Forbidden, Invalid, NotFound, Throttled, Unreachable } from "../../../../src/effects/client/api-error.ts"
import type { ApiErrorReason } from "../../../../src/effects/client/api-error.ts"
import { fencedClient } from "../../../../src/effects/client/fenced-client.ts"
import { externalSecrets } from "../../../../src/sync/resources.ts"
import { readyCondition } from "../../../../src/sync/tenancy/conditions.ts"
import { externalSecret, makeEngineBench } from "../../../support/engine-bench.ts"
import { apiError, type Call } from "../../../support/memory-client.ts"

const id = "ExternalSecret|default/web"
const resource = externalSecrets("v1")
const ref = { namespace: "default", name: "web" }

const refuseCreation = (reason: ApiErrorReason) => ({
  before: (call: Call) =>
    call.verb === "create" && call.resource.startsWith("externalsecrets") && call.key.includes("web")
      ? Effect.fail(apiError(call, reason))
      : Effect.void,
})

/** As the API server would hold it, so that statuses can be written. */
const createVirtual = (bench: Effect.Success<ReturnType<typeof makeEngineBench>>, name: string) =>
  bench.see(virtualExternalSecrets, bench.clients.virtual.put(resource, externalSecret(name)))

describe("a write that fails", () => {
  it.effect("for good is told the tenant; a pass ends, others go on, and tries become rare", () =>
    Effect.gen(function* () {
      const bench = yield* makeEngineBench()
      bench.clients.host.fault = refuseCreation(new Invalid({ fields: [] }))
      createVirtual(bench, "web")
      createVirtual(bench, "other")
      yield* TestClock.adjust("1 second")
      yield* bench.engine.idle
      assert.deepInclude(bench.engine.reports.get(id), { health: "refused", reason: "RefusedByHost" })
      assert.deepInclude(bench.engine.reports.get("ExternalSecret|default/other"), { reason: "WaitingForOperator" })
      assert.strictEqual(readyCondition(bench.clients.virtual.stored(resource, ref))?.reason, "RefusedByHost")
      assert.lengthOf(bench.told.notices, 1)
      yield* TestClock.adjust("30 minutes")
      const before = bench.clients.host.calls.length
      yield* TestClock.adjust("1 hour")
      assert.isBelow(bench.clients.host.calls.length - before, 6)
    }),
  )

  it.effect("for want of rights is reported as broken with its cause, and a pass ends", () =>
    Effect.gen(function* () {
      const bench = yield* makeEngineBench()
      bench.clients.host.fault = refuseCreation(new Forbidden({ user: "syncer" }))
      createVirtual(bench, "web")
      yield* TestClock.adjust("1 second")
      yield* bench.engine.idle
      const report = bench.engine.reports.get(id)
      assert.deepInclude(report, { health: "broken", reason: "SyncFailed", namespace: "default", name: "web" })
      assert.match(report?.message ?? "", /^create externalsecrets.* Forbidden$/)
      assert.lengthOf(bench.told.failures, 1)
      bench.clients.host.fault = {}
      yield* TestClock.adjust("20 minutes")
      assert.deepInclude(bench.engine.reports.get(id), { health: "waiting", reason: "WaitingForOperator" })
    }),
  )

  it.effect("because the host's CRD is being deleted is waited for, refuses nobody, and succeeds soon after", () =>
    Effect.gen(function* () {
      const bench = yield* makeEngineBench()
      bench.clients.host.fault = refuseCreation(new NotFound({ resourceMissing: true }))
      createVirtual(bench, "web")
      yield* TestClock.adjust("30 minutes")
      assert.notStrictEqual(bench.engine.reports.get(id)?.health, "refused")
      assert.isUndefined(readyCondition(bench.clients.virtual.stored(resource, ref)))
      assert.isEmpty(bench.told.notices)
      bench.clients.host.fault = {}
      yield* TestClock.adjust("30 seconds")
      assert.deepInclude(bench.engine.reports.get(id), { health: "waiting", reason: "WaitingForOperator" })
    }),
  )

  it.effect("because of an outage is waited for, and tried again soon after a long one", () =>
    Effect.gen(function* () {
      const bench = yield* makeEngineBench()
      bench.clients.host.fault = refuseCreation(new Unreachable({}))
      createVirtual(bench, "web")
      yield* TestClock.adjust("30 minutes")
      const idle = yield* Effect.forkChild(bench.engine.idle, { startImmediately: true })
      assert.isUndefined(idle.pollUnsafe())
      assert.deepInclude(bench.engine.reports.get(id), { health: "broken", reason: "SyncFailed" })
      bench.clients.host.fault = {}
      yield* TestClock.adjust("30 seconds")
      assert.deepInclude(bench.engine.reports.get(id), { health: "waiting", reason: "WaitingForOperator" })
      yield* Fiber.join(idle)
    }),
  )

  it.effect("of an object that is gone since says nothing about a later one of its name", () =>
    Effect.gen(function* () {
      const bench = yield* makeEngineBench()
      bench.clients.host.fault = refuseCreation(new Invalid({ fields: [] }))
      createVirtual(bench, "web")
      yield* TestClock.adjust("1 second")
      bench.clients.virtual.remove(resource, ref)
      bench.seeDeleted(virtualExternalSecrets, "default/web")
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(bench.engine.reports.get(id))
      bench.clients.host.fault = {}
      bench.see(virtualExternalSecrets, bench.clients.virtual.put(resource, externalSecret("web", "another")))
      yield* TestClock.adjust("1 second")
      assert.lengthOf(bench.told.notices, 1)
      assert.isUndefined(readyCondition(bench.clients.virtual.stored(resource, ref)))
    }),
  )

  it.effect("because the server is overloaded is tried again when that asks for it, and not before", () =>
    Effect.gen(function* () {
      const bench = yield* makeEngineBench()
      bench.clients.host.fault = refuseCreation(new Throttled({ retryAfterMs: 60_000 }))
      createVirtual(bench, "web")
      const creations = () => bench.clients.host.calls.filter(({ verb }) => verb === "create").length
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(creations(), 1)
      bench.clients.host.fault = {}
      yield* TestClock.adjust("2 seconds")
      assert.deepInclude(bench.engine.reports.get(id), { health: "waiting", reason: "WaitingForOperator" })
    }),
  )

  it.effect("because the Lease is lost ends the run, and is told nobody", () =>
    Effect.gen(function* () {
      let held = true
      let ended = 0
      const bench = yield* makeEngineBench({}, (client) => client, {
        hostAnswers: (client) => fencedClient(client, () => held),
        whenFenced: Effect.andThen(
          Effect.sync(() => ended++),
          Effect.never,
        ),
      })
      held = false
      createVirtual(bench, "web")
      yield* TestClock.adjust("1 hour")
      const idle = yield* Effect.forkChild(bench.engine.idle, { startImmediately: true })
      assert.isAbove(ended, 0)
      assert.isEmpty(bench.clients.host.calls)
      assert.isEmpty(bench.told.failures)
      assert.isEmpty(bench.told.notices)
      assert.isUndefined(bench.engine.reports.get(id))
      assert.isUndefined(idle.pollUnsafe(), "a pass must not take that for done")
    }),
  )
})

describe("a decision that throws", () => {
  it.effect("is reported as broken, and keeps no other object from its sync", () =>
    Effect.gen(function* () {
      const bench = yield* makeEngineBench({
        now: () => {
          throw new Error("a fault of ours")
        },
      })
      // Only a refusal asks for the time.
      const refused = {
        ...externalSecret("web"),
        spec: { secretStoreRef: { name: "none", kind: "ClusterSecretStore" } },
      }
      bench.see(virtualExternalSecrets, refused)
      createVirtual(bench, "other")
      yield* TestClock.adjust("1 second")
      yield* bench.engine.idle
      const report = bench.engine.reports.get(id)
      assert.deepInclude(report, { health: "broken", reason: "SyncFailed", message: "a fault of ours" })
      assert.deepInclude(bench.engine.reports.get("ExternalSecret|default/other"), { reason: "WaitingForOperator" })
    }),
  )
})

describe("a deletion", () => {
  it.effect("that waits for a finalizer is not asked for again while a cache is behind", () =>
    Effect.gen(function* () {
      const bench = yield* makeEngineBench()
      createVirtual(bench, "web")
      yield* TestClock.adjust("1 second")
      const copy = bench.clients.host.stored(resource, { namespace: "team-x", name: "web-x-default-x-vc" })
      assert.isDefined(copy)
      const metadata = { ...copy.metadata, uid: "copy", finalizers: ["eso"] }
      bench.see(hostExternalSecrets, bench.clients.host.put(resource, { ...copy, metadata }))
      bench.seeDeleted(virtualExternalSecrets, "default/web")
      yield* TestClock.adjust("1 second")
      bench.engine.resync()
      yield* TestClock.adjust("1 second")
      assert.lengthOf(
        bench.clients.host.calls.filter(({ verb }) => verb === "delete"),
        1,
      )
    }),
  )
})

describe("a write without effect", () => {
  it.effect("is told, for nothing will bring the object back", () =>
    Effect.gen(function* () {
      // The CRD there knows no status: the API server takes it and drops it.
      const bench = yield* makeEngineBench({}, (client) => ({
        ...client,
        jsonPatch: (kind, at) => client.get(kind, at),
      }))
      createVirtual(bench, "web")
      yield* TestClock.adjust("1 second")
      const copy = bench.clients.host.stored(resource, { namespace: "team-x", name: "web-x-default-x-vc" })
      assert.isDefined(copy)
      const conditions = [{ type: "Ready", status: "True", reason: "SecretSynced", message: "" }]
      bench.see(hostExternalSecrets, bench.clients.host.put(resource, { ...copy, status: { conditions } }))
      yield* TestClock.adjust("1 second")
      yield* bench.engine.idle
      assert.deepInclude(bench.engine.reports.get(id), { health: "broken", reason: "WriteWithoutEffect" })
    }),
  )
})

describe("a write that does not last", () => {
  it.effect("is repeated rarely, and the fight is told", () =>
    Effect.gen(function* () {
      const bench = yield* makeEngineBench()
      createVirtual(bench, "web")
      yield* TestClock.adjust("1 second")
      const [created] = bench.clients.host.calls
      const place = { namespace: "team-x", name: created?.key.split("/")[1] ?? "" }
      // Somebody labels the copy whenever we have taken the label off.
      bench.clients.host.fault = {
        after: (call) =>
          Effect.sync(() => {
            if (call.verb === "patch") undo()
          }),
      }
      let rounds = 0
      const undo = () => {
        const standing = bench.clients.host.stored(resource, place)
        if (standing === undefined || rounds++ > 1000) return
        const labels = { ...standing.metadata.labels, team: "blue" }
        bench.see(
          hostExternalSecrets,
          bench.clients.host.put(resource, { ...standing, metadata: { ...standing.metadata, labels } }),
        )
      }
      undo()
      yield* Effect.forEach(Array.from({ length: 300 }), () => TestClock.adjust("2 seconds"), { discard: true })
      assert.isBelow(rounds, 40)
      const report = bench.engine.reports.get(id)
      assert.deepInclude(report, { health: "broken", reason: "SyncFailed" })
      assert.include(
        report?.message ?? "",
        "somebody else undoes our write of host ExternalSecret team-x/web-x-default-x-vc",
      )
    }),
  )
})

describe("changes that nobody takes", () => {
  it.effect("hold up the work, until somebody does", () =>
    Effect.gen(function* () {
      const reader = yield* Latch.make(false)
      const bench = yield* makeEngineBench({}, (client) => client, { ready: reader.await })
      createVirtual(bench, "web")
      yield* TestClock.adjust("1 minute")
      assert.isEmpty(bench.told.changes)
      assert.isEmpty(bench.clients.host.calls)
      yield* reader.open
      yield* bench.engine.idle
      assert.isNotEmpty(bench.told.changes)
    }),
  )
})
