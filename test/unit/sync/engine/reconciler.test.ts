/** What is told of a write that turned out not to be one. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { cachesFrom } from "../../../../src/sync/engine/caches.ts"
import { makeMemoryStore } from "../../../../src/effects/informer/memory-store.ts"
import { makeReconcilerBench } from "../../../support/reconciler-bench.ts"
import { secrets } from "../../../../src/sync/resources.ts"
import type { Copy } from "../../../../src/sync/engine/actions.ts"
import { copyOf } from "../../../../src/sync/engine/copy.ts"
import type { SyncedKind } from "../../../../src/sync/engine/synced-kind.ts"
import { testContext } from "../../../model/world.ts"
import { makeMemoryClient } from "../../../support/memory-client.ts"

const secret = (namespace: string, name: string, uid: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { namespace, name, uid, resourceVersion: "1" },
  data: { a: "MQ==" },
})

const source = secret("default", "ca", "source")
const body = secret("team-x", "ca.ref", "copy")

/** A reconciler of one kind that asks for one copy. */
const bench = Effect.fnUntraced(function* (current: KubeObject | undefined) {
  const copy: Copy = { _tag: "Copy", side: "host", resource: secrets, source, body, current }
  const kind: SyncedKind = {
    kind: "Secret",
    caches: [],
    sources: [],
    keys: () => new Set<string>(),
    decide: () => ({ actions: [copy], verdict: { health: "waiting", reason: "Pending", message: "" } }),
  }
  const caches = cachesFrom(() => makeMemoryStore())
  const { clients, changes, reports, reconcile } = yield* makeReconcilerBench(caches, testContext())
  return { clients, changes, reports, reconcile: reconcile(kind, "default/ca") }
})

describe("a copy", () => {
  it.effect("is told when it was made", () =>
    Effect.gen(function* () {
      const { clients, changes, reconcile } = yield* bench(undefined)
      clients.virtual.put(secrets, source)
      yield* reconcile
      assert.deepStrictEqual(
        changes.map(({ verb, name }) => [verb, name]),
        [["created", "ca.ref"]],
      )
    }),
  )

  it.effect("is not, whose source has gone or is another one", () =>
    Effect.gen(function* () {
      for (const found of [undefined, { ...source, metadata: { ...source.metadata, uid: "successor" } }]) {
        const { clients, changes, reconcile } = yield* bench(undefined)
        if (found !== undefined) clients.virtual.put(secrets, found)
        yield* reconcile
        assert.deepStrictEqual(changes, [])
        assert.deepStrictEqual(clients.host.calls, [])
      }
    }),
  )

  it.effect("is not, which holds already what the source does; nor is it a write without effect", () =>
    Effect.gen(function* () {
      const { resourceVersion } = makeMemoryClient().put(secrets, source).metadata
      const read = { ...source, metadata: { ...source.metadata, resourceVersion: resourceVersion ?? "" } }
      const { clients, changes, reports, reconcile } = yield* bench(copyOf(body, read))
      clients.virtual.put(secrets, source)
      yield* reconcile
      assert.deepStrictEqual(changes, [])
      assert.deepStrictEqual(
        reports.map((report) => report?.reason),
        ["Pending"],
      )
    }),
  )
})
