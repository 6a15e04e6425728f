/** Marks that a tenant puts on what is theirs: ours, vCluster's, and the metadata by which Kubernetes acts (attacks 24 to 26, 29). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
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
import { awaitSecret, createReady, externalSecret, SyncedPair, vcluster } from "../support/synced-pair.ts"

const claims = {
  labels: { "vcluster-es.io/managed-by": "another", "vcluster-es.io/managed": "true", "sub.vcluster-es.io/x": "y" },
  annotations: {
    "vcluster-es.io/vcluster": "another",
    "vcluster-es.io/virtual-name": "victim",
    "vcluster-es.io/virtual-namespace": "default",
    "vcluster-es.io/virtual-uid": "00000000",
    "vcluster-es.io/allow-mass-delete": "true",
    "kubectl.kubernetes.io/last-applied-configuration": "{}",
  },
}

const vclusters = {
  labels: {
    app: "vcluster",
    release: vcluster.name,
    "vcluster.loft.sh/managed-by": vcluster.name,
    "reconcile.external-secrets.io/created-by": "somebody",
  },
  annotations: { "vcluster.loft.sh/object-name": "victim", "vcluster.loft.sh/object-uid": "1" },
}

const foreignKeys = /^(app|release)$|vcluster\.loft\.sh\/|sub\.vcluster-es\.io|last-applied/

/** No key of vCluster's, and of ours only what we wrote. */
const assertOurMarksOnly = (object: KubeObject, name: string, uid: string | undefined) => {
  const { labels = {}, annotations = {} } = object.metadata
  for (const key of [...Object.keys(labels), ...Object.keys(annotations)]) assert.notMatch(key, foreignKeys)
  assert.notStrictEqual(labels["vcluster-es.io/managed-by"], "another")
  assert.notStrictEqual(labels["reconcile.external-secrets.io/created-by"], "somebody")
  assert.isUndefined(labels["vcluster-es.io/managed"])
  assert.isUndefined(annotations["vcluster-es.io/allow-mass-delete"])
  if (annotations["vcluster-es.io/vcluster"] === undefined) return
  assert.strictEqual(annotations["vcluster-es.io/vcluster"], vcluster.name)
  assert.strictEqual(annotations["vcluster-es.io/virtual-name"], name)
  assert.strictEqual(annotations["vcluster-es.io/virtual-uid"], uid)
}

const marked = (name: string, metadata: object): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "own", labels: { "vcluster-es.io/managed": "true" }, ...metadata },
  data: { mine: btoa("x") },
})

layer(SyncedPair.layer(), { excludeTestServices: true, timeout: "10 minutes" })("marks", (it) => {
  for (const [what, marks] of Object.entries({ "24: our": claims, "25: vCluster's": vclusters }))
    it.effect(`${what} labels and annotations do not reach the host, from the object or from its template`, () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host } = pair.ground
        yield* createReady(pair, externalSecret("victim")).pipe(
          Effect.catchIf(
            ({ status }) => status === 409,
            () => Effect.void,
          ),
        )
        const victim = yield* host.kube.get(externalSecrets, copyOf("victim"))
        const name = `marked-${what.slice(0, 2)}`
        const bodies = [
          externalSecret(`${name}-object`, marks),
          externalSecret(`${name}-template`, { target: { template: { metadata: marks } } }),
        ]
        for (const body of bodies) {
          const object = yield* createReady(pair, body)
          yield* awaitSecret(pair, body.metadata.name)
          const copy = yield* host.kube.get(externalSecrets, copyOf(body.metadata.name))
          assertOurMarksOnly(copy, body.metadata.name, object.metadata.uid)
          assert.strictEqual(copy.metadata.labels?.["vcluster-es.io/managed-by"], vcluster.name)
          const secret = yield* host.kube.get(secrets, hiddenSecretOf(body.metadata.name))
          assertOurMarksOnly(secret, body.metadata.name, object.metadata.uid)
        }
        yield* assertUntouched(pair, "host", externalSecrets, victim)
      }),
    )

  it.effect("26: owners, finalizers and generateName do not reach the host, and hold nothing up there", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const owner = yield* virtual.kube.create(configMaps, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "owner", namespace: "default" },
      })
      const body = externalSecret("metadata")
      const ownerReferences = [
        { apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: owner.metadata.uid ?? "", controller: true },
      ]
      yield* createReady(pair, {
        ...body,
        metadata: { ...body.metadata, ownerReferences, finalizers: ["example.com/stay"], generateName: "meta-" },
      })
      const copy = yield* host.kube.get(externalSecrets, copyOf("metadata"))
      assert.deepStrictEqual(
        copy.metadata.ownerReferences?.map(({ kind, name }) => `${kind} ${name}`),
        [`Service ${vcluster.name}`],
      )
      assert.notInclude(copy.metadata.finalizers ?? [], "example.com/stay")
      assert.isUndefined(copy.metadata["generateName"])
      yield* virtual.kube.delete(externalSecrets, inVirtual("metadata"))
      yield* host.kube.waitUntilGone(externalSecrets, copyOf("metadata"))
      yield* host.kube.waitUntilGone(secrets, hiddenSecretOf("metadata"))
      yield* assertServesOthers(pair, "metadata")
      yield* virtual.kube.patch(externalSecrets, inVirtual("metadata"), { metadata: { finalizers: null } })
      yield* virtual.kube.waitUntilGone(externalSecrets, inVirtual("metadata"))
    }),
  )

  it.effect("29: an ordinary Secret with our marks is neither deleted nor adopted", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { virtual } = pair.ground
      yield* createNamespace(pair, "own")
      const object = yield* createReady(pair, externalSecret("claimed", { namespace: "own" }))
      yield* awaitSecret(pair, "claimed", "own")
      const controller = {
        apiVersion: object.apiVersion,
        kind: "ExternalSecret",
        name: "claimed",
        uid: object.metadata.uid ?? "",
      }
      const byName = yield* virtual.kube.create(
        secrets,
        marked("by-name", { annotations: { "vcluster-es.io/external-secret": "claimed" } }),
      )
      const byOwner = yield* virtual.kube.create(
        secrets,
        marked("by-owner", { ownerReferences: [{ ...controller, controller: true }] }),
      )
      yield* virtual.kube.patch(externalSecrets, inVirtual("claimed", "own"), {
        spec: { secretStoreRef: { name: "nowhere" } },
      })
      yield* awaitRefusal(pair, object, "StoreNotImported", "nowhere")
      yield* assertServesOthers(pair, "claimed")
      yield* assertUntouched(pair, "virtual", secrets, byName)
      yield* assertUntouched(pair, "virtual", secrets, byOwner)
      yield* virtual.kube.delete(externalSecrets, inVirtual("claimed", "own"))
      yield* assertServesOthers(pair, "claimed-deleted")
      yield* assertUntouched(pair, "virtual", secrets, byName)
    }),
  )
})
