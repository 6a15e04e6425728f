/** What the tenant has stays (DESIGN §4): refused edits, stores that are away, authorisations withdrawn, settings. With the numbers of field-cases. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { arrayAt, stringAt } from "../../src/effects/client/unstructured.ts"
import { assertNothingOnHost, copyOf, hiddenSecretOf, inVirtual } from "../support/attack.ts"
import { keepLogsOnFailure } from "../support/on-ground.ts"
import { replaceByForce } from "../support/players/gitops.ts"
import { clusterSecretStores, externalSecrets, secrets } from "../support/resources.ts"
import {
  assertKept,
  awaitTold,
  awaitValue,
  carryThrough,
  forceSync,
  identities,
  servedByStore,
  setLabel,
  setValue,
  sinceWhen,
  storeWith,
} from "../support/stays.ts"
import { createReady, externalSecret, isReady, isRefused, readyOf, SyncedPair } from "../support/synced-pair.ts"
import { makeWitness } from "../support/witness.ts"

const entry = { secretKey: "password", remoteRef: { key: "/database/password" } }

/** What a tenant may write into a running ExternalSecret by mistake. */
const refusedEdits = {
  generator: {
    reason: "GeneratorNotAllowed",
    spec: {
      dataFrom: [
        {
          sourceRef: {
            generatorRef: {
              apiVersion: "generators.external-secrets.io/v1alpha1",
              kind: "ECRAuthorizationToken",
              name: "token",
            },
          },
        },
      ],
    },
  },
  "key-twice": {
    reason: "InvalidSpec",
    spec: { data: [entry, { ...entry, remoteRef: { key: "/login" } }] },
  },
  policies: { reason: "InvalidSpec", spec: { target: { creationPolicy: "Merge", deletionPolicy: "Delete" } } },
  "other-store": {
    reason: "StoreNotImported",
    spec: { secretStoreRef: { kind: "ClusterSecretStore", name: "private" } },
  },
} as const

const mended = (store: string) => ({
  secretStoreRef: { kind: "ClusterSecretStore", name: store },
  target: { creationPolicy: "Owner", deletionPolicy: "Retain" },
  data: [entry],
  dataFrom: null,
})

layer(SyncedPair.layer(), { excludeTestServices: true, timeout: "10 minutes" })("what the tenant has stays", (it) => {
  keepLogsOnFailure("what-stays")

  it.effect(
    "1: an edit that is refused takes nothing away; the last accepted spec serves, and the tenant reads so",
    () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host, virtual } = pair.ground
        const names = Object.keys(refusedEdits)
        const often = { spec: { refreshInterval: "2s" } }
        yield* servedByStore(pair, "edited", Object.fromEntries(names.map((name) => [name, often])))
        const before = yield* identities(pair, names)
        const witness = yield* makeWitness(virtual.kube)
        for (const [name, { reason, spec }] of Object.entries(refusedEdits)) {
          const { metadata } = yield* virtual.kube.get(externalSecrets, inVirtual(name))
          yield* virtual.kube.patch(externalSecrets, inVirtual(name), { spec })
          const told = yield* virtual.kube.waitFor(externalSecrets, inVirtual(name), isRefused(reason), {
            what: `the edit of ${name} refused as ${reason}`,
          })
          assert.match(readyOf(told)?.message ?? "", new RegExp(`generation ${metadata.generation}\\b`))
        }
        yield* setValue(pair, "edited", "two")
        for (const name of names) yield* awaitValue(pair, name, "two")
        assert.deepStrictEqual(yield* identities(pair, names), before)
        for (const name of names) {
          const copy = yield* host.kube.get(externalSecrets, copyOf(name))
          assert.lengthOf(arrayAt(copy, "spec", "data"), 1, name)
          assert.isEmpty(arrayAt(copy, "spec", "dataFrom"), name)
          assert.strictEqual(stringAt(copy, "spec", "secretStoreRef", "name"), "edited")
          const still = yield* virtual.kube.get(externalSecrets, inVirtual(name))
          assert.strictEqual(readyOf(still)?.status, "False", `${name} is not ready while its edit is refused`)
        }
        for (const name of names) {
          yield* virtual.kube.patch(externalSecrets, inVirtual(name), { spec: mended("edited") })
          yield* virtual.kube.waitFor(externalSecrets, inVirtual(name), isReady)
        }
        assert.deepStrictEqual(yield* identities(pair, names), before)
        yield* assertKept(witness, names, ["one", "two"])
      }),
  )

  it.effect("1: an annotation by templateFrom, as the documentation has it, takes nothing away", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { virtual } = pair.ground
      yield* servedByStore(pair, "documented", { annotated: {} })
      const before = yield* identities(pair, ["annotated"])
      const witness = yield* makeWitness(virtual.kube)
      yield* virtual.kube.patch(externalSecrets, inVirtual("annotated"), {
        // Without it ESO leaves the template's data only: here there is none.
        spec: {
          target: {
            template: {
              mergePolicy: "Merge",
              templateFrom: [{ target: "Annotations", literal: "owner: team-a" }],
            },
          },
        },
      })
      yield* virtual.kube.waitFor(
        secrets,
        inVirtual("annotated"),
        ({ metadata }) => metadata.annotations?.["owner"] === "team-a",
      )
      yield* carryThrough(pair, "annotation")
      assert.deepStrictEqual(yield* identities(pair, ["annotated"]), before)
      yield* assertKept(witness, ["annotated"], ["one"])
    }),
  )

  it.effect(
    "2: a ClusterSecretStore that the operator's GitOps replaces by force costs no Secret, and no new fetch",
    () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { ground } = pair
        const names = ["replaced-0", "replaced-1", "replaced-2", "replaced-3"]
        const wishes = Object.fromEntries(names.map((name) => [name, {}]))
        yield* servedByStore(pair, "replaced", {
          ...wishes,
          "replaced-once": { spec: { refreshPolicy: "CreatedOnce" } },
        })
        const before = yield* identities(pair, [...names, "replaced-once"])
        const witness = yield* makeWitness(ground.virtual.kube)
        for (const value of ["two", "three"]) yield* replaceByForce(ground, ground.host, storeWith("replaced", value))
        for (const name of names) {
          yield* forceSync(pair, name, "now")
          yield* awaitValue(pair, name, "three")
        }
        assert.deepStrictEqual(yield* identities(pair, [...names, "replaced-once"]), before)
        yield* assertKept(witness, names, ["one", "three"])
        yield* assertKept(witness, ["replaced-once"], ["one"])
      }),
  )

  it.effect("2: a store that is gone and comes back: nothing goes, also when the syncer starts meanwhile", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const names = ["away-0", "away-1", "away-2"]
      yield* servedByStore(pair, "away", Object.fromEntries(names.map((name) => [name, {}])))
      const before = yield* identities(pair, names)
      const witness = yield* makeWitness(virtual.kube)
      yield* host.kube.delete(clusterSecretStores, { name: "away" })
      yield* virtual.kube.create(externalSecrets, externalSecret("away-late", { store: "away" }))
      yield* awaitTold(pair, "away-late", /away/)
      // As in one cluster: whoever asks ESO now is told that the store is not there.
      yield* forceSync(pair, "away-0", "while-away")
      yield* virtual.kube.waitFor(externalSecrets, inVirtual("away-0"), (object) => !isReady(object))
      yield* pair.syncer?.signal("SIGTERM") ?? Effect.void
      yield* pair.syncer?.finished ?? Effect.void
      yield* pair.startFollow()
      yield* carryThrough(pair, "away")
      assert.deepStrictEqual(yield* identities(pair, names), before)
      yield* assertKept(witness, names, ["one"])
      yield* host.kube.create(clusterSecretStores, storeWith("away", "two"))
      for (const name of names) {
        yield* forceSync(pair, name, "back")
        yield* awaitValue(pair, name, "two")
        yield* virtual.kube.waitFor(externalSecrets, inVirtual(name), isReady)
      }
      yield* awaitValue(pair, "away-late", "two")
      assert.deepStrictEqual(yield* identities(pair, names), before)
      yield* assertKept(witness, names, ["one", "two"])
    }),
  )

  it.effect(
    "2: a label taken off a store stops new values at once and leaves the Secrets, whatever becomes of the store",
    () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host, virtual } = pair.ground
        const names = ["withdrawn-0", "withdrawn-1"]
        // ESO looks every second: a value that could come would.
        const often = { spec: { refreshInterval: "1s" } }
        yield* servedByStore(pair, "withdrawn", Object.fromEntries(names.map((name) => [name, often])))
        const secretsBefore = (yield* identities(pair, names)).map(({ secret }) => secret)
        const witness = yield* makeWitness(virtual.kube)
        yield* setLabel(pair, "withdrawn", null)
        yield* setValue(pair, "withdrawn", "two")
        for (const name of names) {
          yield* host.kube.waitUntilGone(externalSecrets, copyOf(name))
          yield* host.kube.waitUntilGone(secrets, hiddenSecretOf(name))
          yield* awaitTold(pair, name, sinceWhen)
        }
        yield* host.kube.delete(clusterSecretStores, { name: "withdrawn" })
        yield* host.kube.create(clusterSecretStores, storeWith("withdrawn", "three", {}))
        for (const name of names) yield* forceSync(pair, name, "please")
        yield* carryThrough(pair, "withdrawn")
        for (const name of names) {
          yield* assertNothingOnHost(pair, name)
          const told = yield* awaitTold(pair, name, sinceWhen)
          assert.include(readyOf(told)?.message, "withdrawn")
        }
        yield* assertKept(witness, names, ["one"])
        yield* setValue(pair, "withdrawn", "four")
        yield* setLabel(pair, "withdrawn", "true")
        for (const name of names) yield* awaitValue(pair, name, "four")
        yield* assertKept(witness, names, ["one", "four"])
        assert.deepStrictEqual(
          (yield* identities(pair, names)).map(({ secret }) => secret),
          secretsBefore,
        )
      }),
  )

  it.effect("2: a store that is replaced by one without the label and with another value yields it to nobody", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { ground } = pair
      const names = ["swapped-0", "swapped-1"]
      const often = { spec: { refreshInterval: "1s" } }
      yield* servedByStore(pair, "swapped", Object.fromEntries(names.map((name) => [name, often])))
      const witness = yield* makeWitness(ground.virtual.kube)
      yield* replaceByForce(ground, ground.host, storeWith("swapped", "two", {}))
      for (const name of names) {
        yield* ground.host.kube.waitUntilGone(externalSecrets, copyOf(name))
        yield* awaitTold(pair, name, sinceWhen)
      }
      yield* carryThrough(pair, "swapped")
      yield* assertKept(witness, names, ["one"])
    }),
  )

  it.effect("2: edits that are refused and a store that is withdrawn meet: the copy goes, the Secret stays", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      yield* servedByStore(pair, "both", { both: { spec: { refreshInterval: "1s" } } })
      const witness = yield* makeWitness(virtual.kube)
      yield* virtual.kube.patch(externalSecrets, inVirtual("both"), { spec: refusedEdits["key-twice"].spec })
      yield* virtual.kube.waitFor(externalSecrets, inVirtual("both"), isRefused("InvalidSpec"))
      assert.isDefined(yield* host.kube.find(externalSecrets, copyOf("both")))
      yield* setLabel(pair, "both", null)
      yield* host.kube.waitUntilGone(externalSecrets, copyOf("both"))
      yield* setValue(pair, "both", "two")
      yield* carryThrough(pair, "both")
      yield* assertKept(witness, ["both"], ["one"])
      // Nobody's production: it has never had a value.
      const never = yield* virtual.kube.create(externalSecrets, externalSecret("never", { store: "both" }))
      yield* virtual.kube.waitFor(externalSecrets, never.metadata, isRefused("StoreNotImported"))
      yield* assertNothingOnHost(pair, "never")
      yield* createReady(pair, externalSecret("after-never"))
    }),
  )
})
