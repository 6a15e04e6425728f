/**
 * Whole passes over real API servers, with an object deleted and made anew under its name at the one moment that matters:
 * after the decision about it, before the write leaves.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { ObjectRef } from "../../src/effects/client/kube-client.ts"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import type { Resource } from "../../src/effects/client/resource.ts"
import { stringMapAt } from "../../src/effects/client/unstructured.ts"
import { syncOnce } from "../../src/sync/engine/syncer.ts"
import { installEsoCrds } from "../clusters/eso.ts"
import { Ground } from "../clusters/ground.ts"
import { type Around, aroundWrites, type Write } from "../support/before-writes.ts"
import type { KubeError } from "../support/kube-error.ts"
import { onGround } from "../support/on-ground.ts"
import { clusterSecretStores, configMaps, externalSecrets, secrets } from "../support/resources.ts"
import { syncLayers } from "../support/sync-layers.ts"
import { externalSecret, fakeStore, isReady, isRefused, readyOf, valueOf } from "../support/synced-pair.ts"
import { connect } from "./transport-client.ts"

const vcluster = { name: "vc", namespace: "team-x" }

/** One pass of ours, with something done around its writes into the virtual cluster. */
const pass = (around: Around = (_, send) => send) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { host, virtual } = yield* Ground
      const clients = {
        host: yield* connect(host.kubeconfig),
        virtual: aroundWrites(yield* connect(virtual.kubeconfig), around),
      }
      return yield* Effect.provide(syncOnce(60_000), syncLayers(clients, vcluster))
    }),
  )

/** Does `act` once, before the first write that `concerns`; `tags` tells how such writes ended. */
const once = (concerns: (write: Write) => boolean, act: Effect.Effect<unknown, KubeError>) => {
  const tags = new Array<string>()
  let done = false
  const around: Around = (write, send) =>
    Effect.gen(function* () {
      if (!concerns(write)) return yield* send
      if (!done) {
        done = true
        yield* Effect.orDie(act)
      }
      return yield* send.pipe(
        Effect.tapError(({ reason }) => Effect.sync(() => tags.push(reason._tag))),
        Effect.tap(() => Effect.sync(() => tags.push("written"))),
      )
    })
  return { around, tags }
}

const isAbout =
  (resource: Resource, name: string) =>
  (write: Write): boolean =>
    write.resource.plural === resource.plural && write.ref.name === name

const isStatusOf = (name: string) => (write: Write) =>
  isAbout(externalSecrets, name)(write) && (write.subresource === "status" || write.verb === "mergePatch")

/** ESO's CRDs on both sides; whoever needs ESO itself starts it. */
const prepared = Effect.gen(function* () {
  const { host, seedVcluster } = yield* Ground
  yield* installEsoCrds(host)
  yield* seedVcluster(vcluster)
  yield* pass()
})

/** Once for all tests that need it. */
const withOperator = Effect.runSync(
  Effect.cached(
    Effect.gen(function* () {
      const { host, startEso } = yield* Ground
      yield* prepared
      yield* startEso()
      yield* host.kube.apply(clusterSecretStores, fakeStore("store", { "/database/password": "s3cret" }))
    }),
  ),
)

const inDefault = (name: string): ObjectRef => ({ namespace: "default", name })

const plainSecret = (name: string, metadata: object = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { namespace: "default", name, ...metadata },
  data: { theirs: "MQ==" },
})

onGround("an object made anew while a pass writes", (it) => {
  it.effect("the status of a removed ExternalSecret never lands on its successor", () =>
    Effect.gen(function* () {
      yield* prepared
      const { virtual } = yield* Ground
      const old = yield* virtual.kube.create(externalSecrets, externalSecret("anew", { store: "first" }))
      const makeAnew = Effect.gen(function* () {
        yield* virtual.kube.delete(externalSecrets, inDefault("anew"))
        yield* virtual.kube.create(externalSecrets, externalSecret("anew", { store: "second" }))
      })
      const { around, tags } = once(isStatusOf("anew"), makeAnew)
      const seen = new Array<KubeObject>()
      yield* pass((write, send) =>
        around(write, send).pipe(
          Effect.ensuring(
            isStatusOf("anew")(write)
              ? virtual.kube.get(externalSecrets, inDefault("anew")).pipe(
                  Effect.tap((object) => Effect.sync(() => seen.push(object))),
                  Effect.orDie,
                )
              : Effect.void,
          ),
        ),
      )
      for (const object of seen) {
        assert.notStrictEqual(object.metadata.uid, old.metadata.uid)
        assert.notInclude(readyOf(object)?.message ?? "", "first")
      }
      assert.deepStrictEqual(tags, ["Conflict", "written"])
      const successor = yield* virtual.kube.get(externalSecrets, inDefault("anew"))
      assert.isTrue(isRefused("StoreNotImported")(successor), JSON.stringify(successor["status"]))
      assert.include(readyOf(successor)?.message ?? "", "second")
    }),
  )

  it.effect("a Secret made anew is looked at again, and no refusal is told", () =>
    Effect.gen(function* () {
      yield* withOperator
      const { virtual } = yield* Ground
      yield* virtual.kube.create(externalSecrets, externalSecret("rotated"))
      yield* pass()
      yield* virtual.kube.waitFor(externalSecrets, inDefault("rotated"), isReady)
      // Something to write: a key of ours is gone.
      yield* virtual.kube.patch(secrets, inDefault("rotated"), { data: { password: null } })
      const makeAnew = Effect.gen(function* () {
        yield* virtual.kube.delete(secrets, inDefault("rotated"))
        yield* virtual.kube.create(secrets, plainSecret("rotated"))
      })
      const { around, tags } = once((write) => write.verb === "apply" && isAbout(secrets, "rotated")(write), makeAnew)
      const told = new Array<string | undefined>()
      yield* pass((write, send) =>
        around(write, send).pipe(
          Effect.ensuring(
            virtual.kube.get(externalSecrets, inDefault("rotated")).pipe(
              Effect.tap((object) => Effect.sync(() => told.push(readyOf(object)?.reason))),
              Effect.orDie,
            ),
          ),
        ),
      )
      assert.strictEqual(tags[0], "Conflict")
      assert.notInclude(told, "TargetSecretRefused")
      assert.strictEqual(valueOf(yield* virtual.kube.get(secrets, inDefault("rotated")), "password"), "s3cret")
    }),
  )

  it.effect("a Secret that another controller made a moment ago is not taken over", () =>
    Effect.gen(function* () {
      yield* withOperator
      const { virtual } = yield* Ground
      const owner = yield* virtual.kube.create(configMaps, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { namespace: "default", name: "their-owner" },
      })
      const ownerReferences = [
        { apiVersion: "v1", kind: "ConfigMap", name: "their-owner", uid: owner.metadata.uid, controller: true },
      ]
      yield* virtual.kube.create(externalSecrets, externalSecret("taken"))
      const make = virtual.kube.create(secrets, plainSecret("taken", { ownerReferences }))
      const { around, tags } = once((write) => write.verb === "apply" && isAbout(secrets, "taken")(write), make)
      yield* pass(around)
      assert.strictEqual(tags[0], "Conflict")
      const standing = yield* virtual.kube.get(secrets, inDefault("taken"))
      assert.deepStrictEqual(stringMapAt(standing, "data"), { theirs: "MQ==" })
      assert.strictEqual(readyOf(yield* virtual.kube.get(externalSecrets, inDefault("taken")))?.status, "False")
    }),
  )
})
