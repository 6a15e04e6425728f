/** What happens to a real vCluster in its life: it crashes, is restarted, upgraded, paused, resumed, uninstalled, installed anew. Nobody loses a Secret by it. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { describeEntry } from "../clusters/audit-log.ts"
import type { Running } from "../clusters/programs.ts"
import type { RealVcluster } from "../clusters/real-vcluster.ts"
import { documentedValues } from "../clusters/vcluster.ts"
import { ourAgent } from "../support/complaint.ts"
import {
  clusterSecretStores,
  externalSecrets,
  leases,
  namespaces,
  secrets,
  secretStores,
} from "../support/resources.ts"
import { externalSecret, fakeStore, isReady, valueOf } from "../support/synced-pair.ts"
import { besideVcluster, inPod, VclusterPair } from "../support/vcluster-pair.ts"

const app = { namespace: "default", name: "app" }

const has = (value: string) => (secret: KubeObject) => valueOf(secret, "password") === value

/** Asked every ten seconds, so that ESO brings a new value while the virtual cluster is away. */
const createApp = Effect.gen(function* () {
  const { vcluster } = yield* VclusterPair
  yield* vcluster.kube.create(externalSecrets, externalSecret(app.name, { spec: { refreshInterval: "10s" } }))
  return yield* vcluster.kube.waitFor(secrets, app, has("s3cret"))
})

const hostSecretOf = Effect.gen(function* () {
  const { ground, vcluster } = yield* VclusterPair
  const found = yield* ground.host.kube.list(secrets, {
    namespace: vcluster.namespace,
    labelSelector: "reconcile.external-secrets.io/managed=true",
  })
  return found.find(({ metadata }) => metadata.name.startsWith(app.name)) ?? assert.fail("ESO wrote no Secret")
})

const rotate = Effect.fnUntraced(function* (value: string) {
  const { ground } = yield* VclusterPair
  const { metadata } = yield* hostSecretOf
  yield* ground.host.kube.apply(clusterSecretStores, fakeStore("store", { "/database/password": value }))
  return yield* ground.host.kube.waitFor(secrets, { ...metadata }, has(value))
})

const identityOf = ({ kube }: RealVcluster) =>
  Effect.map(kube.get(namespaces, { name: "kube-system" }), ({ metadata }) => metadata.uid)

/** No request of ours has deleted anything meanwhile, on either side. */
const deletingNothing = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const { ground, vcluster } = yield* VclusterPair
  const marks = { host: yield* ground.host.audit.mark, virtual: yield* vcluster.audit.mark }
  const result = yield* effect
  const seen = [...(yield* ground.host.audit.since(marks.host)), ...(yield* vcluster.audit.since(marks.virtual))]
  const deletions = seen.filter((entry) => ourAgent(entry) && entry.verb.startsWith("delete"))
  assert.deepStrictEqual(deletions.map(describeEntry), [])
  return result
})

/** A watch that was refused for long asks again after a minute at the latest, as client-go's do (30 seconds, and as much jitter). */
const heardAgain = { timeout: "120 seconds" } as const

besideVcluster("the life of a vCluster", (it) => {
  /** The one that is at work after the upgrade. */
  let upgraded: Running | undefined

  for (const signal of ["SIGTERM", "SIGKILL"] as const)
    it.effect(`ended by ${signal} and started again: what changed meanwhile arrives`, () =>
      Effect.gen(function* () {
        const { vcluster, syncer } = yield* VclusterPair
        if ((yield* vcluster.kube.find(externalSecrets, app)) === undefined) yield* createApp
        const before = yield* vcluster.kube.get(secrets, app)
        yield* deletingNothing(
          Effect.gen(function* () {
            yield* vcluster.stop(signal)
            yield* rotate(`after ${signal}`)
            yield* vcluster.start
            const after = yield* vcluster.kube.waitFor(secrets, app, has(`after ${signal}`), heardAgain)
            assert.strictEqual(after.metadata.uid, before.metadata.uid)
          }),
        )
        assert.isFalse(syncer?.process.hasExited())
      }),
    )

  it.effect("paused: status says so, and nothing is deleted; resumed: all goes on", () =>
    Effect.gen(function* () {
      const { vcluster, command } = yield* VclusterPair
      yield* deletingNothing(
        Effect.gen(function* () {
          yield* vcluster.pause
          const { code, stdout, stderr } = yield* Effect.flatMap(
            command(["status", vcluster.name]),
            (running) => running.finished,
          )
          assert.notStrictEqual(code, 0, stdout)
          assert.match(stdout + stderr, /paused/)
          yield* rotate("while paused")
          yield* vcluster.resume
          yield* vcluster.kube.waitFor(secrets, app, has("while paused"), heardAgain)
        }),
      )
      yield* vcluster.kube.create(externalSecrets, externalSecret("after-the-pause"))
      yield* vcluster.kube.waitFor(
        externalSecrets,
        { namespace: "default", name: "after-the-pause" },
        isReady,
        heardAgain,
      )
    }),
  )

  it.effect("upgraded in place, with another setting: what was there stays untouched, what is new works", () =>
    Effect.gen(function* () {
      const { vcluster, syncer, startSyncer } = yield* VclusterPair
      const { externalSecrets: integration } = documentedValues.integrations
      const sync = { ...integration.sync, toHost: { stores: { enabled: true } } }
      const before = yield* vcluster.kube.get(secrets, app)
      yield* deletingNothing(
        Effect.gen(function* () {
          yield* vcluster.upgrade({
            values: { integrations: { externalSecrets: { ...integration, sync } } },
          })
          // A Deployment's rollout: the new pod waits for the old one's Lease.
          yield* syncer?.signal("SIGTERM") ?? Effect.void
          upgraded = yield* startSyncer
        }),
      )
      const after = yield* vcluster.kube.get(secrets, app)
      assert.strictEqual(after.metadata.resourceVersion, before.metadata.resourceVersion)
      yield* vcluster.kube.create(secretStores, {
        ...fakeStore("own", { "/own": "mine" }, {}),
        kind: "SecretStore",
        metadata: { name: "own", namespace: "default" },
      })
      const spec = { secretStoreRef: { kind: "SecretStore", name: "own" } }
      yield* vcluster.kube.create(externalSecrets, externalSecret("by-own-store", { key: "/own", spec }))
      yield* vcluster.kube.waitFor(secrets, { namespace: "default", name: "by-own-store" }, has("mine"))
    }),
  )

  it.effect("helm uninstall leaves nothing of ours; one that is installed anew under the name is a new one", () =>
    Effect.gen(function* () {
      const { ground, vcluster } = yield* VclusterPair
      const { kube } = ground.host
      const { namespace, name } = vcluster
      const before = yield* identityOf(vcluster)
      const lease = { namespace, name: `vcluster-es-${name}` }
      assert.isDefined(yield* kube.find(leases, lease))
      yield* vcluster.uninstall
      const labelSelector = `vcluster-es.io/managed-by=${name}`
      for (const resource of [externalSecrets, secretStores, secrets]) {
        yield* kube.waitForList(resource, { namespace, labelSelector }, (left) => left.length === 0)
      }
      yield* kube.waitForList(
        secrets,
        { namespace, labelSelector: "reconcile.external-secrets.io/managed=true" },
        (left) => left.length === 0,
      )
      yield* kube.waitUntilGone(leases, lease)
      // Nor does it come back: a syncer that still runs gives up.
      const ended = yield* upgraded?.finished ?? Effect.undefined
      assert.strictEqual(ended?.code, 1, ended?.stderr)
      assert.isUndefined(yield* kube.find(leases, lease))

      const anew = yield* ground.startRealVcluster({ name, namespace, values: documentedValues })
      const next = yield* inPod(ground, anew, ["sync", name]).pipe(Effect.flatMap(({ finished }) => finished))
      assert.strictEqual(next.code, 0, next.stderr)
      assert.notStrictEqual(yield* identityOf(anew), before)
    }),
  )
})
