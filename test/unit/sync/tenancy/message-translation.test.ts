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
    // What is said of the host namespace itself is not true of the tenant's.
    ["team-x: forbidden", "(the vCluster's host namespace): forbidden"],
    [
      'externalsecrets "db-x-prod-x-vc" is forbidden: unable to create new content in namespace team-x because it is being terminated',
      'externalsecrets "db" is forbidden: unable to create new content in namespace (the vCluster\'s host namespace) because it is being terminated',
    ],
    ["key not found in secret app-x-prod-x-vc.es in namespace team-x", "key not found in secret app in namespace prod"],
    ["must be associated with db-x-prod-x-vc (namespace: team-x)", "must be associated with db (namespace: prod)"],
    ["system:team-x:db-x-prod-x-vc", "system:prod:db"],
    ["db-x-prod-x-vc; team-x", "db; (the vCluster's host namespace)"],
    [
      'cannot get Kubernetes secret "db-x-prod-x-vc" from namespace "team-x": secrets "db-x-prod-x-vc" not found',
      'cannot get Kubernetes secret "db" from namespace "prod": secrets "db" not found',
    ],
    ["nothing to see: a_b 1.5 /path/to/key", "nothing to see: a_b 1.5 /path/to/key"],
    ["", ""],
  ])("%j reads %j", (text, expected) => {
    assert.strictEqual(read(text), expected)
  })

  it("says where ESO looks for a credential that a ClusterSecretStore names without a namespace", () => {
    assert.strictEqual(
      read(
        'an IAM key: cannot get Kubernetes secret "aws-creds" from namespace "team-x": secrets "aws-creds" not found',
      ),
      'an IAM key: cannot get Kubernetes secret "aws-creds" from this vCluster\'s host namespace, where its operator keeps the credentials of a ClusterSecretStore: secrets "aws-creds" not found',
    )
    assert.strictEqual(
      read('cannot get Kubernetes secret "aws-creds" from namespace "vault": not found'),
      'cannot get Kubernetes secret "aws-creds" from namespace "vault": not found',
    )
  })

  it("says which of the two namespaces the conditions of a ClusterSecretStore do not admit", () => {
    const denied = 'using cluster store "by-virtual" is not allowed from namespace "team-x": denied by spec.condition'
    const expected =
      'using cluster store "by-virtual" for namespace "prod" is not allowed from this vCluster\'s host namespace "team-x": denied by spec.condition'
    assert.strictEqual(read(`err: ${denied}`), `err: ${expected}`)
    // Also where the tenant knows the name.
    assert.strictEqual(read(denied, { ...names, tenantText: () => "team-x" }), expected)
  })

  it("reads a long text in one go", () => {
    const long = 'db-x-prod-x-vc in team-x "'.repeat(20_000)
    assert.strictEqual(read(long), 'db in prod "'.repeat(20_000))
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
