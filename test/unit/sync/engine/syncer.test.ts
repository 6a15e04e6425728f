/** Whole programs over replaced layers: clients over Maps, and a registry with a toy in it. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { leaseResource } from "../../../../src/effects/leader-election/lease.ts"
import type { Reporter } from "../../../../src/sync/engine/reporter.ts"
import { leaseName } from "../../../../src/sync/engine/preflight.ts"
import { follow, syncOnce } from "../../../../src/sync/engine/syncer.ts"
import type { VclusterRef } from "../../../../src/sync/engine/target.ts"
import { virtualClusterAnnotation } from "../../../../src/sync/tenancy/labels.ts"
import { hostName } from "../../../../src/sync/tenancy/names.ts"
import { syncLayers } from "../../../support/sync-layers.ts"
import { clientsOf, makeHost, makeVirtual, toyRegistry } from "../../../support/toy-clusters.ts"
import { widgets } from "../../../support/toy-kind/caches.ts"

const vcluster = { name: "vc", namespace: "team-x" }
const other = { name: "other", namespace: "team-y" }

const place = ({ name, namespace }: VclusterRef) => ({ namespace, name: hostName("toy", "default", name) })

const one = (host: ReturnType<typeof makeHost>, of: VclusterRef, reporter: Partial<Reporter["Service"]> = {}) =>
  syncLayers(clientsOf(host, makeVirtual(of)), of, { registry: toyRegistry, reporter })

/** Its end, while the test's clock goes on. */
const ended = Effect.fnUntraced(function* <A, E>(program: Effect.Effect<A, E>) {
  const running = yield* Effect.forkChild(program, { startImmediately: true })
  yield* TestClock.adjust("2 minutes")
  return yield* Fiber.await(running)
})

describe("one pass", () => {
  it.effect("syncs what the registry lists, and tells how it stands", () =>
    Effect.gen(function* () {
      const host = makeHost("team-x")
      const exit = yield* ended(Effect.provide(syncOnce(60_000), one(host, vcluster)))
      const { changes, reports, timedOut } = yield* exit
      assert.deepInclude(host.stored(widgets, place(vcluster)), { spec: { size: 1 } })
      assert.deepStrictEqual(
        changes.map(({ side, verb, kind }) => `${side} ${verb} ${kind}`),
        ["host created Widget"],
      )
      assert.deepStrictEqual(
        reports.map(({ kind, name, health }) => `${kind} ${name} ${health}`),
        ["Widget toy synced"],
      )
      assert.isFalse(timedOut)
    }),
  )

  it.effect("of one vCluster shares nothing but the host with that of another in the same process", () =>
    Effect.gen(function* () {
      const host = makeHost("team-x", "team-y")
      const pass = (of: VclusterRef) => Effect.provide(syncOnce(60_000), one(host, of))
      const exit = yield* ended(Effect.all([pass(vcluster), pass(other)], { concurrency: "unbounded" }))
      yield* exit
      for (const each of [vcluster, other]) {
        assert.isDefined(host.stored(widgets, place(each)))
        const lease = host.stored(leaseResource, { namespace: each.namespace, name: leaseName(each) })
        assert.strictEqual(lease?.metadata.annotations?.[virtualClusterAnnotation], `${each.name}-kube-system`)
      }
    }),
  )
})

describe("a run that follows", () => {
  it.effect("tells of its first pass once, and goes on until it is interrupted", () =>
    Effect.gen(function* () {
      const told = new Array<number>()
      const host = makeHost("team-x")
      const onFirstPass: Reporter["Service"]["onFirstPass"] = ({ reports }) =>
        Effect.sync(() => void told.push(reports.length))
      const layers = one(host, vcluster, { onFirstPass })
      const running = yield* Effect.forkChild(Effect.provide(follow, layers), { startImmediately: true })
      yield* TestClock.adjust("25 minutes")
      assert.deepStrictEqual(told, [1])
      assert.isUndefined(running.pollUnsafe())
      yield* Fiber.interrupt(running)
      const lease = host.stored(leaseResource, { namespace: "team-x", name: leaseName(vcluster) })
      assert.deepInclude(lease?.["spec"], { holderIdentity: "" })
    }),
  )

  it.effect("ends with the defect of a loop that has died", () =>
    Effect.gen(function* () {
      const onProgress = () => {
        throw new Error("a fault of ours")
      }
      const exit = yield* ended(Effect.provide(follow, one(makeHost("team-x"), vcluster, { onProgress })))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause), String(exit))
    }),
  )
})
