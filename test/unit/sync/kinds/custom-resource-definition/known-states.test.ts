import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import {
  areKnown,
  type InStep,
  readNote,
  stateOf,
  writeNote,
} from "../../../../../src/sync/kinds/custom-resource-definition/known-states.ts"

const crd = (uid: string | undefined, resourceVersion: string | undefined): KubeObject => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: {
    name: "a",
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  },
})

const known: InStep = { version: "v1", host: "h/1", virtual: "v/7", stored: "x" }

describe("a CRD is known to be in step", () => {
  it("when both sides are in the very states that were compared", () => {
    assert.isTrue(areKnown({ host: crd("h", "1"), virtual: crd("v", "7") }, known))
  })

  it("and not when one was changed, made anew, or is absent", () => {
    const other: ReadonlyArray<readonly [KubeObject | undefined, KubeObject | undefined]> = [
      [crd("h", "2"), crd("v", "7")],
      [crd("h", "1"), crd("v", "8")],
      [crd("h", "1"), crd("w", "7")],
      [crd("h", "1"), undefined],
      [undefined, crd("v", "7")],
      [crd("h", "1"), crd("v", undefined)],
    ]
    for (const [host, virtual] of other) assert.isFalse(areKnown({ host, virtual }, known))
    assert.isFalse(areKnown({ host: crd("h", "1"), virtual: crd("v", "7") }, undefined))
  })

  it("and what has no UID or no version is never known", () => {
    assert.isUndefined(stateOf(crd(undefined, "1")))
    assert.isUndefined(stateOf(crd("u", undefined)))
    assert.isUndefined(stateOf(undefined))
  })
})

describe("the note on the Lease", () => {
  const crds = new Map([["externalsecrets", known]])

  it("comes back as it was written", () => {
    assert.deepStrictEqual(readNote(writeNote(crds, "1.0"), "1.0"), crds)
  })

  it("says nothing to another version of the program, or with other settings", () => {
    assert.strictEqual(readNote(writeNote(crds, "1.0"), "1.1").size, 0)
    assert.strictEqual(readNote(writeNote(crds, "1.0"), "1.0 v1beta1").size, 0)
  })

  it("is empty where nothing is in step: the annotation goes", () => {
    assert.strictEqual(writeNote(new Map(), "1.0"), "")
  })

  it("says nothing when it cannot be read", () => {
    for (const text of [
      undefined,
      "",
      "x",
      "[]",
      '{"by":"1.0"}',
      '{"by":"1.0","crds":{"a":{"version":"v1","host":1}}}',
    ])
      assert.strictEqual(readNote(text, "1.0").size, 0, text)
  })
})
