import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import {
  hostEssentials,
  virtualEssentials,
  withoutIdleDescriptions,
} from "../../../../../src/sync/kinds/custom-resource-definition/essentials.ts"
import {
  crdState,
  isOurCrd,
  servedVersions,
  specSchema,
} from "../../../../../src/sync/kinds/custom-resource-definition/to-virtual.ts"

const text = { type: "string" }

describe("a schema without idle descriptions", () => {
  it("loses the words, and nothing else", () => {
    const schema = {
      type: "object",
      description: "A store.",
      default: { description: "a value of the user's" },
      enum: [{ description: "another" }],
      properties: {
        description: { type: "string", description: "A field of that name." },
        list: { type: "array", items: { ...text, description: "An item." } },
      },
    }
    assert.deepStrictEqual(withoutIdleDescriptions(schema), {
      type: "object",
      default: { description: "a value of the user's" },
      enum: [{ description: "another" }],
      properties: { description: text, list: { type: "array", items: text } },
    })
  })

  it("keeps those by which a ConfigMap is told from a Secret", () => {
    const key = { type: "object", description: "The key of a ConfigMap.", properties: { name: text } }
    assert.deepStrictEqual(withoutIdleDescriptions(key), key)
  })
})

const crd: KubeObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: {
    name: "a",
    uid: "u",
    resourceVersion: "1",
    labels: { "vcluster-es.io/managed": "true" },
    annotations: { large: "x" },
    managedFields: [],
  },
  spec: {
    versions: [
      { name: "v1", served: true, schema: { openAPIV3Schema: { properties: { spec: text, status: text } } } },
      { name: "v2", served: false, schema: { openAPIV3Schema: {} } },
    ],
  },
  status: { conditions: [{ type: "Established", status: "True" }], storedVersions: ["v1"] },
}

describe("what is kept of a CRD", () => {
  it("of the host's, the schema that decisions read", () => {
    const kept = hostEssentials(crd, "v1")
    assert.deepStrictEqual(specSchema(kept, "v1"), text)
    assert.notInclude(JSON.stringify(kept), "large")
    assert.isUndefined(hostEssentials(crd, undefined)["spec"])
  })

  it("of the virtual one, whose it is, what it serves, and whether it does", () => {
    const kept = virtualEssentials(crd)
    assert.isTrue(isOurCrd(kept))
    assert.deepStrictEqual(servedVersions(kept), ["v1"])
    assert.strictEqual(crdState(kept), "served")
    assert.notInclude(JSON.stringify(kept), "openAPIV3Schema")
  })
})
