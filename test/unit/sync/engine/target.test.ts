/** What is spoken, and when caches and decisions have to be built anew. */
import { assert, describe, it } from "@effect/vitest"
import { makeMemoryStore } from "../../../../src/effects/informer/memory-store.ts"
import { virtualExternalSecrets } from "../../../../src/sync/external-secrets/external-secret-caches.ts"
import { virtualSecretStores } from "../../../../src/sync/external-secrets/store-caches.ts"
import { contextOf, isOutdated } from "../../../../src/sync/engine/target.ts"
import type { CrdPair } from "../../../../src/sync/engine/prerequisites.ts"
import { crdPrerequisites } from "../../../../src/sync/kinds/custom-resource-definition/prerequisites.ts"
import { defaultPolicy } from "../../../../src/sync/tenancy/policy.ts"
import { testContext } from "../../../model/world.ts"

const text = { type: "string" }
const reference = { type: "object", properties: { name: text, namespace: text, key: text } }

/** A CRD whose only provider has these fields. */
const crd = (plural: string, fields: object, version = "v1"): CrdPair => {
  const acme = { type: "object", properties: fields }
  const provider = { type: "object", properties: { acme } }
  const spec = { type: "object", properties: { provider } }
  const schema = { openAPIV3Schema: { type: "object", properties: { spec } } }
  return {
    plural,
    version,
    host: {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `${plural}.external-secrets.io` },
      spec: { versions: [{ name: version, served: true, storage: true, schema }] },
    },
    virtual: undefined,
    actions: [],
  }
}

const crds = (...pairs: ReadonlyArray<CrdPair>) => new Map(pairs.map((pair) => [pair.plural, pair]))
const externalSecrets = crd("externalsecrets", {})
const before = crds(externalSecrets, crd("secretstores", { server: text }))
const upgraded = crds(externalSecrets, crd("secretstores", { server: text, token: reference }))

const speaking = (pairs: ReadonlyMap<string, CrdPair>) => {
  const { settings } = testContext()
  const target = { vcluster: { name: "vc", namespace: "team-x" }, settings }
  return contextOf(target, defaultPolicy, "uid", { ...crdPrerequisites, pairs }, () => "")
}

describe("each kind of ESO's", () => {
  it("is spoken of in the version of its own CRD", () => {
    const context = speaking(crds(externalSecrets, crd("secretstores", {}, "v2")))
    assert.strictEqual(virtualSecretStores.spec(context)?.resource.version, "v2")
    assert.strictEqual(virtualExternalSecrets.spec(context)?.resource.version, "v1")
  })
})

describe("a Syncer is built anew", () => {
  it("when the version that it speaks is another", () => {
    assert.isTrue(
      isOutdated(
        crdPrerequisites,
        before,
        crds(crd("externalsecrets", {}, "v2"), crd("secretstores", { server: text })),
      ),
    )
  })

  it("when a schema is another, though the version is not: indexes are made by schemas", () => {
    assert.isTrue(isOutdated(crdPrerequisites, before, upgraded))
    const foundBy = (pairs: ReadonlyMap<string, CrdPair>) => {
      const store = makeMemoryStore(virtualSecretStores.spec(speaking(pairs))?.indexes)
      store.upsert({
        apiVersion: "external-secrets.io/v1",
        kind: "SecretStore",
        metadata: { name: "a", namespace: "default" },
        spec: { provider: { acme: { token: { name: "t", key: "k" } } } },
      })
      return store.byIndex("reference", "Secret|default/t").length
    }
    assert.deepStrictEqual([foundBy(before), foundBy(upgraded)], [0, 1])
  })

  it("but not for any other change of a CRD", () => {
    const [store] = [...before.values()].slice(1)
    assert.isDefined(store)
    const labelled = { ...store, host: { ...store.host, metadata: { ...store.host.metadata, labels: { a: "b" } } } }
    assert.isFalse(isOutdated(crdPrerequisites, before, crds(externalSecrets, labelled)))
  })
})
