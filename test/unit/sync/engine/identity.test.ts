import { assert, describe, it } from "@effect/vitest"
import { anchorObject, checkIdentity } from "../../../../src/sync/engine/identity.ts"
import type { IdentityFacts } from "../../../../src/sync/engine/identity.ts"

const expected = { hostNamespace: "team-x", hostNamespaceUid: "ns-uid", vcluster: "my-vc" }
const same: IdentityFacts = {
  uid: "kube-1",
  knownUid: "kube-1",
  anchor: anchorObject(expected),
  expected,
  resourceVersion: "1000",
  highestResourceVersion: "999",
}

describe("checkIdentity", () => {
  it("accepts the first virtual cluster and the known one", () => {
    assert.isUndefined(checkIdentity(same))
    assert.isUndefined(
      checkIdentity({ ...same, knownUid: undefined, anchor: undefined, highestResourceVersion: undefined }),
    )
  })

  it("names both UIDs when kube-system is another one", () => {
    const mismatch = checkIdentity({ ...same, uid: "kube-2" })
    assert.include(mismatch?.message, "kube-system UID kube-1 ≠ kube-2")
    assert.include(mismatch?.message, "nothing was changed")
  })

  it("finds a clone by its anchor, though all UIDs are equal", () => {
    const anchor = anchorObject({ ...expected, hostNamespace: "team-y", hostNamespaceUid: "other" })
    assert.include(checkIdentity({ ...same, anchor })?.message, "belongs to team-y/my-vc")
    const otherName = anchorObject({ ...expected, vcluster: "other-vc" })
    assert.include(checkIdentity({ ...same, anchor: otherName })?.message, "belongs to team-x/other-vc")
  })

  it("takes a deleted or emptied anchor for damage, not for another cluster", () => {
    assert.isUndefined(checkIdentity({ ...same, anchor: undefined }))
    assert.isUndefined(checkIdentity({ ...same, anchor: { ...anchorObject(expected), data: {} } }))
  })

  it("finds an older backup by a resourceVersion that went back, however long the numbers", () => {
    assert.include(checkIdentity({ ...same, resourceVersion: "998" })?.message, "went back from 999 to 998")
    const long = { highestResourceVersion: "90071992547409931", resourceVersion: "90071992547409930" }
    assert.isDefined(checkIdentity({ ...same, ...long }))
    assert.isUndefined(checkIdentity({ ...same, highestResourceVersion: "999", resourceVersion: "1000" }))
  })
})
