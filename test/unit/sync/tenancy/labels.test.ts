import { assert, describe, it } from "@effect/vitest"
import { importedLabels, tenantKeys } from "../../../../src/sync/tenancy/labels.ts"

const reserved = [
  "vcluster-es.io/managed-by",
  "vcluster-es.io/managed",
  "sub.vcluster-es.io/x",
  "vcluster.loft.sh/managed-by",
  "a.vcluster.loft.sh/x",
  "reconcile.external-secrets.io/created-by",
  "reconcile.external-secrets.io/managed",
]

const claims = [
  "app.kubernetes.io/instance",
  "app.kubernetes.io/managed-by",
  "argocd.argoproj.io/instance",
  "argocd.argoproj.io/secret-type",
  "kustomize.toolkit.fluxcd.io/name",
  "helm.toolkit.fluxcd.io/name",
  "meta.helm.sh/release-name",
  "kapp.k14s.io/app",
  "objectset.rio.cattle.io/hash",
  "applyset.kubernetes.io/part-of",
  "operators.coreos.com/eso.system",
  "olm.owner",
]

const plain = [
  "team",
  "app",
  "release",
  "owner",
  "app.kubernetes.io/name",
  "notvcluster-es.io/x",
  "vcluster-es.io.example.com/x",
  "argocd.argoproj.io.example.com/x",
  "force-sync",
  "/x",
]

const entries = (keys: ReadonlyArray<string>) => Object.fromEntries(keys.map((key) => [key, "v"]))
const all = entries([...reserved, ...claims, ...plain])

describe("keys", () => {
  it("of a tenant's object, in the tenant's cluster: all but those that steer syncers", () => {
    assert.deepStrictEqual(tenantKeys(all), entries([...claims, ...plain]))
    assert.deepStrictEqual(tenantKeys({ "kubectl.kubernetes.io/last-applied-configuration": "{}" }), {})
    assert.deepStrictEqual(tenantKeys(undefined), {})
  })

  it("case 30: of a host object, on its import: those by which nobody claims it", () => {
    assert.deepStrictEqual(importedLabels(all), entries(plain))
  })

  it("a key that is called __proto__ is a key", () => {
    const odd: Record<string, string> = JSON.parse('{"__proto__": "x"}')
    assert.deepStrictEqual(Object.keys(tenantKeys(odd)), ["__proto__"])
  })
})
