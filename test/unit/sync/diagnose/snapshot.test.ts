/** A look without a touch knows no kind by name either. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { plannedChanges } from "../../../../src/sync/diagnose/plan.ts"
import { observe } from "../../../../src/sync/diagnose/snapshot.ts"
import { syncLayers } from "../../../support/sync-layers.ts"
import { clientsOf, makeHost, makeVirtual, toyRegistry } from "../../../support/toy-clusters.ts"

const vcluster = { name: "vc", namespace: "team-x" }

it.effect("a kind of the registry is counted and planned, and nothing is written", () =>
  Effect.gen(function* () {
    const host = makeHost("team-x")
    const virtual = makeVirtual(vcluster)
    const layers = syncLayers(clientsOf(host, virtual), vcluster, { registry: toyRegistry })
    const { actions, counted, reports } = yield* Effect.provide(observe, layers)
    assert.deepStrictEqual(counted, ["Widget"])
    assert.deepStrictEqual(
      reports.map(({ kind, name, health }) => `${kind} ${name} ${health}`),
      ["Widget toy waiting"],
    )
    assert.deepStrictEqual(
      plannedChanges(actions).map(({ change }) => `${change.side} ${change.verb} ${change.kind}`),
      ["host created Widget"],
    )
    const writes = [...host.calls, ...virtual.calls].filter(({ verb }) => verb !== "get")
    assert.deepStrictEqual(writes, [])
  }),
)
