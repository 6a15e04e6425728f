import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { hostMetadata, metadataHash } from "../../../../src/sync/tenancy/host-metadata.ts"
import { metadataHashAnnotation } from "../../../../src/sync/tenancy/labels.ts"
import { markAnnotations, markLabels } from "../../../../src/sync/tenancy/ownership.ts"

const tenancy = { vcluster: "vc", hostNamespace: "team-x", virtualCluster: "u-1" }

const object = (metadata: Partial<KubeObject["metadata"]>): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name: "db", namespace: "prod", uid: "uid-1", ...metadata },
})

const hash = (labels?: Record<string, string>, annotations?: Record<string, string>): string =>
  metadataHash(
    object({ ...(labels === undefined ? {} : { labels }), ...(annotations === undefined ? {} : { annotations }) }),
  )

describe("what a host copy bears", () => {
  it("no key that the tenant wrote (cases 3, 12, 13, 18)", () => {
    const virtual = object({
      labels: { grafana_datasource: "1", "vcluster-es.io/managed-by": "other" },
      annotations: { "replicator.example.com/from": "made-up/source", "vcluster-es.io/metadata-hash": "forged" },
    })
    assert.deepStrictEqual(hostMetadata(virtual, "abc", tenancy), {
      labels: markLabels(tenancy),
      annotations: { ...markAnnotations(virtual, tenancy), [metadataHashAnnotation]: "abc" },
    })
  })

  it("a change of the tenant's labels or annotations shows in one annotation", () => {
    const hashes = [
      hash(),
      hash({ a: "1" }),
      hash({ a: "2" }),
      hash({ b: "1" }),
      hash({}, { a: "1" }),
      hash({ a: "1" }, { a: "1" }),
      hash({}, { "force-sync": "1" }),
      hash({}, { "force-sync": "2" }),
      metadataHash(object({}), { labels: { a: "1" } }),
      metadataHash(object({}), { annotations: { a: "1" } }),
    ]
    assert.strictEqual(new Set(hashes).size, hashes.length)
    assert.match(hash(), /^[0-9a-f]{32}$/)
  })

  it("what is the same is the same: another order, nothing for empty, what kubectl remembers", () => {
    assert.strictEqual(hash({ a: "1", b: "2" }), hash({ b: "2", a: "1" }))
    assert.strictEqual(hash({}, {}), hash())
    assert.strictEqual(hash({}, { "kubectl.kubernetes.io/last-applied-configuration": "{}" }), hash())
  })
})
