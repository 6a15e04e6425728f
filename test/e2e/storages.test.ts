/** The main path, with the built binary and the real ESO, into virtual clusters on every storage that they have. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { ControlPlane } from "../clusters/control-plane.ts"
import { Ground, type GroundShape } from "../clusters/ground.ts"
import { documentedValues } from "../clusters/vcluster.ts"
import { onGround } from "../support/on-ground.ts"
import { clusterSecretStores, externalSecrets, secrets } from "../support/resources.ts"
import { type StorageCase, storages } from "../support/storages.ts"
import { binary, externalSecret, fakeStore, isReady, valueOf } from "../support/synced-pair.ts"

const app = { namespace: "default", name: "app" }
const notStreamed = /lists are not streamed/g

/** `sync --follow`, once its first pass is over. */
const startFollow = Effect.fnUntraced(function* (ground: GroundShape, virtual: ControlPlane, vcluster: string) {
  const { host } = ground
  const connection = ["-n", vcluster, "--kubeconfig", host.kubeconfig, "--virtual-kubeconfig", virtual.kubeconfig]
  const syncer = yield* ground.start({ file: binary, args: ["sync", vcluster, ...connection, "--follow"] })
  yield* syncer.waitForOutput(/in step/, { timeout: "60 seconds" })
  return syncer
})

/** The provider's value changes and the tenant asks for it; waits until the tenant has it. */
const rotate = Effect.fnUntraced(function* (host: ControlPlane, virtual: ControlPlane, store: string, value: string) {
  const data = [{ key: "/database/password", value }]
  yield* host.kube.patch(clusterSecretStores, { name: store }, { spec: { provider: { fake: { data } } } })
  yield* virtual.kube.patch(externalSecrets, app, { metadata: { annotations: { "force-sync": value } } })
  yield* virtual.kube.waitFor(secrets, app, (secret) => valueOf(secret, "password") === value)
})

const mainPath = Effect.fnUntraced(function* (storage: StorageCase, index: number) {
  const ground = yield* Ground
  const { host } = ground
  // Also the name of its namespace and its store.
  const vcluster = `storage-${index}`
  const virtual = yield* ground.addControlPlane({ ...storage.options, name: vcluster, controllerManager: false })
  yield* ground.seedVcluster({ name: vcluster, namespace: vcluster, values: documentedValues }, virtual)
  yield* host.kube.create(clusterSecretStores, fakeStore(vcluster, { "/database/password": "one" }))

  const first = yield* startFollow(ground, virtual, vcluster)
  yield* virtual.kube.create(externalSecrets, externalSecret("app", { store: vcluster }))
  yield* virtual.kube.waitFor(externalSecrets, app, isReady)
  yield* virtual.kube.waitFor(secrets, app, (secret) => valueOf(secret, "password") === "one")
  yield* rotate(host, virtual, vcluster, "two")
  yield* first.signal("SIGTERM")
  const { stderr } = yield* first.finished
  // A setting of the server's is no news; a storage that fails is, once, and not for each cache.
  assert.lengthOf([...stderr.matchAll(notStreamed)], storage.name === "kine-without-dbstat" ? 1 : 0, stderr)

  const second = yield* startFollow(ground, virtual, vcluster)
  yield* rotate(host, virtual, vcluster, "three")
  yield* virtual.stopApiServer("SIGTERM")
  yield* virtual.startApiServer()
  yield* rotate(host, virtual, vcluster, "four")
  yield* second.signal("SIGTERM")
  assert.strictEqual((yield* second.finished).code, 0)
  yield* virtual.stop
})

onGround(
  "a virtual cluster's storage",
  (it) => {
    for (const [index, storage] of storages.entries()) {
      const run = storage.missing === undefined ? it.effect : it.effect.skip
      const why = storage.missing === undefined ? "" : ` (skipped, because ${storage.missing})`
      run(`brings Secrets, rotations and restarts: ${storage.name}${why}`, () =>
        Effect.gen(function* () {
          if (index === 0) yield* (yield* Ground).startEso()
          yield* mainPath(storage, index)
        }),
      )
    }
  },
  // Each case has a virtual cluster of its own.
  { virtual: { controllerManager: false } },
)
