/** What was accepted of an ExternalSecret, as its copy bears it. */
import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import {
  acceptedAnnotations,
  acceptedGeneration,
  acceptedOf,
  acceptedReferences,
  acceptedTargetName,
} from "../../../../src/sync/external-secrets/accepted.ts"
import type { ExternalSecretSpec } from "../../../../src/sync/external-secrets/external-secret-spec.ts"

const labels = { "example.com/steers": "yes" }
const virtual: KubeObject = {
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name: "app", namespace: "default", generation: 7, labels },
}

const copyOf = (spec: ExternalSecretSpec): KubeObject => ({
  ...virtual,
  metadata: { name: "copy", namespace: "team-x", annotations: acceptedAnnotations(virtual, spec) },
})

describe("what was accepted", () => {
  it("is read again as it was, and no key of the tenant's can be found there", () => {
    const target = { name: "other", template: { metadata: { labels: { "example.com/also": "{{ .a }}" } } } }
    const copy = copyOf({ target })
    assert.deepStrictEqual(acceptedOf(copy), { generation: 7, labels, target })
    assert.strictEqual(acceptedTargetName(copy, "app"), "other")
    assert.notInclude(JSON.stringify(copy), "example.com/")
  })

  it("has the texts for labels and annotations, and not those for the data, however large", () => {
    const large = "x".repeat(300_000)
    const template = {
      data: { a: large },
      templateFrom: [
        { literal: large },
        { literal: "a: b", target: "labels" },
        { configMap: { name: "c", items: [] } },
      ],
    }
    const copy = copyOf({ target: { template } })
    assert.isBelow(JSON.stringify(copy).length, 1000)
    assert.deepStrictEqual(acceptedOf(copy)?.target, {
      template: { templateFrom: [{}, { literal: "a: b", target: "labels" }, { configMap: { name: "c", items: [] } }] },
    })
    assert.deepStrictEqual(
      acceptedReferences(copy).map(({ kind, name }) => `${kind} ${name}`),
      ["ConfigMap c"],
    )
  })

  it("of a copy of an older version, or one that somebody has written over, is unknown", () => {
    for (const text of [undefined, "", "7", "7.-", "7.-.bm90aGluZw==", '{"generation":7}']) {
      const annotations = text === undefined ? {} : { "vcluster-es.io/accepted": text }
      const copy = { ...virtual, metadata: { name: "copy", namespace: "team-x", annotations } }
      assert.isUndefined(acceptedOf(copy), text)
      assert.strictEqual(acceptedTargetName(copy, "app"), "app", text)
      assert.isEmpty(acceptedReferences(copy), text)
    }
    assert.strictEqual(acceptedGeneration(copyOf({})), 7)
  })
})
