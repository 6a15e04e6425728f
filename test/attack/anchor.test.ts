/** The object in kube-system by which we know the virtual cluster again, deleted or edited by the tenant (attack 42). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { assertUntouched, copyOf, hiddenSecretOf, inVirtual } from "../support/attack.ts"
import { configMaps, externalSecrets, namespaces, secrets } from "../support/resources.ts"
import { awaitSecret, createReady, externalSecret, SyncedPair } from "../support/synced-pair.ts"

const anchor = { namespace: "kube-system", name: "vcluster-es" }

layer(SyncedPair.layer({ follow: false }), { excludeTestServices: true, timeout: "10 minutes" })("the anchor", (it) => {
  const pass = Effect.gen(function* () {
    const run = yield* (yield* SyncedPair).command("sync")
    assert.strictEqual(run.code, 0, run.stdout + run.stderr)
  })

  const steady = Effect.gen(function* () {
    const pair = yield* SyncedPair
    const { host, virtual } = pair.ground
    yield* pass
    if ((yield* virtual.kube.find(externalSecrets, inVirtual("kept"))) === undefined) {
      yield* virtual.kube.create(externalSecrets, externalSecret("kept"))
      yield* pass
    }
    return {
      pair,
      copy: yield* host.kube.get(externalSecrets, copyOf("kept")),
      hidden: yield* host.kube.get(secrets, hiddenSecretOf("kept")),
      secret: yield* virtual.kube.get(secrets, inVirtual("kept")),
    }
  })

  const assertKept = Effect.fnUntraced(function* (before: Effect.Success<typeof steady>) {
    yield* assertUntouched(before.pair, "host", externalSecrets, before.copy)
    yield* assertUntouched(before.pair, "host", secrets, before.hidden)
    yield* assertUntouched(before.pair, "virtual", secrets, before.secret)
  })

  it.effect("deleted, it is written anew, and nothing else changes", () =>
    Effect.gen(function* () {
      const before = yield* steady
      const { kube } = before.pair.ground.virtual
      const written = yield* kube.get(configMaps, anchor)
      yield* kube.delete(configMaps, anchor)
      const run = yield* before.pair.command("sync")
      assert.strictEqual(run.code, 0, run.stderr)
      assert.deepStrictEqual((yield* kube.get(configMaps, anchor))["data"], written["data"])
      yield* assertKept(before)
    }),
  )

  it.effect("emptied, so too", () =>
    Effect.gen(function* () {
      const before = yield* steady
      const { kube } = before.pair.ground.virtual
      const written = yield* kube.get(configMaps, anchor)
      yield* kube.patch(configMaps, anchor, { data: null })
      const run = yield* before.pair.command("sync")
      assert.strictEqual(run.code, 0, run.stderr)
      assert.deepStrictEqual((yield* kube.get(configMaps, anchor))["data"], written["data"])
      yield* assertKept(before)
    }),
  )

  const foreign = { hostNamespace: "team-y", hostNamespaceUid: "0", vcluster: "other\u001b[2J" }

  it.effect("edited to name another vCluster, the syncer stops before it writes, and says what to do", () =>
    Effect.gen(function* () {
      const before = yield* steady
      const { host, virtual } = before.pair.ground
      yield* virtual.kube.patch(configMaps, anchor, { data: foreign })
      yield* virtual.kube.delete(externalSecrets, inVirtual("kept"))
      for (const args of [[], ["--follow"]]) {
        const run = yield* before.pair.command("sync", args, "30 seconds")
        assert.strictEqual(run.code, 1, run.stderr + run.stdout)
        assert.include(run.stderr, "anchor kube-system/vcluster-es belongs to team-y/other")
        assert.include(run.stderr, "--accept-identity")
        assert.notInclude(run.stderr, "\u001b")
      }
      const status = yield* before.pair.command("status")
      assert.include(status.stdout, "belongs to team-y/other")
      assert.notInclude(status.stdout, "\u001b")
      yield* assertUntouched(before.pair, "host", externalSecrets, before.copy)
      yield* assertUntouched(before.pair, "host", secrets, before.hidden)
      const accepted = yield* before.pair.command("sync", ["--accept-identity"])
      assert.strictEqual(accepted.code, 0, accepted.stderr)
      yield* host.kube.waitUntilGone(externalSecrets, copyOf("kept"))
    }),
  )

  it.effect("edited while the syncer runs, it stops at the next list, and nothing is deleted", () =>
    Effect.gen(function* () {
      const before = yield* steady
      const { virtual } = before.pair.ground
      const running = yield* before.pair.startFollow()
      yield* virtual.kube.patch(configMaps, anchor, { data: foreign })
      yield* virtual.stopApiServer()
      yield* virtual.startApiServer()
      const end = yield* running.finished.pipe(Effect.timeout("60 seconds"))
      assert.strictEqual(end.code, 1, end.stderr)
      yield* assertKept(before)
      const accepted = yield* before.pair.command("sync", ["--accept-identity"])
      assert.strictEqual(accepted.code, 0, accepted.stderr)
    }),
  )

  it.effect("a running syncer does not mind its deletion, and kube-system cannot be deleted", () =>
    Effect.gen(function* () {
      const before = yield* steady
      const { virtual } = before.pair.ground
      const running = yield* before.pair.startFollow()
      yield* virtual.kube.delete(configMaps, anchor)
      const refused = yield* Effect.flip(virtual.kube.delete(namespaces, { name: "kube-system" }))
      assert.strictEqual(refused.status, 403)
      yield* createReady(before.pair, externalSecret("after"))
      yield* awaitSecret(before.pair, "after")
      yield* assertKept(before)
      yield* running.signal("SIGTERM")
      yield* running.finished
    }),
  )
})
