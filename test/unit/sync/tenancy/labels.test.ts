import { assert, describe, it } from "@effect/vitest"
import { carriedAnnotations, carriedLabels, heldBackLabels } from "../../../../src/sync/tenancy/labels.ts"

const neverCarried = [
  "vcluster-es.io/managed-by",
  "vcluster-es.io/managed",
  "sub.vcluster-es.io/x",
  "vcluster.loft.sh/managed-by",
  "a.vcluster.loft.sh/x",
  "reconcile.external-secrets.io/created-by",
  "reconcile.external-secrets.io/managed",
]

const carried = [
  "team",
  "app.kubernetes.io/name",
  "notvcluster-es.io/x",
  "vcluster-es.io.example.com/x",
  "force-sync",
  "/x",
]

/** By these, vCluster and Helm select in the host namespace. */
const held = ["app", "release", "owner"]

const entries = (keys: ReadonlyArray<string>) => Object.fromEntries(keys.map((key) => [key, "v"]))
const all = entries([...neverCarried, ...carried, ...held])

describe("keys that cross to the host", () => {
  it("labels", () => {
    assert.deepStrictEqual(carriedLabels(all), entries(carried))
    assert.deepStrictEqual(heldBackLabels(all), entries(held))
    assert.deepStrictEqual(carriedLabels(undefined), {})
  })

  it("annotations", () => {
    const lastApplied = { "kubectl.kubernetes.io/last-applied-configuration": "{}" }
    assert.deepStrictEqual(carriedAnnotations({ ...all, ...lastApplied }), entries([...carried, ...held]))
  })

  it("held back are keys, whatever their value: ESO renders values", () => {
    assert.deepStrictEqual(carriedLabels({ owner: '{{ "helm" }}', app: "x" }), {})
  })

  it("a key that is called __proto__ is a key", () => {
    const odd: Record<string, string> = JSON.parse('{"__proto__": "x"}')
    assert.deepStrictEqual(Object.keys(carriedLabels(odd)), ["__proto__"])
  })
})
