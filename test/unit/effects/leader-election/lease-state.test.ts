import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { heldLease, newLease, releasedLease, tookOverAsSeen } from "../../../../src/effects/leader-election/lease.ts"

const by = (identity: string) => ({ identity, leaseDurationMs: 15_000, annotations: {}, now: 0 })

const stored = (lease: KubeObject, uid = "uid"): KubeObject => ({ ...lease, metadata: { ...lease.metadata, uid } })

const lease = (identity: string) => stored(newLease({ namespace: "team-x", name: "sync" }, undefined, by(identity)))

describe("whether nobody held the Lease between a look and our taking it", () => {
  const free = releasedLease(lease("they"), by("they"))

  it("is so when it was free and we came next, when there was none, and when it was ours", () => {
    assert.isTrue(tookOverAsSeen(free, heldLease(free, by("me")), "me"))
    assert.isTrue(tookOverAsSeen(undefined, lease("me"), "me"))
    assert.isTrue(tookOverAsSeen(lease("me"), heldLease(lease("me"), by("me")), "me"))
  })

  it("is not so when it was somebody's, or when somebody came and went in between", () => {
    const theirs = heldLease(free, by("they"))
    assert.isFalse(tookOverAsSeen(theirs, heldLease(theirs, by("me")), "me"))
    const between = releasedLease(theirs, by("they"))
    assert.isFalse(tookOverAsSeen(free, heldLease(between, by("me")), "me"))
    assert.isFalse(tookOverAsSeen(undefined, heldLease(free, by("me")), "me"))
    assert.isFalse(tookOverAsSeen(free, stored(heldLease(free, by("me")), "made anew"), "me"))
    assert.isFalse(tookOverAsSeen(free, theirs, "me"))
  })
})
