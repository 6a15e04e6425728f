/** What of other people's objects stays in memory. */
import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { makeReflectorCache } from "../../../../src/effects/informer/reflector-cache.ts"
import { wantedCaches } from "../../../../src/sync/engine/caches.ts"
import type { Cache } from "../../../../src/sync/engine/caches.ts"
import {
  hostSecrets,
  hostUnmanagedSecrets,
  virtualUnmanagedSecrets,
} from "../../../../src/sync/external-secrets/secret-caches.ts"
import { syncedCaches } from "../../../../src/sync/kinds/kinds.ts"
import { hostReferenceName, isReferencesPlace } from "../../../../src/sync/tenancy/names.ts"
import { markAnnotations, originOf } from "../../../../src/sync/tenancy/ownership.ts"
import { testContext } from "../../../model/world.ts"

const value = "cGFzc3dvcmQ="

/** As `kubectl apply` leaves it: all of it stands in an annotation. */
const applied = (namespace: string): KubeObject => {
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "db", namespace }, data: { password: value } }
  return {
    ...secret,
    metadata: {
      ...secret.metadata,
      uid: "u",
      resourceVersion: "1",
      annotations: { "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify(secret) },
      managedFields: [{ manager: "kubectl-client-side-apply" }],
    },
  }
}

const everywhere = testContext({ hostScope: undefined, isOurNamespace: (name) => name === "team-x" })

/** What a cache makes of it, however it comes there. */
const heldBy = (kept: Cache, object: KubeObject): string => {
  const spec = kept.spec(everywhere)
  assert.isDefined(spec)
  const { indexes, selection, transform } = spec
  const cache = makeReflectorCache({
    indexes,
    transform,
    metadataOnly: selection.metadataOnly,
  })
  const told = [
    cache.apply({ type: "ADDED", object }),
    cache.observe({ ...object, metadata: { ...object.metadata, resourceVersion: "2" } }),
  ]
  assert.notInclude(told, undefined)
  return JSON.stringify([told, ...cache.store.values()])
}

describe("a Secret that was applied by kubectl", () => {
  const metadataOnly = wantedCaches(syncedCaches, everywhere).filter(({ spec }) => spec.selection.metadataOnly === true)

  for (const { cache } of metadataOnly)
    it(`leaves none of its values in ${cache.name}`, () => {
      assert.notInclude(heldBy(cache, applied("team-x")), value)
    })

  it("leaves none of its values in hostSecrets, where it stands in a namespace that is none of ours", () => {
    assert.notInclude(heldBy(hostSecrets, applied("another-team")), value)
    assert.include(heldBy(hostSecrets, applied("team-x")), value)
  })

  it("is still known with its owners, its labels and its end", () => {
    const known = {
      labels: { app: "db" },
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "db", uid: "p", controller: true }],
      deletionTimestamp: "2026-01-01T00:00:00Z",
    }
    const object = applied("team-x")
    const held = heldBy(virtualUnmanagedSecrets, { ...object, metadata: { ...object.metadata, ...known } })
    for (const [field, kept] of Object.entries(known))
      assert.include(held, JSON.stringify({ [field]: kept }).slice(1, -1))
  })

  it("is all the same known as what it is the copy of", () => {
    const { metadata, ...rest } = applied("team-x")
    const marks = markAnnotations({ ...rest, metadata: { ...metadata, namespace: "default" } }, everywhere.tenancy)
    const spec = hostUnmanagedSecrets.spec(everywhere)
    const held = spec?.transform?.({
      ...rest,
      metadata: {
        ...metadata,
        name: hostReferenceName(metadata.name, "default", everywhere.tenancy.vcluster),
        annotations: { ...metadata.annotations, ...marks },
      },
    })
    assert.isDefined(held)
    assert.strictEqual(originOf(held, everywhere.tenancy, isReferencesPlace)?.key, "default/db")
    assert.notInclude(JSON.stringify(held), value)
  })
})
