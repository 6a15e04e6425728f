/**
 * What one ExternalSecret costs: a create on the host, its Secret, its status, and a look at the store before a value is handed on,
 * which all that wait for one share. docs/performance.md says why it can't be less.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import type { KubeClient } from "../../../../src/effects/client/kube-client.ts"
import { recordAt, stringAt } from "../../../../src/effects/client/unstructured.ts"
import { summarizeAppliedFields } from "../../../../src/sync/external-secrets/managed-fields.ts"
import type { MemoryClient } from "../../../support/memory-client.ts"
import { clusterSecretStores, externalSecrets } from "../../../../src/sync/resources.ts"
import { hostClusterSecretStores } from "../../../../src/sync/external-secrets/store-caches.ts"
import {
  hostExternalSecrets,
  virtualExternalSecrets,
} from "../../../../src/sync/external-secrets/external-secret-caches.ts"
import { hostSecrets } from "../../../../src/sync/external-secrets/secret-caches.ts"
import { esoManagedLabel } from "../../../../src/sync/tenancy/labels.ts"
import { hostName } from "../../../../src/sync/tenancy/names.ts"
import { externalSecret, makeEngineBench } from "../../../support/engine-bench.ts"

const resource = externalSecrets("v1")

const readySince = (refreshed: string) => ({
  refreshTime: refreshed,
  syncedResourceVersion: "1-a",
  conditions: [
    { type: "Ready", status: "True", reason: "SecretSynced", message: "secret synced", lastTransitionTime: refreshed },
  ],
})

const fieldsOf = (values: object | undefined) =>
  Object.fromEntries(Object.keys(values ?? {}).map((key) => [`f:${key}`, {}]))

/** Server-side apply by one manager, in the form in which caches keep what it answers. */
const applying = (client: MemoryClient): KubeClient => ({
  ...client,
  apply: (resource_, body, { manager } = {}) =>
    Effect.sync(() => {
      client.calls.push({ verb: "apply", resource: resource_.plural, key: body.metadata.name })
      const { labels, annotations } = body.metadata
      const metadata = { "f:labels": fieldsOf(labels), "f:annotations": fieldsOf(annotations) }
      const fieldsV1 = { "f:data": fieldsOf(recordAt(body, "data")), "f:metadata": metadata }
      const managedFields = [{ manager, operation: "Apply", fieldsV1 }]
      return summarizeAppliedFields(
        client.put(resource_, { ...body, metadata: { ...body.metadata, uid: "virtual-secret", managedFields } }),
      )
    }),
})

/** One ExternalSecret on its way to the host. */
const bench = Effect.gen(function* () {
  const { clients, see } = yield* makeEngineBench({}, applying)
  const asked = () =>
    [
      ...clients.host.calls.splice(0).map((call) => ({ side: "host", ...call })),
      ...clients.virtual.calls.splice(0).map((call) => ({ side: "virtual", ...call })),
    ].map(({ side, verb, resource: what }) => `${side} ${verb} ${what}`)
  const settle = TestClock.adjust("1 minute")
  // The store is imported.
  yield* settle
  asked()
  clients.virtual.put(resource, externalSecret("web"))
  see(virtualExternalSecrets, externalSecret("web"))
  yield* settle
  const ref = { namespace: "team-x", name: hostName("web", "default", "vc") }
  const copy = () => {
    const found = clients.host.stored(resource, ref)
    assert.isDefined(found)
    return found
  }
  /** As ESO's writes come by the watches. */
  const esoWrites = {
    finalizer: () =>
      see(
        hostExternalSecrets,
        clients.host.put(resource, { ...copy(), metadata: { ...copy().metadata, finalizers: ["eso"] } }),
      ),
    secret: (data: Readonly<Record<string, string>>, resourceVersion: string) => {
      const owner = {
        apiVersion: "external-secrets.io/v1",
        kind: "ExternalSecret",
        name: ref.name,
        uid: copy().metadata.uid ?? "",
        controller: true,
      }
      const secret: KubeObject = {
        apiVersion: "v1",
        kind: "Secret",
        metadata: {
          name: stringAt(copy(), "spec", "target", "name") ?? "",
          namespace: "team-x",
          uid: "host-secret",
          resourceVersion,
          labels: { [esoManagedLabel]: "true" },
          ownerReferences: [owner],
        },
        type: "Opaque",
        data,
      }
      see(hostSecrets, secret)
    },
    status: (refreshed: string) =>
      see(hostExternalSecrets, clients.host.put(resource, { ...copy(), status: readySince(refreshed) })),
  }
  /** @returns what brings the news of it to the cache */
  const relabelStore = () => {
    const stores = clusterSecretStores("v1")
    const standing = clients.host.stored(stores, { name: "store" })
    assert.isDefined(standing)
    const changed = clients.host.put(stores, { ...standing, metadata: { ...standing.metadata, labels: { a: "b" } } })
    return () => see(hostClusterSecretStores, changed)
  }
  return { asked, settle, esoWrites, relabelStore }
})

const store = "host get clustersecretstores.external-secrets.io"
const secret = "virtual apply secrets"
const status = "virtual patch externalsecrets.external-secrets.io"

describe("one ExternalSecret", () => {
  it.effect("costs three requests and a look at its store, whatever ESO writes in between", () =>
    Effect.gen(function* () {
      const { asked, settle, esoWrites } = yield* bench
      assert.deepStrictEqual(asked(), ["host create externalsecrets.external-secrets.io"])
      esoWrites.finalizer()
      yield* settle
      assert.deepStrictEqual(asked(), [])
      esoWrites.secret({ a: "MQ==" }, "1")
      yield* settle
      esoWrites.status("2026-01-01T00:00:00Z")
      yield* settle
      assert.deepStrictEqual(asked(), [store, secret, status])
    }),
  )

  it.effect("costs one more and a look when its value is rotated, and one when ESO has looked again", () =>
    Effect.gen(function* () {
      const { asked, settle, esoWrites } = yield* bench
      esoWrites.secret({ a: "MQ==" }, "1")
      esoWrites.status("2026-01-01T00:00:00Z")
      yield* settle
      asked()
      esoWrites.secret({ a: "Mg==" }, "2")
      yield* settle
      assert.deepStrictEqual(asked(), [store, secret])
      esoWrites.status("2026-01-01T01:00:00Z")
      yield* settle
      assert.deepStrictEqual(asked(), [status])
    }),
  )

  it.effect("is not handed a value while its store is another one than the caches show", () =>
    Effect.gen(function* () {
      const { asked, settle, esoWrites, relabelStore } = yield* bench
      esoWrites.secret({ a: "MQ==" }, "1")
      esoWrites.status("2026-01-01T00:00:00Z")
      yield* settle
      asked()
      // The operator has taken the store away; what ESO still fetched from it is seen first.
      const seeIt = relabelStore()
      esoWrites.secret({ a: "Mg==" }, "2")
      yield* settle
      assert.deepStrictEqual(asked(), [store])
      seeIt()
      yield* settle
      assert.include(asked(), secret)
    }),
  )
})
