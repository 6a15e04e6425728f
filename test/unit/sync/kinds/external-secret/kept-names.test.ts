/** What the tenant keeps where a name comes to be another's. */
import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import { externalSecretKind } from "../../../../../src/sync/kinds/kinds.ts"
import { markAnnotations } from "../../../../../src/sync/tenancy/ownership.ts"
import { hostName } from "../../../../../src/sync/tenancy/names.ts"
import { testContext, World } from "../../../../model/world.ts"
import { key, settings, decide, synced } from "./kept-ground.ts"

describe("a SecretStore whose name on the host comes to be another's", () => {
  const withStores = testContext({ settings: { ...settings, stores: { enabled: true, selector: {} } } })
  const place = { namespace: "team-x", name: hostName("a-x-b", "c", "vc") }
  const copyOfStore = (name: string, namespace: string): KubeObject => ({
    apiVersion: "external-secrets.io/v1",
    kind: "SecretStore",
    metadata: {
      ...place,
      annotations: markAnnotations(
        { apiVersion: "v1", kind: "SecretStore", metadata: { name, namespace, uid: name } },
        withStores.tenancy,
      ),
    },
    spec: {},
  })
  const spy = "c/spy"
  const decideSpy = (world: World) =>
    externalSecretKind.decide(spy, world.caches(), world.context, { refusedWrite: undefined })
  const parked = (next?: unknown): World => {
    const world = new World(withStores)
    world.put("host", "SecretStore", copyOfStore("a-x-b", "c"))
    world.put("virtual", "ExternalSecret", {
      apiVersion: "external-secrets.io/v1",
      kind: "ExternalSecret",
      metadata: { name: "spy", namespace: "c", labels: { sync: "yes" } },
      spec: {
        secretStoreRef: { name: "a-x-b", kind: "SecretStore" },
        data: [{ secretKey: "value", remoteRef: { key: "1" } }],
      },
    })
    for (let turn = 0; turn < 4; turn += 1) {
      for (const action of decideSpy(world).actions) world.perform(action)
      world.runOperator()
    }
    assert.isDefined(world.get("virtual", "Secret", spy))
    if (next !== undefined) {
      const standing = world.get("virtual", "ExternalSecret", spy) ?? assert.fail("gone")
      world.put("virtual", "ExternalSecret", { ...standing, spec: next })
    }
    return world
  }
  const rotate = (world: World) => {
    for (const secret of world.all("host", "Secret")) world.put("host", "Secret", { ...secret, data: { value: "9" } })
  }
  const summary = (world: World) =>
    decideSpy(world).actions.map(({ _tag, side, resource }) => `${_tag} ${side} ${resource.kind}`)

  for (const [what, next] of [
    ["as it was accepted", undefined],
    ["with an edit that is refused", { refreshInterval: "soon" }],
  ] as const)
    it(`serves nobody any more, ${what}: the copy goes, the Secret stays`, () => {
      const world = parked(next)
      world.put("host", "SecretStore", copyOfStore("a", "b-x-c"))
      rotate(world)
      assert.deepStrictEqual(summary(world), ["Delete host ExternalSecret", "Status virtual ExternalSecret"])
    })

  it("while it is away values stand still", () => {
    const world = parked()
    world.remove("host", "SecretStore", `${place.namespace}/${place.name}`)
    rotate(world)
    assert.notInclude(summary(world), "Apply virtual Secret")
  })
})

describe("a target that vCluster comes to import", () => {
  it("is not written any more, and the copy stays", () => {
    const world = synced()
    for (const secret of world.all("host", "Secret")) world.put("host", "Secret", { ...secret, data: { value: "9" } })
    const importedSecrets = [{ host: "shared/app", virtual: key }]
    const { actions, verdict } = decide(world, { settings: { ...settings, importedSecrets } })
    assert.deepInclude(verdict, { health: "refused", reason: "TargetSecretImported" })
    assert.deepStrictEqual(
      actions.map(({ _tag, side }) => `${_tag} ${side}`),
      ["Status virtual"],
    )
  })
})
