/** 9: a value that was to be fetched once is not fetched again because a host copy was lost. 34: a Secret deleted to get a new value. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { installEsoCrds } from "../clusters/eso.ts"
import { copyOf, hiddenSecretOf, inVirtual } from "../support/attack.ts"
import { keepLogsOnFailure } from "../support/on-ground.ts"
import { clusterSecretStores, crds, externalSecrets, secrets } from "../support/resources.ts"
import {
  assertKept,
  awaitValue,
  carryThrough,
  forceSync,
  identities,
  servedByStore,
  setValue,
  storeWith,
} from "../support/stays.ts"
import { fakeStore, isReady, SyncedPair, valueOf } from "../support/synced-pair.ts"
import type { SyncedPairShape } from "../support/synced-pair.ts"
import { makeWitness } from "../support/witness.ts"

/** Those that ESO would never fetch again by itself. */
const lasting = {
  once: { refreshPolicy: "CreatedOnce" },
  never: { refreshInterval: "0" },
  "on-change": { refreshPolicy: "OnChange" },
} as const

const wishesOf = (prefix: string) =>
  Object.fromEntries(Object.entries(lasting).map(([name, spec]) => [`${prefix}-${name}`, { spec }]))

const hostKinds = ["externalsecrets", "secretstores", "clustersecretstores"]

/** As `helm uninstall` and `helm install` do, for a chart that brings its CRDs. What stood in them is gone, the operator's stores too. */
const reinstallOperator = Effect.fnUntraced(function* ({ ground, eso }: SyncedPairShape) {
  const names = hostKinds.map((kind) => ({ name: `${kind}.external-secrets.io` }))
  // ESO is at work still: it takes off its own finalizers.
  yield* Effect.forEach(names, (crd) => ground.host.kube.delete(crds, crd), { discard: true })
  yield* Effect.forEach(names, (crd) => ground.host.kube.waitUntilGone(crds, crd), { discard: true })
  yield* eso?.stop() ?? Effect.void
  yield* installEsoCrds(ground.host)
  yield* eso?.start ?? Effect.void
  yield* ground.host.kube.create(clusterSecretStores, fakeStore("store", { "/database/password": "s3cret" }))
})

layer(SyncedPair.layer(), { excludeTestServices: true, timeout: "10 minutes" })("a value", (it) => {
  keepLogsOnFailure("what-stays-values")

  it.effect("9: fetched once stays when the host copy is deleted; what asks for a new one still gets it", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const wishes = wishesOf("lost")
      const names = Object.keys(wishes)
      yield* servedByStore(pair, "lost", { ...wishes, "lost-hourly": {} })
      const before = yield* identities(pair, [...names, "lost-hourly"])
      const witness = yield* makeWitness(virtual.kube)
      yield* setValue(pair, "lost", "two")
      for (const { name } of before) yield* host.kube.delete(externalSecrets, copyOf(name))
      for (const { name, copy } of before)
        yield* host.kube.waitFor(
          externalSecrets,
          copyOf(name),
          (object) => object.metadata.uid !== copy && isReady(object),
          { what: `another host copy of ${name}` },
        )
      yield* awaitValue(pair, "lost-hourly", "two")
      yield* carryThrough(pair, "lost")
      yield* assertKept(witness, names, ["one"])
      yield* virtual.kube.patch(externalSecrets, inVirtual("lost-on-change"), { metadata: { labels: { new: "yes" } } })
      yield* awaitValue(pair, "lost-on-change", "two")
      yield* virtual.kube.delete(secrets, inVirtual("lost-once"))
      yield* awaitValue(pair, "lost-once", "two")
    }),
  )

  it.effect("9: fetched once stays when the Secret that ESO made on the host is deleted by hand", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const names = ["hidden-once", "hidden-never"]
      yield* servedByStore(pair, "hidden", {
        "hidden-once": { spec: lasting.once },
        "hidden-never": { spec: lasting.never },
      })
      const witness = yield* makeWitness(virtual.kube)
      yield* setValue(pair, "hidden", "two")
      for (const name of names) {
        const { metadata } = yield* host.kube.get(secrets, hiddenSecretOf(name))
        yield* host.kube.delete(secrets, hiddenSecretOf(name))
        yield* host.kube.waitFor(secrets, hiddenSecretOf(name), (secret) => secret.metadata.uid !== metadata.uid)
      }
      yield* carryThrough(pair, "hidden")
      yield* assertKept(witness, names, ["one"])
    }),
  )

  it.effect("9: fetched once stays when ESO and its CRDs are reinstalled on the host", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const wishes = wishesOf("again")
      const names = Object.keys(wishes)
      yield* servedByStore(pair, "again", { ...wishes, "again-hourly": {} })
      const before = yield* identities(pair, [...names, "again-hourly"])
      const witness = yield* makeWitness(virtual.kube)
      yield* reinstallOperator(pair)
      yield* host.kube.create(clusterSecretStores, storeWith("again", "two"))
      yield* forceSync(pair, "again-hourly", "again")
      yield* awaitValue(pair, "again-hourly", "two")
      for (const name of names) yield* host.kube.waitFor(externalSecrets, copyOf(name), isReady)
      yield* carryThrough(pair, "again")
      yield* assertKept(witness, names, ["one"])
      yield* assertKept(witness, ["again-hourly"], ["one", "two"])
      for (const { name, secret } of before)
        assert.strictEqual((yield* virtual.kube.get(secrets, inVirtual(name))).metadata.uid, secret, name)
    }),
  )

  it.effect("34: a Secret deleted to get a new value is back at once, and soon with the provider's newest", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { virtual } = pair.ground
      yield* servedByStore(pair, "asked", { asked: { spec: { refreshInterval: "15m" } } })
      yield* setValue(pair, "asked", "two")
      const { metadata } = yield* virtual.kube.get(secrets, inVirtual("asked"))
      const witness = yield* makeWitness(virtual.kube)
      yield* virtual.kube.delete(secrets, inVirtual("asked"))
      yield* virtual.kube.waitFor(
        secrets,
        inVirtual("asked"),
        (secret) => secret.metadata.uid !== metadata.uid && valueOf(secret, "password") === "two",
        { timeout: "20 seconds", what: "the new value" },
      )
      const anew = (yield* witness.sights).filter(
        ({ type, object }) => type !== "DELETED" && object.metadata.name === "asked",
      )
      // Never empty: the old value, or the new one, from the first moment.
      for (const { object } of anew) assert.include(["one", "two"], valueOf(object, "password"))
    }),
  )
})
