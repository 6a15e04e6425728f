/** The engine knows no kind by name: one that it has never heard of is synced as all others are. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { syncedKinds } from "../../../../src/sync/kinds/kinds.ts"
import { hostName } from "../../../../src/sync/tenancy/names.ts"
import { externalSecret, makeEngineBench } from "../../../support/engine-bench.ts"
import { virtualExternalSecrets } from "../../../../src/sync/external-secrets/external-secret-caches.ts"
import { hostWidgets, virtualWidgets, widgets } from "../../../support/toy-kind/caches.ts"
import { toyKind } from "../../../support/toy-kind/kind.ts"

const kinds = [...syncedKinds, toyKind]

const widget = (resourceVersion: string, spec?: object): KubeObject => ({
  apiVersion: "toys.example/v1",
  kind: "Widget",
  metadata: { name: "toy", namespace: "default", uid: "toy", resourceVersion },
  ...(spec === undefined ? {} : { spec }),
})

const id = "Widget|default/toy"
const place = { namespace: "team-x", name: hostName("toy", "default", "vc") }

const bench = Effect.gen(function* () {
  const made = yield* makeEngineBench({}, undefined, { kinds })
  const show = (object: KubeObject) =>
    Effect.andThen(
      Effect.sync(() => made.see(virtualWidgets, object)),
      settled,
    )
  return { ...made, show, onHost: () => made.clients.host.stored(widgets, place) }
})

const settled = TestClock.adjust("1 second")

describe("a kind that is a folder and a line", () => {
  it.effect("is created, followed, reverted and removed, and its reports are told", () =>
    Effect.gen(function* () {
      const { engine, onHost, see, seeDeleted, show, clients, told } = yield* bench
      yield* show(widget("1", { size: 1 }))
      assert.deepInclude(onHost(), { spec: { size: 1 } })
      assert.deepInclude(engine.reports.get(id), { kind: "Widget", name: "toy", health: "synced" })
      yield* show(widget("2", { size: 2 }))
      assert.deepInclude(onHost(), { spec: { size: 2 } })
      const copy = onHost()
      assert.isDefined(copy)
      see(hostWidgets, clients.host.put(widgets, { ...copy, spec: { size: 9 } }))
      yield* settled
      assert.deepInclude(onHost(), { spec: { size: 2 } })
      seeDeleted(virtualWidgets, "default/toy")
      yield* settled
      assert.isUndefined(onHost())
      assert.deepStrictEqual(
        told.changes.flatMap(({ kind, verb }) => (kind === "Widget" ? [verb] : [])),
        ["created", "updated", "updated", "deleted"],
      )
    }),
  )

  it.effect("refuses by its own rules", () =>
    Effect.gen(function* () {
      const { engine, onHost, show } = yield* bench
      yield* show(widget("1"))
      assert.deepInclude(engine.reports.get(id), { health: "refused", reason: "InvalidSpec" })
      assert.isUndefined(onHost())
    }),
  )

  it.effect("disturbs no other", () =>
    Effect.gen(function* () {
      const { engine, see, show } = yield* bench
      see(virtualExternalSecrets, externalSecret("web"))
      yield* show(widget("1", { size: 1 }))
      assert.deepInclude(engine.reports.get("ExternalSecret|default/web"), { reason: "WaitingForOperator" })
    }),
  )
})
