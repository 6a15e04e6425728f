/** What others make of the metadata of a Secret between two refreshes. */
import { assert, describe, it } from "@effect/vitest"
import { applySecret } from "../../../../../src/sync/kinds/secret/to-virtual.ts"
import { metadataHashAnnotation } from "../../../../../src/sync/tenancy/labels.ts"
import { managerFor } from "../../../../../src/sync/external-secrets/managed-fields.ts"
import { applied, fields, made, owner, tags, target, wanted } from "./to-virtual-ground.ts"

describe("what others make of the metadata between two refreshes", () => {
  const carried = (es = owner()) => ({ ...target({}, made(), es), isCarriedOver: true })
  const standing = applied(wanted())
  const overwritten = (metadata: object) => ({ ...standing, metadata: { ...standing.metadata, ...metadata } })
  const ours = { "vcluster-es.io/managed": "true" }

  it("stands, whether another controller wrote it or admission", () => {
    const { note: _taken, ...annotations } = standing.metadata.annotations ?? {}
    assert.isEmpty(applySecret(carried(), overwritten({ labels: { ...ours, team: "b" }, annotations })))
  })

  it("is put right with a refresh, but for what admission made of our own write", () => {
    const labels = { ...ours, team: "b" }
    assert.isEmpty(applySecret(target(), overwritten({ labels })), "still ours by the API server's account")
    const taken = applied(wanted(), {
      metadata: {
        labels,
        managedFields: [
          {
            manager: managerFor("db"),
            operation: "Apply",
            fieldsV1: {
              "f:data": fields({ password: "" }),
              "f:metadata": { "f:labels": fields(ours), "f:annotations": fields(wanted().metadata.annotations) },
            },
          },
        ],
      },
    })
    assert.isEmpty(applySecret(carried(), taken))
    assert.deepStrictEqual(tags(applySecret(target(), taken)), ["Apply"])
  })

  it("does not keep what the tenant asks for now from the Secret", () =>
    assert.deepStrictEqual(tags(applySecret(target({}, made(), owner({ team: "c" })), standing)), ["Apply"]))

  it("goes with the next data", () => {
    const changed = { ...overwritten({ labels: { ...ours, team: "b" } }), data: { password: "b2xk" } }
    const [apply] = applySecret(carried(), changed)
    assert.deepInclude(apply, { _tag: "Apply", body: wanted() })
  })

  it("is no reason to leave what is not asked for any more, or our marks off", () => {
    assert.deepStrictEqual(tags(applySecret(carried(owner({})), standing)), ["Apply"])
    assert.deepStrictEqual(tags(applySecret(carried(), overwritten({ annotations: {} }))), ["Apply"])
  })

  it("is asked for anew only once the host's Secret has it: one write a refresh", () => {
    const before = made()
    const source = {
      ...before,
      metadata: { ...before.metadata, annotations: { [metadataHashAnnotation]: "of before" } },
    }
    const late = target({}, source, owner({ team: "c" }))
    assert.isEmpty(applySecret(late, standing))
    assert.deepStrictEqual(tags(applySecret(target({}, before, owner({ team: "c" })), standing)), ["Apply"])
  })
})
