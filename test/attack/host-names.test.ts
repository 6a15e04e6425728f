/** Names that meet on the host: foreign objects, vCluster's ambiguous scheme, targets that imitate (attacks 17, 21 to 23, 30). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { stringAt } from "../../src/effects/client/unstructured.ts"
import {
  assertServesOthers,
  assertUntouched,
  awaitRefusal,
  copyOf,
  createNamespace,
  hiddenSecretOf,
  inVirtual,
} from "../support/attack.ts"
import { configMaps, externalSecrets, secrets } from "../support/resources.ts"
import {
  awaitSecret,
  createReady,
  externalSecret,
  isReady,
  SyncedPair,
  type SyncedPairShape,
  valueOf,
  vcluster,
} from "../support/synced-pair.ts"

/** An ExternalSecret that somebody else made on the host, fetched by ESO, at rest. */
const createForeign = Effect.fnUntraced(function* (
  pair: SyncedPairShape,
  name: string,
  target: string,
  annotations: Readonly<Record<string, string>> = {},
) {
  const { kube } = pair.ground.host
  const { spec } = externalSecret(name, { target: { name: target } })
  const metadata = { name, namespace: vcluster.namespace, annotations }
  yield* kube.create(externalSecrets, { apiVersion: "external-secrets.io/v1", kind: "ExternalSecret", metadata, spec })
  return yield* kube.waitFor(externalSecrets, metadata, isReady)
})

const plainSecret = (name: string, labels: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: vcluster.namespace, labels },
  data: { password: btoa("foreign") },
})

/** Both translate to one host name. The first stays, the second is told who was first, and comes when the first goes. */
const assertFirstComesFirst = Effect.fnUntraced(function* (
  pair: SyncedPairShape,
  first: { readonly name: string; readonly namespace: string },
  second: { readonly name: string; readonly namespace: string },
) {
  const { host, virtual } = pair.ground
  assert.deepStrictEqual(copyOf(first.name, first.namespace), copyOf(second.name, second.namespace))
  yield* createReady(pair, externalSecret(first.name, first))
  yield* awaitSecret(pair, first.name, first.namespace)
  const copy = yield* host.kube.get(externalSecrets, copyOf(first.name, first.namespace))
  const late = yield* virtual.kube.create(externalSecrets, externalSecret(second.name, second))
  yield* awaitRefusal(pair, late, "HostNameTaken", `${first.namespace}/${first.name}`)
  yield* assertServesOthers(pair, `than-${first.namespace}`)
  yield* assertUntouched(pair, "host", externalSecrets, copy)
  assert.isTrue(isReady(yield* virtual.kube.get(externalSecrets, inVirtual(first.name, first.namespace))))
  yield* virtual.kube.delete(externalSecrets, inVirtual(first.name, first.namespace))
  yield* virtual.kube.waitFor(externalSecrets, late.metadata, isReady)
  yield* awaitSecret(pair, second.name, second.namespace)
})

layer(SyncedPair.layer(), { excludeTestServices: true, timeout: "10 minutes" })("host names", (it) => {
  it.effect("21: a foreign ExternalSecret under the name stays, and the refused one comes when it is gone", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const ref = copyOf("taken")
      const foreign = yield* createForeign(pair, ref.name, "foreign-secret")
      const object = yield* virtual.kube.create(externalSecrets, externalSecret("taken"))
      yield* awaitRefusal(pair, object, "HostObjectNotOurs", `ExternalSecret ${ref.name}`)
      yield* assertServesOthers(pair, "taken")
      yield* assertUntouched(pair, "host", externalSecrets, foreign)
      yield* virtual.kube.delete(externalSecrets, inVirtual("taken"))
      yield* assertServesOthers(pair, "taken-deleted")
      yield* assertUntouched(pair, "host", externalSecrets, foreign)
      yield* virtual.kube.create(externalSecrets, externalSecret("taken"))
      yield* host.kube.delete(externalSecrets, ref)
      yield* awaitSecret(pair, "taken")
    }),
  )

  it.effect("21: so does the copy of another vCluster", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const ref = copyOf("neighbour")
      const foreign = yield* createForeign(pair, ref.name, "neighbours-secret", {
        "vcluster-es.io/vcluster": "another",
        "vcluster-es.io/virtual-namespace": "default",
        "vcluster-es.io/virtual-name": "neighbour",
        "vcluster-es.io/virtual-uid": "1",
      })
      const object = yield* pair.ground.virtual.kube.create(externalSecrets, externalSecret("neighbour"))
      yield* awaitRefusal(pair, object, "HostObjectNotOurs", ref.name)
      yield* assertServesOthers(pair, "neighbour")
      yield* assertUntouched(pair, "host", externalSecrets, foreign)
    }),
  )

  for (const [what, labels] of [
    ["plain", {}],
    ["managed", { "reconcile.external-secrets.io/managed": "true", "vcluster-es.io/managed-by": vcluster.name }],
  ] as const)
    it.effect(`22: a foreign ${what} Secret under the name of the target stays, and its name is told`, () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host } = pair.ground
        const ref = hiddenSecretOf(`secret-${what}`)
        const foreign = yield* host.kube.create(secrets, plainSecret(ref.name, labels))
        const body = externalSecret(`wants-${what}`, { target: { name: `secret-${what}` } })
        const object = yield* pair.ground.virtual.kube.create(externalSecrets, body)
        yield* awaitRefusal(pair, object, "HostObjectNotOurs", `Secret ${ref.name}`)
        yield* assertServesOthers(pair, what)
        yield* assertUntouched(pair, "host", secrets, foreign)
        assert.isUndefined(yield* host.kube.find(externalSecrets, copyOf(`wants-${what}`)))
        yield* host.kube.delete(secrets, ref)
        assert.strictEqual(valueOf(yield* awaitSecret(pair, `secret-${what}`), "password"), "s3cret")
      }),
    )

  it.effect(
    "22: a Secret of a foreign ExternalSecret, or of another controller, is neither changed nor handed over",
    () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host, virtual } = pair.ground
        yield* createForeign(pair, "foreign", hiddenSecretOf("of-eso").name)
        const ofEso = yield* host.kube.get(secrets, hiddenSecretOf("of-eso"))
        const metadata = { name: "owner", namespace: vcluster.namespace }
        const owner = yield* host.kube.create(configMaps, { apiVersion: "v1", kind: "ConfigMap", metadata })
        const secret = plainSecret(hiddenSecretOf("of-other").name, {})
        const reference = {
          apiVersion: "v1",
          kind: "ConfigMap",
          name: "owner",
          uid: owner.metadata.uid ?? "",
          controller: true,
        }
        const ofOther = yield* host.kube.create(secrets, {
          ...secret,
          metadata: { ...secret.metadata, ownerReferences: [reference] },
        })
        for (const name of ["of-eso", "of-other"]) {
          const object = yield* virtual.kube.create(externalSecrets, externalSecret(name))
          yield* awaitRefusal(pair, object, "HostObjectNotOurs", hiddenSecretOf(name).name)
          yield* assertServesOthers(pair, name)
          assert.isUndefined(yield* virtual.kube.find(secrets, inVirtual(name)))
        }
        yield* assertUntouched(pair, "host", secrets, ofEso)
        yield* assertUntouched(pair, "host", secrets, ofOther)
      }),
  )

  it.effect(
    "17: a target that imitates a host name reaches neither another tenant's Secret nor the vCluster's own",
    () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host } = pair.ground
        yield* createReady(pair, externalSecret("victim"))
        const victim = yield* host.kube.get(secrets, hiddenSecretOf("victim"))
        const kubeconfig = yield* host.kube.get(secrets, { ...copyOf("x"), name: `vc-${vcluster.name}` })
        const targets = [
          victim.metadata.name,
          copyOf("victim").name,
          `vc-${vcluster.name}`,
          `vc-config-${vcluster.name}`,
        ]
        for (const [index, target] of targets.entries()) {
          yield* createReady(pair, externalSecret(`imitates-${index}`, { target: { name: target } }))
          const copy = yield* host.kube.get(externalSecrets, copyOf(`imitates-${index}`))
          assert.strictEqual(stringAt(copy, "spec", "target", "name"), hiddenSecretOf(target).name)
          assert.notStrictEqual(hiddenSecretOf(target).name, target)
          yield* awaitSecret(pair, target)
        }
        yield* assertUntouched(pair, "host", secrets, victim)
        yield* assertUntouched(pair, "host", secrets, kubeconfig)
      }),
  )

  it.effect("23: of two names that translate to one, the second is refused until the first is gone", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      yield* createNamespace(pair, "c")
      yield* createNamespace(pair, "b-x-c")
      yield* assertFirstComesFirst(pair, { name: "a-x-b", namespace: "c" }, { name: "a", namespace: "b-x-c" })
    }),
  )

  it.effect("23: also when the name is so long that it is cut", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const long = "l".repeat(70)
      yield* createNamespace(pair, "cut")
      yield* createNamespace(pair, "b-x-cut")
      yield* assertFirstComesFirst(
        pair,
        { name: `${long}-x-b`, namespace: "cut" },
        { name: long, namespace: "b-x-cut" },
      )
    }),
  )

  it.effect("23: two targets that vCluster's scheme would give one name have two Secrets", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host } = pair.ground
      yield* createNamespace(pair, "t")
      yield* createNamespace(pair, "q-x-t")
      yield* createReady(pair, externalSecret("first", { namespace: "t", target: { name: "p-x-q" } }))
      const before = yield* host.kube.get(secrets, hiddenSecretOf("p-x-q", "t"))
      yield* createReady(pair, externalSecret("second", { namespace: "q-x-t", target: { name: "p" } }))
      yield* awaitSecret(pair, "p", "q-x-t")
      yield* assertUntouched(pair, "host", secrets, before)
      assert.isDefined(yield* host.kube.find(secrets, hiddenSecretOf("p", "q-x-t")))
    }),
  )

  it.effect("23: two ExternalSecrets of one namespace with one target: the first keeps it", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { virtual } = pair.ground
      yield* createReady(pair, externalSecret("owner-of-it", { target: { name: "one-target" } }))
      const secret = yield* awaitSecret(pair, "one-target")
      const late = externalSecret("wants-it-too", { target: { name: "one-target" } })
      const object = yield* virtual.kube.create(externalSecrets, late)
      yield* awaitRefusal(pair, object, "HostNameTaken", "default/owner-of-it")
      yield* assertServesOthers(pair, "one-target")
      yield* assertUntouched(pair, "virtual", secrets, secret)
      yield* virtual.kube.delete(externalSecrets, inVirtual("owner-of-it"))
      yield* virtual.kube.waitFor(externalSecrets, inVirtual("wants-it-too"), isReady)
    }),
  )

  it.effect("30: deleted and recreated over and over with other specs, the last one wins", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      for (let round = 0; round < 15; round += 1) {
        yield* virtual.kube.create(externalSecrets, externalSecret("flicker", { target: { name: `flicker-${round}` } }))
        yield* virtual.kube.delete(externalSecrets, inVirtual("flicker"))
      }
      const last = yield* createReady(pair, externalSecret("flicker", { target: { name: "flicker-last" } }))
      const copy = yield* host.kube.waitFor(
        externalSecrets,
        copyOf("flicker"),
        (object) => object.metadata.annotations?.["vcluster-es.io/virtual-uid"] === last.metadata.uid,
      )
      assert.strictEqual(stringAt(copy, "spec", "target", "name"), hiddenSecretOf("flicker-last").name)
      yield* awaitSecret(pair, "flicker-last")
      for (let round = 0; round < 15; round += 1)
        yield* host.kube.waitUntilGone(secrets, hiddenSecretOf(`flicker-${round}`))
    }),
  )
})
