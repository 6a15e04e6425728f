/** The model that a soak is held against tells what it should, and only that. */
import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../src/effects/client/kube-object.ts"
import { sightsOfList, type Sight } from "../../support/follow.ts"
import { Ledger } from "../../support/soak/ledger.ts"
import { seeded } from "../../support/soak/random.ts"

const secret = (name: string, value: string, uid = "1", resourceVersion = "1"): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "default", uid, resourceVersion },
  data: { password: btoa(value) },
})
const added = (object: KubeObject): Sight => ({ type: "ADDED", object })
const deleted = (object: KubeObject): Sight => ({ type: "DELETED", object })

/** `a` is kept with the value `one`. */
const kept = (once: ReadonlyArray<string> = []): Ledger => {
  const ledger = new Ledger(["a"], new Set(once))
  ledger.allow("a", "one")
  ledger.see(added(secret("a", "one")))
  ledger.keep("a")
  return ledger
}

const told = ({ violations }: Ledger) => violations.map((violation) => violation.split(";")[0])

describe("a soak's ledger", () => {
  it("tells of a Secret that is absent for a moment", () => {
    const ledger = kept()
    ledger.see(deleted(secret("a", "one")))
    ledger.see(added(secret("a", "one", "2")))
    assert.deepStrictEqual(told(ledger), ["a was absent"])
  })

  it("lets go what its tenant let go, until it is kept again", () => {
    const ledger = kept()
    ledger.release("a")
    ledger.see(deleted(secret("a", "one")))
    ledger.see(added(secret("a", "one", "2")))
    assert.deepStrictEqual(told(ledger), [])
    assert.isTrue(ledger.isAnew("a", "2"))
    assert.isFalse(ledger.isAnew("a", "1"))
    ledger.keep("a")
    ledger.see(deleted(secret("a", "one", "2")))
    assert.deepStrictEqual(told(ledger), ["a was absent"])
  })

  it("tells of a value that was never to be had", () => {
    const ledger = kept()
    ledger.see(added(secret("a", "two")))
    assert.deepStrictEqual(told(ledger), ["a had the value «two», which it may not have"])
  })

  it("tells of a value that was fetched once and is another one, unless it was asked for anew", () => {
    const ledger = kept(["a"])
    ledger.allow("a", "two")
    ledger.see(added(secret("a", "two")))
    assert.deepStrictEqual(told(ledger), ["a, fetched once as «one», had the value «two»"])
    const asked = kept(["a"])
    asked.allow("a", "two")
    asked.fetchAgain("a")
    asked.see(added(secret("a", "two")))
    assert.deepStrictEqual(told(asked), [])
  })

  it("makes the same choices of the same seed", () => {
    const draws = (seed: number) => {
      const random = seeded(seed)
      return Array.from({ length: 50 }, () => random.below(1000))
    }
    assert.deepStrictEqual(draws(7), draws(7))
    assert.notDeepEqual(draws(7), draws(8))
    assert.isTrue(draws(7).every((draw) => draw >= 0 && draw < 1000))
  })
})

describe("what a list shows after a gap between two watches", () => {
  const known = new Map([
    ["default/gone", secret("gone", "one")],
    ["default/anew", secret("anew", "one", "1")],
    ["default/changed", secret("changed", "one", "3", "1")],
    ["default/same", secret("same", "one", "4", "1")],
  ])
  it("is what was absent meanwhile as well", () => {
    const sights = sightsOfList(known, [
      secret("anew", "one", "2"),
      secret("changed", "two", "3", "2"),
      secret("same", "one", "4", "1"),
      secret("new", "one", "5"),
    ])
    assert.deepStrictEqual(
      sights.map(({ type, object }) => `${type} ${object.metadata.name}`),
      ["DELETED gone", "DELETED anew", "ADDED anew", "MODIFIED changed", "ADDED new"],
    )
  })
})
