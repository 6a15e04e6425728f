import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import type { Action } from "../../../../../src/sync/engine/actions.ts"
import { arrayAt, recordAt, stringAt, valueAt } from "../../../../../src/effects/client/unstructured.ts"
import { applyMergePatch } from "../../../../../src/effects/client/merge-patch.ts"
import {
  chooseVersion,
  crdNotServed,
  crdState,
  crdToVirtual,
  desiredVirtualCrd,
  isEstablished,
  isOurCrd,
  lacksOnlySelectableFields,
  servedVersions,
  specSchema,
  storageVersion,
} from "../../../../../src/sync/kinds/custom-resource-definition/to-virtual.ts"

const version = (name: string, served: boolean, storage: boolean) => ({
  name,
  served,
  storage,
  schema: { openAPIV3Schema: { properties: { spec: { description: name } } } },
})

const hostCrd = (versions: ReadonlyArray<object>): KubeObject => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "externalsecrets.external-secrets.io", uid: "host-uid", labels: { from: "helm" } },
  spec: {
    group: "external-secrets.io",
    names: { plural: "externalsecrets", kind: "ExternalSecret" },
    scope: "Namespaced",
    conversion: { strategy: "Webhook", webhook: {} },
    versions,
  },
})

/** ESO 0.20 and 0.16. */
const late = hostCrd([version("v1", true, true), version("v1beta1", false, false)])
const early = hostCrd([version("v1alpha1", false, false), version("v1beta1", true, true), version("v1", true, false)])

const versionNames = (crd: KubeObject) =>
  arrayAt(crd, "spec", "versions").map((entry) =>
    [stringAt(entry, "name"), valueAt(entry, "served"), valueAt(entry, "storage")].join(" "),
  )

describe("versions", () => {
  it("reads them", () => {
    assert.deepStrictEqual(servedVersions(early), ["v1beta1", "v1"])
    assert.strictEqual(storageVersion(early), "v1beta1")
    assert.deepStrictEqual(specSchema(late, "v1"), { description: "v1" })
    assert.isUndefined(specSchema(late, "v2"))
  })

  const cases: ReadonlyArray<readonly [crd: KubeObject, wanted: string | undefined, chosen: string | undefined]> = [
    [late, undefined, "v1"],
    [late, "v1", "v1"],
    [late, "v1beta1", undefined],
    [early, undefined, "v1beta1"],
    [early, "v1", "v1"],
    [hostCrd([]), undefined, undefined],
  ]
  for (const [crd, wanted, chosen] of cases)
    it(`${versionNames(crd).join(", ")}: ${wanted ?? "unset"} gives ${chosen ?? "an error"}`, () =>
      Result.match(chooseVersion(crd, wanted), {
        onSuccess: (found) => assert.strictEqual(found, chosen),
        onFailure: (error) => {
          assert.isUndefined(chosen)
          assert.include(error.message, "integrations.externalSecrets.version")
        },
      }))
})

describe("desiredVirtualCrd", () => {
  it("stores v1, and serves v1beta1 beside it with v1's schema, without conversion", () => {
    const crd = desiredVirtualCrd(late, "v1")
    assert.deepStrictEqual(versionNames(crd), ["v1 true true", "v1beta1 true false"])
    assert.deepStrictEqual(specSchema(crd, "v1beta1"), specSchema(late, "v1"))
    assert.deepStrictEqual(valueAt(crd, "spec", "conversion"), { strategy: "None" })
    assert.deepStrictEqual(crd.metadata.labels, { "vcluster-es.io/managed": "true" })
    assert.isTrue(isOurCrd(crd))
  })

  it("keeps serving the versions under which objects are stored: the API server lets none go", () => {
    const virtual = { ...desiredVirtualCrd(late, "v1"), status: { storedVersions: ["v1", "v1beta1"] } }
    const crd = desiredVirtualCrd(early, "v1beta1", virtual)
    assert.deepStrictEqual(versionNames(crd), ["v1beta1 true true", "v1 true false"])
    assert.deepStrictEqual(specSchema(crd, "v1"), specSchema(early, "v1beta1"))
  })

  it("of an ESO that stores v1beta1 it is that alone", () =>
    assert.deepStrictEqual(versionNames(desiredVirtualCrd(early, "v1beta1")), ["v1beta1 true true"]))
})

describe("crdToVirtual", () => {
  const desired = desiredVirtualCrd(late, "v1")
  const stored: KubeObject = { ...desired, metadata: { ...desired.metadata, uid: "v", resourceVersion: "1" } }
  const with_ = (metadata: object, spec: object = {}): KubeObject => ({
    ...stored,
    metadata: { ...stored.metadata, ...metadata },
    spec: { ...recordAt(stored, "spec"), ...spec },
  })
  const tags = (actions: ReadonlyArray<Action>) => actions.map(({ _tag, side }) => `${_tag} ${side}`)

  it("makes what is not there", () =>
    assert.deepStrictEqual(tags(crdToVirtual(desired, undefined)), ["Create virtual"]))

  it("writes nothing where all is well", () => assert.deepStrictEqual(crdToVirtual(desired, stored), []))

  const edits: ReadonlyArray<readonly [what: string, crd: KubeObject]> = [
    ["a schema without validation", with_({}, { versions: [version("v1", true, true)] })],
    ["a conversion", with_({}, { conversion: { strategy: "Webhook", webhook: {} } })],
    [
      "another short name",
      with_({}, { names: { plural: "externalsecrets", kind: "ExternalSecret", shortNames: ["x"] } }),
    ],
    ["no mark of the host's", with_({ annotations: {} })],
  ]
  for (const [what, crd] of edits)
    it(`puts right: ${what}`, () => {
      const [action, ...more] = crdToVirtual(desired, crd)
      assert.deepStrictEqual(more, [])
      assert.strictEqual(action?._tag, "Patch")
      if (action?._tag !== "Patch") return
      assert.strictEqual(action.current, crd)
      assert.deepStrictEqual(recordAt(applyMergePatch(crd, action.patch), "spec"), recordAt(desired, "spec"))
    })

  describe("where there are no selectableFields, as on an API server before Kubernetes 1.31", () => {
    const selectableFields = [{ jsonPath: ".spec.secretStoreRef.name" }]
    const wanted = desiredVirtualCrd(hostCrd([{ ...version("v1", true, true), selectableFields }]), "v1")
    // `stored` has both versions, and none of these fields.
    const dropped = stored

    it("writes them: what the server keeps it tells in its answer", () =>
      assert.deepStrictEqual(tags(crdToVirtual(wanted, dropped)), ["Patch virtual"]))

    it("lets who only looks know that nothing else is missing", () => {
      assert.isTrue(lacksOnlySelectableFields(wanted, dropped))
      assert.isTrue(lacksOnlySelectableFields(desired, stored))
      assert.isFalse(
        lacksOnlySelectableFields(wanted, { ...dropped, metadata: { ...dropped.metadata, annotations: {} } }),
      )
      const [first] = arrayAt(wanted, "spec", "versions")
      const [, lost] = arrayAt(dropped, "spec", "versions")
      assert.isFalse(lacksOnlySelectableFields(wanted, with_({}, { versions: [first, lost] })))
    })

    it("writes them with any other change", () => {
      const [action] = crdToVirtual(wanted, { ...dropped, metadata: { ...dropped.metadata, annotations: {} } })
      assert.deepStrictEqual(
        action?._tag === "Patch" ? arrayAt(recordAt(action.patch, "spec"), "versions") : undefined,
        arrayAt(wanted, "spec", "versions"),
      )
    })

    it("puts them right where one version has lost them", () => {
      const [first] = arrayAt(wanted, "spec", "versions")
      const [, lost] = arrayAt(dropped, "spec", "versions")
      assert.deepStrictEqual(tags(crdToVirtual(wanted, with_({}, { versions: [first, lost] }))), ["Patch virtual"])
    })
  })

  it("leaves somebody else's alone, and waits for one that is being deleted", () => {
    assert.deepStrictEqual(crdToVirtual(desired, with_({ labels: {} }, { versions: [] })), [])
    assert.deepStrictEqual(
      crdToVirtual(desired, with_({ deletionTimestamp: "2026-01-01T00:00:00Z" }, { versions: [] })),
      [],
    )
  })
})

describe("isEstablished", () => {
  const status = (conditions: unknown): KubeObject => ({ ...late, status: { conditions } })
  it("only when it says so", () => {
    assert.isTrue(isEstablished(status([{ type: "NamesAccepted" }, { type: "Established", status: "True" }])))
    for (const conditions of [undefined, [], [{ type: "Established", status: "False" }], "Established"])
      assert.isFalse(isEstablished(status(conditions)))
  })
})

describe("the state of a CRD in the virtual cluster", () => {
  const condition = (type: string, status: string, message: string) => ({ type, status, message })
  const established = {
    ...late,
    status: { conditions: [condition("Established", "True", "the initial names have been accepted")] },
  }
  const conflicting = {
    ...late,
    status: {
      conditions: [
        condition("NamesAccepted", "False", '"ExternalSecret" is already in use'),
        condition("Established", "False", "not all names are accepted"),
      ],
    },
  }
  const terminating = {
    ...established,
    metadata: { ...established.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
    status: {
      conditions: [...established.status.conditions, condition("Terminating", "True", "could not list instances")],
    },
  }

  it("is terminating although it is still Established", () => {
    const states = [undefined, late, conflicting, established, terminating].map(crdState)
    assert.deepStrictEqual(states, ["absent", "pending", "pending", "served", "terminating"])
  })

  it("is told with the server's own words when it does not come to be served", () => {
    const name = "externalsecrets.external-secrets.io"
    assert.strictEqual(
      crdNotServed(name, terminating, 60).message,
      `CRD ${name} in the virtual cluster is being deleted, and not gone after 60 s: could not list instances`,
    )
    assert.strictEqual(
      crdNotServed(name, conflicting, 60).message,
      `CRD ${name} in the virtual cluster is not served after 60 s: "ExternalSecret" is already in use; not all names are accepted`,
    )
    assert.strictEqual(
      crdNotServed(name, undefined, 60).message,
      `CRD ${name} in the virtual cluster is still absent after 60 s`,
    )
  })
})
