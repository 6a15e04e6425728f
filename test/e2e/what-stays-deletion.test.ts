/** 8: an ExternalSecret that is deleted takes its Secret along only where Kubernetes' collector would, and not before it. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { copyOf, hiddenSecretOf, inVirtual } from "../support/attack.ts"
import { keepLogsOnFailure } from "../support/on-ground.ts"
import { whileCollectorIsAway } from "../support/players/garbage-collector.ts"
import { configMaps, externalSecrets, secrets } from "../support/resources.ts"
import { assertKept, carryThrough, identities } from "../support/stays.ts"
import { awaitSecret, createReady, externalSecret, SyncedPair, valueOf } from "../support/synced-pair.ts"
import type { SyncedPairShape } from "../support/synced-pair.ts"
import { makeWitness } from "../support/witness.ts"

const namesOf = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}-${index}`)

const createAll = (pair: SyncedPairShape, names: ReadonlyArray<string>) =>
  Effect.forEach(names, (name) => Effect.andThen(createReady(pair, externalSecret(name)), awaitSecret(pair, name)), {
    concurrency: 4,
    discard: true,
  })

const orphan = ({ ground }: SyncedPairShape, names: ReadonlyArray<string>) =>
  Effect.forEach(names, (name) => ground.virtual.kube.delete(externalSecrets, inVirtual(name), "Orphan"), {
    concurrency: 8,
    discard: true,
  })

const awaitNothingOnHost = Effect.fnUntraced(function* ({ ground }: SyncedPairShape, name: string) {
  yield* ground.host.kube.waitUntilGone(externalSecrets, copyOf(name))
  yield* ground.host.kube.waitUntilGone(secrets, hiddenSecretOf(name))
})

/** The ExternalSecrets are gone from both clusters, the Secrets are nobody's and the same as before. */
const assertOrphaned = Effect.fnUntraced(function* (
  pair: SyncedPairShape,
  before: ReadonlyArray<{ readonly name: string; readonly secret: string | undefined }>,
) {
  const { virtual } = pair.ground
  for (const { name, secret } of before) {
    yield* virtual.kube.waitUntilGone(externalSecrets, inVirtual(name))
    yield* awaitNothingOnHost(pair, name)
    const left = yield* virtual.kube.get(secrets, inVirtual(name))
    assert.strictEqual(left.metadata.uid, secret, name)
    assert.isEmpty(left.metadata.ownerReferences ?? [], name)
    assert.strictEqual(valueOf(left, "password"), "s3cret")
  }
})

const coOwner: KubeObject = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "co-owner", namespace: "default" },
}

layer(SyncedPair.layer(), { excludeTestServices: true, timeout: "10 minutes" })("a deletion", (it) => {
  keepLogsOnFailure("what-stays-deletion")

  it.effect("8: that orphans 20 at once keeps every Secret, while the collector is away and when it is back", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { virtual } = pair.ground
      const names = namesOf("slow", 20)
      yield* createAll(pair, names)
      const before = yield* identities(pair, names)
      const witness = yield* makeWitness(virtual.kube)
      yield* whileCollectorIsAway(
        virtual,
        Effect.gen(function* () {
          yield* orphan(pair, names)
          yield* carryThrough(pair, "slow")
        }),
      )
      yield* assertOrphaned(pair, before)
      yield* assertKept(witness, names, ["s3cret"])
    }),
  )

  it.effect("8: and with a collector that knows the kind", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const names = namesOf("quick", 20)
      yield* createAll(pair, names)
      const before = yield* identities(pair, names)
      const witness = yield* makeWitness(pair.ground.virtual.kube)
      yield* orphan(pair, names)
      yield* assertOrphaned(pair, before)
      yield* assertKept(witness, names, ["s3cret"])
    }),
  )

  it.effect("8: an orphaned Secret is taken over by the ExternalSecret that comes after, without a gap", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { virtual } = pair.ground
      yield* createAll(pair, ["moved"])
      const before = yield* identities(pair, ["moved"])
      const witness = yield* makeWitness(virtual.kube)
      yield* orphan(pair, ["moved"])
      yield* assertOrphaned(pair, before)
      const successor = yield* createReady(pair, externalSecret("moved"))
      yield* virtual.kube.waitFor(
        secrets,
        inVirtual("moved"),
        ({ metadata }) => metadata.ownerReferences?.[0]?.uid === successor.metadata.uid,
      )
      yield* assertKept(witness, ["moved"], ["s3cret"])
    }),
  )

  it.effect("8: in the foreground waits for the collector, as in one cluster, and then takes all along", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { virtual } = pair.ground
      yield* createAll(pair, ["foreground"])
      yield* whileCollectorIsAway(
        virtual,
        Effect.gen(function* () {
          yield* virtual.kube.delete(externalSecrets, inVirtual("foreground"), "Foreground")
          yield* carryThrough(pair, "foreground")
          assert.isDefined(yield* virtual.kube.find(secrets, inVirtual("foreground")))
        }),
      )
      yield* virtual.kube.waitUntilGone(secrets, inVirtual("foreground"))
      yield* virtual.kube.waitUntilGone(externalSecrets, inVirtual("foreground"))
      yield* awaitNothingOnHost(pair, "foreground")
    }),
  )

  it.effect("8: leaves a Secret that has another owner to that one", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { virtual } = pair.ground
      yield* createAll(pair, ["shared"])
      const { metadata } = yield* virtual.kube.get(secrets, inVirtual("shared"))
      const other = yield* virtual.kube.create(configMaps, coOwner)
      const reference = { apiVersion: "v1", kind: "ConfigMap", name: "co-owner", uid: other.metadata.uid ?? "" }
      yield* virtual.kube.patch(secrets, inVirtual("shared"), {
        metadata: { ownerReferences: [...(metadata.ownerReferences ?? []), reference] },
      })
      const witness = yield* makeWitness(virtual.kube)
      yield* virtual.kube.delete(externalSecrets, inVirtual("shared"))
      yield* awaitNothingOnHost(pair, "shared")
      yield* virtual.kube.waitFor(
        secrets,
        inVirtual("shared"),
        (secret) =>
          secret.metadata.ownerReferences?.length === 1 &&
          secret.metadata.ownerReferences[0]?.uid === other.metadata.uid,
      )
      yield* assertKept(witness, ["shared"], ["s3cret"])
      yield* virtual.kube.delete(configMaps, coOwner.metadata)
      yield* virtual.kube.waitUntilGone(secrets, inVirtual("shared"))
    }),
  )

  it.effect("8: that nobody saw: the next syncer clears the host and leaves the orphaned Secret", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { virtual } = pair.ground
      yield* createAll(pair, ["unseen"])
      const before = yield* identities(pair, ["unseen"])
      const witness = yield* makeWitness(virtual.kube)
      yield* pair.syncer?.signal("SIGTERM") ?? Effect.void
      yield* pair.syncer?.finished ?? Effect.void
      yield* orphan(pair, ["unseen"])
      yield* virtual.kube.waitUntilGone(externalSecrets, inVirtual("unseen"))
      yield* pair.startFollow()
      yield* assertOrphaned(pair, before)
      yield* carryThrough(pair, "unseen")
      yield* assertKept(witness, ["unseen"], ["s3cret"])
    }),
  )
})
