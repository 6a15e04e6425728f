/** What others make of the metadata of a Secret between two refreshes. */
import { assert, describe, it } from "@effect/vitest"
import { applySecret } from "../../../../../src/sync/kinds/secret/to-virtual.ts"
import { owner, made, target, wanted, applied, tags } from "./to-virtual-ground.ts"

describe("what others make of the metadata between two refreshes", () => {
  const carried = (es = owner()) => ({ ...target({}, made(), es), isCarriedOver: true })
  const standing = applied(wanted())
  const overwritten = (metadata: object) => ({ ...standing, metadata: { ...standing.metadata, ...metadata } })
  const ours = { "vcluster-es.io/managed": "true" }

  it("stands, whether another controller wrote it or admission", () => {
    const changed = overwritten({
      labels: { ...ours, team: "b" },
      annotations: { "vcluster-es.io/external-secret": "db" },
    })
    assert.isEmpty(applySecret(carried(), changed))
    assert.deepStrictEqual(tags(applySecret(target(), changed)), ["Apply"])
  })

  it("goes with the next data", () => {
    const changed = { ...overwritten({ labels: { ...ours, team: "b" } }), data: { password: "b2xk" } }
    const [apply] = applySecret(carried(), changed)
    assert.deepInclude(apply, { _tag: "Apply", body: wanted() })
  })

  it("is no reason to leave what is not asked for any more, or our marks off", () => {
    assert.deepStrictEqual(tags(applySecret(carried(owner({})), standing)), ["Apply"])
    assert.deepStrictEqual(tags(applySecret(carried(), overwritten({ annotations: {} }))), ["Apply"])
  })
})
