/** docs/moving-in.md: from an ESO inside the virtual cluster to the host's, without a gap. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { startEso } from "../clusters/eso.ts"
import { commandsOf, problemsIn, shell, watchSecret } from "../support/moving-in-page.ts"
import { makePath } from "../support/on-path.ts"
import { clusterSecretStores, externalSecrets, secrets } from "../support/resources.ts"
import {
  createReady,
  externalSecret,
  fakeStore,
  hostRef,
  isReady,
  SyncedPair,
  type SyncedPairShape,
  valueOf,
} from "../support/synced-pair.ts"

const ref = (name: string) => ({ namespace: "default", name })

const problemsOf = Effect.fnUntraced(function* (pair: SyncedPairShape) {
  const { stdout } = yield* pair.command("status", ["-o", "json"])
  return problemsIn(stdout)
})

layer(SyncedPair.layer({ follow: false }), { excludeTestServices: true, timeout: "10 minutes" })(
  "moving in from an ESO inside the virtual cluster",
  (it) => {
    it.effect(
      "case 7: left alone while it runs, named once it does not, taken over without a gap, and let go again",
      () =>
        Effect.gen(function* () {
          const pair = yield* SyncedPair
          const { ground } = pair
          const { host, virtual } = ground
          const { kube } = virtual
          const inner = yield* startEso(ground.watchdog, virtual)
          yield* kube.create(clusterSecretStores, fakeStore("store", { "/database/password": "theirs" }, {}))
          for (const name of ["app", "more", "hangs"]) yield* createReady(pair, externalSecret(name))
          const before = yield* kube.get(secrets, ref("app"))
          assert.strictEqual(valueOf(before, "password"), "theirs")
          const seen = yield* watchSecret(ground, virtual.kubeconfig, ref("app"))

          yield* pair.startFollow()
          const running = (yield* problemsOf(pair)).find(({ name }) => name === "app")
          assert.strictEqual(running?.reason, "ManagedByOtherOperator")
          assert.strictEqual(running?.command, "")
          assert.isUndefined(yield* host.kube.find(externalSecrets, hostRef("app")))

          yield* inner.stop()
          yield* kube.delete(clusterSecretStores, { name: "store" })
          yield* kube.waitFor(clusterSecretStores, { name: "store" }, ({ metadata }) =>
            Object.hasOwn(metadata.labels ?? {}, "vcluster-es.io/managed"),
          )
          const silent = (yield* problemsOf(pair)).find(({ name }) => name === "app")
          assert.strictEqual(silent?.reason, "OtherOperatorSilent")
          assert.include(silent?.message, "Deployment external-secrets-system/external-secrets is not alive")
          // Nothing was written over what the other one said.
          assert.isTrue(isReady(yield* kube.get(externalSecrets, ref("app"))))

          yield* kube.delete(externalSecrets, ref("hangs"))
          const hangs = (yield* problemsOf(pair)).find(({ name }) => name === "hangs")
          assert.strictEqual(hangs?.reason, "OtherOperatorSilent")
          assert.match(
            hangs?.message ?? "",
            /^it has been in deletion since .* waits for the External Secrets Operator/,
          )

          const path = yield* makePath(ground)
          const one = yield* shell(ground, path, virtual.kubeconfig, silent?.command ?? "false")
          assert.strictEqual(one.code, 0, one.stderr)
          const after = yield* kube.waitFor(secrets, ref("app"), (secret) => valueOf(secret, "password") === "s3cret")
          assert.strictEqual(after.metadata.uid, before.metadata.uid)
          assert.isUndefined(after.metadata.labels?.["reconcile.external-secrets.io/created-by"])
          assert.isUndefined(yield* host.kube.find(externalSecrets, hostRef("more")))

          const rest = yield* shell(
            ground,
            path,
            virtual.kubeconfig,
            commandsOf("hand over all ExternalSecrets, in the virtual cluster"),
          )
          assert.strictEqual(rest.code, 0, rest.stderr)
          yield* kube.waitFor(secrets, ref("more"), (secret) => valueOf(secret, "password") === "s3cret")
          yield* kube.waitUntilGone(externalSecrets, ref("hangs"))

          const { uid } = before.metadata
          for (const line of seen())
            assert.match(line, new RegExp(`^(ADDED|MODIFIED) ${uid} (${btoa("theirs")}|${btoa("s3cret")})$`))

          // The way back: it puts its finalizer on, and the Secret stays.
          yield* inner.start
          yield* host.kube.waitUntilGone(externalSecrets, hostRef("app"))
          assert.strictEqual((yield* kube.get(secrets, ref("app"))).metadata.uid, uid)
        }),
    )
  },
)
