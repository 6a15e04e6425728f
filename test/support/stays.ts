/** What the tests of «what the tenant has stays» share: stores whose values change, what is told, and what stood before. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { copyOf, inVirtual } from "./attack.ts"
import { clusterSecretStores, externalSecrets, secrets } from "./resources.ts"
import { awaitSecret, createReady, externalSecret, fakeStore, readyOf, valueOf } from "./synced-pair.ts"
import type { ExternalSecretOptions, SyncedPairShape } from "./synced-pair.ts"
import type { Witness } from "./witness.ts"

/** A store with one value of interest. */
export const storeWith = (name: string, value: string, labels?: Readonly<Record<string, string>>): KubeObject =>
  fakeStore(name, { "/database/password": value }, labels)

export const setValue = ({ ground }: SyncedPairShape, store: string, value: string) =>
  ground.host.kube.patch(clusterSecretStores, { name: store }, { spec: storeWith(store, value)["spec"] })

/** @param value `null` takes the label off */
export const setLabel = ({ ground }: SyncedPairShape, store: string, value: "true" | null) =>
  ground.host.kube.patch(
    clusterSecretStores,
    { name: store },
    { metadata: { labels: { "vcluster-accessible": value } } },
  )

export const forceSync = ({ ground }: SyncedPairShape, name: string, token: string) =>
  ground.virtual.kube.patch(externalSecrets, inVirtual(name), { metadata: { annotations: { "force-sync": token } } })

export const awaitValue = (pair: SyncedPairShape, name: string, value: string) =>
  pair.ground.virtual.kube.waitFor(secrets, inVirtual(name), (secret) => valueOf(secret, "password") === value, {
    what: `${name} is ${value}`,
  })

/** A store with the value `one`, imported, and ExternalSecrets that have got it. */
export const servedByStore = Effect.fnUntraced(function* (
  pair: SyncedPairShape,
  store: string,
  wishes: Readonly<Record<string, ExternalSecretOptions>>,
) {
  const { host, virtual } = pair.ground
  yield* host.kube.create(clusterSecretStores, storeWith(store, "one"))
  yield* virtual.kube.waitFor(clusterSecretStores, { name: store })
  const create = ([name, options]: [string, ExternalSecretOptions]) =>
    Effect.andThen(createReady(pair, externalSecret(name, { store, ...options })), awaitValue(pair, name, "one"))
  yield* Effect.forEach(Object.entries(wishes), create, { concurrency: 4, discard: true })
})

/** UIDs of the tenant's Secrets and of the host copies, by name. */
export const identities = Effect.fnUntraced(function* (pair: SyncedPairShape, names: ReadonlyArray<string>) {
  const { host, virtual } = pair.ground
  return yield* Effect.forEach(names, (name) =>
    Effect.all({
      name: Effect.succeed(name),
      secret: Effect.map(virtual.kube.get(secrets, inVirtual(name)), ({ metadata }) => metadata.uid),
      copy: Effect.map(host.kube.get(externalSecrets, copyOf(name)), ({ metadata }) => metadata.uid),
    }),
  )
})

/** What was done before has been looked at, as far as anything can show it: an object that was made after it is served. */
export const carryThrough = Effect.fnUntraced(function* (pair: SyncedPairShape, after: string) {
  yield* createReady(pair, externalSecret(`after-${after}`))
  yield* awaitSecret(pair, `after-${after}`)
})

/** Not ready, and the message has this in it. */
export const awaitTold = (pair: SyncedPairShape, name: string, message: RegExp) =>
  pair.ground.virtual.kube.waitFor(
    externalSecrets,
    inVirtual(name),
    (object) => readyOf(object)?.status === "False" && message.test(readyOf(object)?.message ?? ""),
    { what: `${name} is told ${message}` },
  )

/** The time from which on there is no new value, as the condition says it. */
export const sinceWhen = /since \d{4}-\d\d-\d\dT\d\d:\d\d/

/** None of these Secrets was absent for a moment, and each has had these values and no other. */
export const assertKept = Effect.fnUntraced(function* (
  witness: Witness,
  names: ReadonlyArray<string>,
  values: ReadonlyArray<string>,
) {
  const lost = yield* witness.lost
  assert.deepStrictEqual(
    lost.filter((name) => names.includes(name)),
    [],
    "Secrets that were absent",
  )
  for (const name of names) assert.deepStrictEqual(yield* witness.valuesOf(name), values, `values of ${name}`)
})
