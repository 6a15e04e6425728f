/** At rest the syncer writes nothing (DESIGN §7): a minute of the audit logs of both clusters. */
import { assert, it } from "@effect/vitest"
import { type Duration, Effect } from "effect"
import { describeEntry, isWrite } from "../clusters/audit-log.ts"
import { ourAgent } from "../support/complaint.ts"
import { events, externalSecrets, secrets } from "../support/resources.ts"
import { externalSecret, isReady, SyncedPair, vcluster } from "../support/synced-pair.ts"

const count = 100

it.live(
  "100 ExternalSecrets with ESO running: for 60 seconds not one write but the Lease's",
  () =>
    Effect.gen(function* () {
      const { ground, command, eso, syncer } = yield* SyncedPair
      const { host, virtual } = ground
      const names = Array.from({ length: count }, (_, index) => `quiet-${index}`)
      yield* Effect.forEach(names, (name) => virtual.kube.create(externalSecrets, externalSecret(name)), {
        concurrency: 8,
        discard: true,
      })
      const allReady = (timeout: Duration.Input) =>
        virtual.kube.waitForList(
          externalSecrets,
          { namespace: "default" },
          (objects) => objects.filter(isReady).length === count,
          { timeout },
        )
      // ESO 0.20 sometimes stalls with all its workers on objects that have its finalizer and no status; a restart frees it.
      yield* allReady("40 seconds").pipe(
        Effect.catch(() =>
          (eso?.stop() ?? Effect.void).pipe(
            Effect.andThen(eso?.start ?? Effect.void),
            Effect.andThen(allReady("90 seconds")),
          ),
        ),
      )
      yield* virtual.kube.waitForList(
        secrets,
        { namespace: "default", labelSelector: "vcluster-es.io/managed=true" },
        (objects) => objects.length === count,
        { timeout: "60 seconds" },
      )
      // ESO has told of each, and so have we.
      yield* virtual.kube.waitForList(
        events,
        { namespace: "default", labelSelector: "vcluster-es.io/managed=true" },
        (objects) => objects.length >= count,
        { timeout: "60 seconds" },
      )
      const plan = yield* command("sync", ["--dry-run"])
      assert.strictEqual(plan.stdout, "✓ in step: nothing would change\n")
      const marks = [yield* host.audit.mark, yield* virtual.audit.mark] as const
      // Long enough for ESO's own rounds and for bookmarks of every watch; nothing can be awaited where nothing is to happen.
      yield* Effect.sleep("60 seconds")
      const onHost = (yield* host.audit.since(marks[0])).filter(ourAgent)
      const onVirtual = (yield* virtual.audit.since(marks[1])).filter(ourAgent)
      const writes = [...onHost, ...onVirtual].filter(isWrite)
      const renewals = writes.filter(
        ({ objectRef }) => objectRef?.resource === "leases" && objectRef.namespace === vcluster.namespace,
      )
      assert.deepStrictEqual(writes.filter((entry) => !renewals.includes(entry)).map(describeEntry), [])
      assert.isAtLeast(renewals.length, 5, "the syncer is alive")
      assert.isAtMost(renewals.length, 20)
      assert.isFalse(syncer?.process.hasExited() ?? true)
    }).pipe(Effect.provide(SyncedPair.layer()), Effect.scoped),
  400_000,
)
