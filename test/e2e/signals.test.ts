/** How the program ends when it is told to, and that two of them never both write (DESIGN §7). */
import { assert, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { type AuditEntry, describeEntry, isWrite } from "../clusters/audit-log.ts"
import { ourAgent } from "../support/complaint.ts"
import { externalSecrets, leases } from "../support/resources.ts"
import type { PairOptions, SyncedPairShape } from "../support/synced-pair.ts"
import { binary, createReady, externalSecret, isReady, SyncedPair, vcluster } from "../support/synced-pair.ts"

const withPair = <A, E>(name: string, options: PairOptions, test: (pair: SyncedPairShape) => Effect.Effect<A, E>) =>
  it.live(
    name,
    () => Effect.flatMap(SyncedPair, test).pipe(Effect.provide(SyncedPair.layer(options)), Effect.scoped),
    180_000,
  )

const flags = (host: string, virtual: string) => [
  vcluster.name,
  "-n",
  vcluster.namespace,
  "--kubeconfig",
  host,
  "--virtual-kubeconfig",
  virtual,
]

/** Starts the binary and waits for nothing. */
const start = ({ ground }: SyncedPairShape, args: ReadonlyArray<string>) =>
  ground.start({ file: binary, args: [...args, ...flags(ground.host.kubeconfig, ground.virtual.kubeconfig)] })

const lease = { namespace: vcluster.namespace, name: `vcluster-es-${vcluster.name}` }

const holderOf = (object: { readonly [key: string]: unknown }): string => {
  const { spec } = object
  const holder = typeof spec === "object" && spec !== null ? Reflect.get(spec, "holderIdentity") : undefined
  return typeof holder === "string" ? holder : ""
}

withPair(
  "SIGTERM and SIGINT end sync --follow within 2 seconds, with 0, and the Lease is free",
  { follow: false },
  (pair) =>
    Effect.gen(function* () {
      const { host } = pair.ground
      for (const signal of ["SIGTERM", "SIGINT"] as const) {
        const running = yield* pair.startFollow()
        yield* createReady(pair, externalSecret(`before-${signal.toLowerCase()}`))
        const asked = yield* Clock.currentTimeMillis
        yield* running.signal(signal)
        const finished = yield* running.finished
        assert.isAtMost((yield* Clock.currentTimeMillis) - asked, 2_000, signal)
        assert.strictEqual(finished.code, 0, finished.stderr)
        assert.notMatch(finished.stderr, /error/i, "ending is nothing to complain about")
        assert.strictEqual(holderOf(yield* host.kube.get(leases, lease)), "")
      }
    }),
)

withPair(
  "SIGTERM ends sync --follow that waits for a virtual cluster, or with its host gone",
  { follow: false },
  (pair) =>
    Effect.gen(function* () {
      const { host, virtual } = pair.ground
      const first = yield* pair.startFollow()
      yield* host.freezeApiServer
      const asked = yield* Clock.currentTimeMillis
      yield* first.signal("SIGTERM")
      const finished = yield* first.finished
      assert.isAtMost((yield* Clock.currentTimeMillis) - asked, 2_000)
      assert.strictEqual(finished.code, 0, finished.stderr)
      yield* host.thawApiServer
      yield* virtual.stopApiServer()
      const waiting = yield* start(pair, ["sync", "--follow"])
      yield* waiting.waitForOutput(/connection refused; waiting for it/, { from: "stderr" })
      yield* waiting.signal("SIGTERM")
      assert.strictEqual((yield* waiting.finished).code, 0)
    }),
)

withPair("Ctrl-C on a single pass: 130, and the next pass finishes the work", { follow: false }, (pair) =>
  Effect.gen(function* () {
    yield* pair.command("sync")
    // With ESO down, a pass waits for its answer.
    yield* pair.eso?.stop() ?? Effect.void
    yield* pair.ground.virtual.kube.create(externalSecrets, externalSecret("interrupted"))
    const running = yield* start(pair, ["sync"])
    yield* pair.ground.host.kube.waitForList(
      externalSecrets,
      { namespace: vcluster.namespace },
      (copies) => copies.length === 1,
    )
    const asked = yield* Clock.currentTimeMillis
    yield* running.signal("SIGINT")
    const finished = yield* running.finished
    assert.isAtMost((yield* Clock.currentTimeMillis) - asked, 2_000)
    assert.strictEqual(finished.code, 130, finished.stderr)
    assert.strictEqual(finished.stdout, "")
    yield* pair.eso?.start ?? Effect.void
    const next = yield* pair.command("sync")
    assert.strictEqual(next.code, 0, next.stdout)
    assert.include(next.stdout, "1 ExternalSecret")
  }),
)

withPair(
  "of two followers the second waits, and takes over when the first is killed; never do both write",
  {},
  (pair) =>
    Effect.gen(function* () {
      const { ground, syncer } = pair
      const { host, virtual } = ground
      const first = syncer ?? (yield* Effect.die(new Error("not started")))
      yield* createReady(pair, externalSecret("first"))
      const leader = holderOf(yield* host.kube.get(leases, lease))
      // The audit log tells the two apart by their users.
      const user = { user: "second", groups: ["system:masters"] }
      const kubeconfigs = [
        yield* host.kubeconfigAs("second", user),
        yield* virtual.kubeconfigAs("second", user),
      ] as const
      const second = yield* ground.start({ file: binary, args: ["sync", "--follow", ...flags(...kubeconfigs)] })
      yield* second.waitForOutput(/waiting: .* is at work for this vCluster/, { from: "stderr" })
      assert.include(second.stderr(), leader)
      yield* createReady(pair, externalSecret("second"))
      yield* first.signal("SIGKILL")
      yield* first.finished
      yield* virtual.kube.create(externalSecrets, externalSecret("third"))
      yield* virtual.kube.waitFor(externalSecrets, { namespace: "default", name: "third" }, isReady, {
        timeout: "60 seconds",
      })
      yield* createReady(pair, externalSecret("fourth"))
      for (const cluster of [host, virtual]) {
        const writes = (yield* cluster.audit.since(0)).filter((entry) => ourAgent(entry) && isWrite(entry))
        const isSecond = (entry: AuditEntry) => entry.user.username === "second"
        const work = writes.filter((entry) => entry.objectRef?.resource !== "leases")
        const firstOfSecond = work.findIndex(isSecond)
        assert.isAbove(firstOfSecond, 0, `${cluster.name}: both have written`)
        const afterwards = work.slice(firstOfSecond).filter((entry) => !isSecond(entry))
        assert.deepStrictEqual(afterwards.map(describeEntry), [], `${cluster.name}: the first has not written any more`)
      }
    }),
)
