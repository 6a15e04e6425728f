import { assert, describe, it } from "@effect/vitest"
import type { HostNames } from "../../../../src/sync/tenancy/message-translation.ts"
import { translator } from "../../../../src/sync/tenancy/message-translation.ts"
import { hostReferenceName, hostSecretName, mergeSecretName } from "../../../../src/sync/tenancy/names.ts"

const names: HostNames = {
  own: new Map([
    ["db-x-prod-x-vc", "db"],
    ["app-x-prod-x-vc.es", "app"],
    ["rendered.vcluster-es.io/label-0123", "team"],
  ]),
  hostNamespace: "team-x",
  virtualNamespace: "prod",
  vcluster: "vc",
  isOther: (name) => name === "cut-to-63-0123456789",
  tenantText: () => "",
}

const read = (text: string, of: HostNames = names): string => translator(() => of)(text)

describe("a text of the host, as its tenant reads it", () => {
  it.each([
    ["secret team-x/app-x-prod-x-vc.es is gone", "secret prod/app is gone"],
    ['secrets "app-x-prod-x-vc.es" not found in namespace "team-x"', 'secrets "app" not found in namespace "prod"'],
    ["could not update db-x-prod-x-vc.", "could not update db."],
    ["db-x-prod-x-vc.Then more", "db.Then more"],
    ["owned by theirs-x-b-x-vc", "owned by (another object)"],
    ["owned by theirs-x-b-x-vc.es and more.ref-x-c-x-vc.ref", "owned by (another object) and (another object)"],
    [`owned by ${hostSecretName("theirs", "b", "other")}: no`, "owned by (another object): no"],
    [
      `no ${hostReferenceName("x".repeat(60), "b", "vc")}, nor b-${mergeSecretName("x", "b", "vc")}`,
      "no (another object), nor (another object)",
    ],
    ["at key rendered.vcluster-es.io/label-0123: no", "at key team: no"],
    ["owned by cut-to-63-0123456789", "owned by (another object)"],
    // Longer names that only hold one of ours are none of ours.
    ["my-db-x-prod-x-vc", "(another object)"],
    ["db-x-prod-x-vc-2 in team-x-2", "db-x-prod-x-vc-2 in team-x-2"],
    ["team-x: forbidden (team-x)", "prod: forbidden (prod)"],
    ["nothing to see: a_b 1.5 /path/to/key", "nothing to see: a_b 1.5 /path/to/key"],
    ["", ""],
  ])("%j reads %j", (text, expected) => {
    assert.strictEqual(read(text), expected)
  })

  it("leaves a path that the tenant wrote, even where it names the host namespace", () => {
    const tenants = { ...names, tenantText: () => JSON.stringify({ remoteRef: { key: "team-x/password" } }) }
    assert.strictEqual(read("no secret team-x/password", tenants), "no secret team-x/password")
  })

  it("takes a vCluster's name literally", () => {
    const dotted = { ...names, vcluster: "v.c" }
    assert.strictEqual(read("a-x-b-x-v.c a-x-b-x-vxc", dotted), "(another object) a-x-b-x-vxc")
  })

  it("asks for the names only where a text may hold one, and once", () => {
    let asked = 0
    const translate = translator(() => {
      asked += 1
      return names
    })
    assert.strictEqual(translate("secret synced"), "secret synced")
    assert.strictEqual(asked, 0)
    assert.strictEqual(translate("db-x-prod-x-vc"), "db")
    assert.strictEqual(translate("app-x-prod-x-vc.es"), "app")
    assert.strictEqual(asked, 1)
  })
})
