/** Nothing is lost: restarts, outages, restores, and clusters that are not what they seem (DESIGN §7). */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { configMaps, crds, externalSecrets, leases, secrets } from "../support/resources.ts"
import type { PairOptions, SyncedPairShape } from "../support/synced-pair.ts"
import {
  awaitSecret,
  createReady,
  externalSecret,
  hostRef,
  isReady,
  SyncedPair,
  vcluster,
} from "../support/synced-pair.ts"

/** Each of these tests breaks its clusters, so each has its own. */
const withPair = <A, E>(name: string, options: PairOptions, test: (pair: SyncedPairShape) => Effect.Effect<A, E>) =>
  it.live(
    name,
    () => Effect.flatMap(SyncedPair, test).pipe(Effect.provide(SyncedPair.layer(options)), Effect.scoped),
    180_000,
  )

const many = Array.from({ length: 12 }, (_, index) => `bulk-${index}`)

const createMany = (pair: SyncedPairShape) =>
  Effect.forEach(many, (name) => createReady(pair, externalSecret(name)), { concurrency: 4, discard: true })

const copies = (pair: SyncedPairShape) => pair.ground.host.kube.list(externalSecrets, { namespace: vcluster.namespace })

withPair("what changes while no syncer runs is caught up with, and orphans on the host go", { follow: false }, (pair) =>
  Effect.gen(function* () {
    const { host, virtual } = pair.ground
    const first = yield* pair.command("sync")
    assert.strictEqual(first.code, 0, first.stderr)
    yield* virtual.kube.create(externalSecrets, externalSecret("kept"))
    yield* virtual.kube.create(externalSecrets, externalSecret("orphan"))
    const second = yield* pair.command("sync")
    assert.strictEqual(second.code, 0, second.stderr)
    assert.include(second.stdout, "2 ExternalSecrets")
    yield* virtual.kube.delete(externalSecrets, { namespace: "default", name: "orphan" })
    const third = yield* pair.command("sync")
    assert.strictEqual(third.code, 0, third.stderr)
    yield* host.kube.waitUntilGone(externalSecrets, hostRef("orphan"))
    const rest = yield* pair.command("sync")
    assert.include(rest.stdout, "(0 created, 0 updated, 0 deleted)")
  }),
)

withPair(
  "a pass that would delete more than half of the host objects stops before it changes anything",
  { follow: false },
  (pair) =>
    Effect.gen(function* () {
      const { virtual } = pair.ground
      yield* pair.command("sync")
      yield* Effect.forEach(many, (name) => virtual.kube.create(externalSecrets, externalSecret(name)), {
        discard: true,
      })
      assert.strictEqual((yield* pair.command("sync")).code, 0)
      yield* Effect.forEach(many, (name) => virtual.kube.delete(externalSecrets, { namespace: "default", name }), {
        discard: true,
      })
      const stopped = yield* pair.command("sync")
      assert.strictEqual(stopped.code, 1, stopped.stdout)
      assert.include(stopped.stderr, "12 of 12 ExternalSecrets on the host would be deleted; nothing was changed")
      assert.include(stopped.stderr, "--allow-mass-delete")
      assert.lengthOf(yield* copies(pair), 12)
      const meant = yield* pair.command("sync", ["--allow-mass-delete"])
      assert.strictEqual(meant.code, 0, meant.stderr)
      assert.lengthOf(
        (yield* copies(pair)).filter((copy) => copy.metadata.deletionTimestamp === undefined),
        0,
      )
    }),
)

withPair(
  "the CRD deleted with all objects in it: nothing goes from the host until the operator allows it",
  {},
  (pair) =>
    Effect.gen(function* () {
      const { host, virtual } = pair.ground
      yield* createMany(pair)
      yield* virtual.kube.delete(crds, { name: "externalsecrets.external-secrets.io" })
      // The syncer restores the CRD once it is gone, empty.
      const held = yield* host.kube.waitFor(
        leases,
        { namespace: vcluster.namespace, name: `vcluster-es-${vcluster.name}` },
        (lease) => lease.metadata.annotations?.["vcluster-es.io/held-deletions"] === "12/12",
      )
      assert.lengthOf(yield* copies(pair), 12)
      assert.isTrue((yield* copies(pair)).every((copy) => copy.metadata.deletionTimestamp === undefined))
      // Told on the Lease maybe before the CRD is served again: listed until it can be.
      yield* virtual.kube.waitForList(externalSecrets, { namespace: "default" }, (left) => left.length === 0)
      yield* createReady(pair, externalSecret("after"))
      yield* host.kube.patch(leases, held.metadata, {
        metadata: { annotations: { "vcluster-es.io/allow-mass-delete": "true" } },
      })
      yield* host.kube.waitForList(externalSecrets, { namespace: vcluster.namespace }, (left) => left.length === 1)
    }),
)

withPair("another virtual cluster behind the same address stops the syncer, and nothing is deleted", {}, (pair) =>
  Effect.gen(function* () {
    const { virtual } = pair.ground
    yield* createReady(pair, externalSecret("precious"))
    yield* virtual.wipe
    const finished = yield* pair.syncer?.finished ?? Effect.die(new Error("not started"))
    assert.strictEqual(finished.code, 1)
    assert.match(
      finished.stderr,
      /is not the one that team-x\/my-vcluster was synced with \(kube-system UID .* ≠ .*\); nothing was changed/,
    )
    assert.lengthOf(yield* copies(pair), 1)
    const again = yield* pair.command("sync")
    assert.strictEqual(again.code, 1)
    assert.include(again.stderr, "is not the one that")
    assert.lengthOf(yield* copies(pair), 1)
  }),
)

withPair("an older backup of the virtual cluster is noticed, and nothing is deleted", {}, (pair) =>
  Effect.gen(function* () {
    const { virtual } = pair.ground
    yield* createReady(pair, externalSecret("old"))
    yield* virtual.backup("before")
    // The versions that an API server uses up by starting must not make up for what the backup lacks.
    yield* Effect.forEach(
      Array.from({ length: 100 }, (_, index) => `filler-${index}`),
      (name) =>
        virtual.kube.create(configMaps, {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name, namespace: "default" },
        }),
      { concurrency: 8, discard: true },
    )
    yield* createReady(pair, externalSecret("new"))
    yield* awaitSecret(pair, "new")
    yield* virtual.restore("before")
    const finished = yield* pair.syncer?.finished ?? Effect.die(new Error("not started"))
    assert.strictEqual(finished.code, 1)
    assert.match(finished.stderr, /resourceVersion went back from \d+ to \d+, so an older backup was restored/)
    assert.lengthOf(yield* copies(pair), 2)
    const accepted = yield* pair.command("sync", ["--accept-identity"])
    assert.strictEqual(accepted.code, 0, accepted.stderr)
    assert.lengthOf(
      (yield* copies(pair)).filter((copy) => copy.metadata.deletionTimestamp === undefined),
      1,
    )
  }),
)

withPair("an API server that is killed, on either side, is waited for", {}, (pair) =>
  Effect.gen(function* () {
    const { host, virtual } = pair.ground
    yield* createReady(pair, externalSecret("first"))
    yield* virtual.stopApiServer("SIGKILL")
    yield* virtual.startApiServer()
    yield* createReady(pair, externalSecret("second"))
    yield* host.stopApiServer("SIGKILL")
    yield* virtual.kube.create(externalSecrets, externalSecret("meanwhile"))
    yield* host.startApiServer()
    yield* virtual.kube.waitFor(externalSecrets, { namespace: "default", name: "meanwhile" }, isReady, {
      timeout: "120 seconds",
    })
    assert.lengthOf(yield* copies(pair), 3)
  }),
)

withPair("with ESO stopped a deletion waits for it, and a recreation waits for the deletion", {}, (pair) =>
  Effect.gen(function* () {
    const { host, virtual } = pair.ground
    const ref = { namespace: "default", name: "slow" }
    yield* createReady(pair, externalSecret("slow"))
    const before = yield* host.kube.get(externalSecrets, hostRef("slow"))
    yield* pair.eso?.stop() ?? Effect.void
    yield* virtual.kube.delete(externalSecrets, ref)
    yield* host.kube.waitFor(externalSecrets, hostRef("slow"), (copy) => copy.metadata.deletionTimestamp !== undefined)
    yield* virtual.kube.create(externalSecrets, externalSecret("slow"))
    const status = yield* pair.command("status", ["-o", "json"])
    assert.include(status.stdout, "HostDeletionPending")
    assert.strictEqual((yield* host.kube.get(externalSecrets, hostRef("slow"))).metadata.uid, before.metadata.uid)
    yield* pair.eso?.start ?? Effect.void
    yield* virtual.kube.waitFor(externalSecrets, ref, isReady, { timeout: "90 seconds" })
    assert.notStrictEqual((yield* host.kube.get(externalSecrets, hostRef("slow"))).metadata.uid, before.metadata.uid)
  }),
)

withPair("killed at any moment, it loses and duplicates nothing", {}, (pair) =>
  Effect.gen(function* () {
    const { virtual } = pair.ground
    yield* Effect.forEach(many, (name) => virtual.kube.create(externalSecrets, externalSecret(name)), { discard: true })
    yield* pair.syncer?.signal("SIGKILL") ?? Effect.void
    // The Lease of the killed one has to run out first.
    yield* pair.startFollow()
    for (const name of many) yield* virtual.kube.waitFor(externalSecrets, { namespace: "default", name }, isReady)
    assert.lengthOf(yield* copies(pair), many.length)
    assert.lengthOf(
      yield* virtual.kube.list(secrets, { namespace: "default", labelSelector: "vcluster-es.io/managed=true" }),
      many.length,
    )
  }),
)
