/** The refusals that depend on what stands around an ExternalSecret, decided over caches of both clusters. */
import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import { externalSecretKind } from "../../../../../src/sync/kinds/kinds.ts"
import type { Cache } from "../../../../../src/sync/engine/caches.ts"
import { hostExternalSecrets } from "../../../../../src/sync/external-secrets/external-secret-caches.ts"
import { hostSecrets } from "../../../../../src/sync/external-secrets/secret-caches.ts"
import { hostName, hostSecretName } from "../../../../../src/sync/tenancy/names.ts"
import { testContext, World } from "../../../../model/world.ts"
import {
  tenants,
  decide,
  step,
  settle,
  selecting,
  labelStore,
  hostKey,
  onHost,
  assertRefused,
} from "./refusals-ground.ts"

describe("what stands on the host under the name", () => {
  it("HostObjectNotOurs: a foreign ExternalSecret, until it is gone", () => {
    const world = new World()
    world.put("virtual", "ExternalSecret", tenants("a"))
    const foreign = world.put("host", "ExternalSecret", onHost("ExternalSecret", hostName("a", "default", "vc")))
    assertRefused(decide(world, "default/a"), "HostObjectNotOurs", foreign.metadata.name)
    step(world, "default/a")
    assert.strictEqual(world.get("host", "ExternalSecret", hostKey("a")), foreign)
    world.remove("host", "ExternalSecret", hostKey("a"))
    assert.deepStrictEqual(
      decide(world, "default/a").actions.map(({ _tag }) => _tag),
      ["Create"],
    )
  })

  it("HostNameTaken: the copy of another object of this vCluster", () => {
    const world = new World()
    world.put("virtual", "ExternalSecret", tenants("a-x-b", "c"))
    settle(world, "c/a-x-b")
    world.put("virtual", "ExternalSecret", tenants("a", "b-x-c"))
    assertRefused(decide(world, "b-x-c/a"), "HostNameTaken", "c/a-x-b")
    assert.isFalse(step(world, "c/a-x-b"))
  })

  const controllers: Readonly<Record<string, object>> = {
    nobody: {},
    "another kind": {
      ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "c", uid: "1", controller: true }],
    },
    "a foreign ExternalSecret": {
      ownerReferences: [
        { apiVersion: "external-secrets.io/v1", kind: "ExternalSecret", name: "f", uid: "1", controller: true },
      ],
    },
  }
  for (const [who, metadata] of Object.entries(controllers))
    for (const labels of [{}, { "reconcile.external-secrets.io/managed": "true" }])
      it(`HostObjectNotOurs: a Secret of ${who}, ${Object.keys(labels).length === 0 ? "plain" : "with ESO's label"}`, () => {
        const world = new World()
        const name = hostSecretName("a", "default", "vc")
        world.put("host", "ExternalSecret", onHost("ExternalSecret", "f"))
        const foreign = world.put("host", "Secret", onHost("Secret", name, { ...metadata, labels }))
        world.put("virtual", "ExternalSecret", tenants("a"))
        assertRefused(decide(world, "default/a"), "HostObjectNotOurs", name)
        step(world, "default/a")
        assert.strictEqual(world.get("host", "Secret", `team-x/${name}`), foreign)
      })

  it("HostNameTaken: a target that another object of this vCluster has", () => {
    const world = new World()
    world.put("virtual", "ExternalSecret", tenants("first", "default", { target: { name: "t" } }))
    settle(world, "default/first")
    world.put("virtual", "ExternalSecret", tenants("second", "default", { target: { name: "t" } }))
    assertRefused(decide(world, "default/second"), "HostNameTaken", "default/first")
    assert.isFalse(step(world, "default/first"))
    world.remove("virtual", "ExternalSecret", "default/first")
    settle(world, "default/first", "default/second")
    assert.strictEqual(decide(world, "default/second").verdict?.health, "synced")
  })

  describe("when the first is gone", () => {
    const going = { deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["eso"] }
    const message = (world: World, key: string) => {
      const { verdict } = decide(world, key)
      assert.strictEqual(verdict?.reason, "HostNameTaken")
      return verdict?.message ?? ""
    }
    const whoseKeysCome = (changed: KubeObject, world: World, cache: Cache) =>
      externalSecretKind.sources
        .filter((source) => source.cache === cache)
        .flatMap((source) => [...source.keys(changed, world.caches(), world.context)])

    it("nobody is told to rename what waits for the end of its copy, and that end brings the key back", () => {
      const world = new World()
      world.put("virtual", "ExternalSecret", tenants("a-x-b", "c"))
      settle(world, "c/a-x-b")
      world.put("virtual", "ExternalSecret", tenants("a", "b-x-c"))
      assert.include(message(world, "b-x-c/a"), "rename one of the two")
      const copy = world.get("host", "ExternalSecret", hostKey("a-x-b", "c"))
      assert.isDefined(copy)
      world.put("host", "ExternalSecret", { ...copy, metadata: { ...copy.metadata, ...going } })
      assert.include(message(world, "b-x-c/a"), "is still being deleted on the host")
      assert.notInclude(message(world, "b-x-c/a"), "rename")
      assert.include(whoseKeysCome(copy, world, hostExternalSecrets), "b-x-c/a")
      world.remove("virtual", "ExternalSecret", "c/a-x-b")
      world.remove("host", "ExternalSecret", hostKey("a-x-b", "c"))
      assert.strictEqual(decide(world, "b-x-c/a").actions[0]?._tag, "Create")
    })

    it("its Secret is not called a stranger's before Kubernetes has collected it, and its end brings the key back", () => {
      const world = new World()
      world.put("virtual", "ExternalSecret", tenants("first", "default", { target: { name: "t" } }))
      settle(world, "default/first")
      world.put("virtual", "ExternalSecret", tenants("second", "default", { target: { name: "t" } }))
      const copy = world.get("host", "ExternalSecret", hostKey("first"))
      assert.isDefined(copy)
      world.put("host", "ExternalSecret", { ...copy, metadata: { ...copy.metadata, ...going } })
      assert.include(message(world, "default/second"), "made for ExternalSecret default/first, is still being deleted")
      world.remove("virtual", "ExternalSecret", "default/first")
      // The collector is late.
      world.objects.delete(`host|ExternalSecret|${hostKey("first")}`)
      assert.include(
        message(world, "default/second"),
        "made for an ExternalSecret that is gone, is still being deleted",
      )
      const [secret] = world.all("host", "Secret")
      assert.isDefined(secret)
      assert.include(whoseKeysCome(secret, world, hostSecrets), "default/second")
      world.remove("host", "Secret", `team-x/${secret.metadata.name}`)
      settle(world, "default/second")
      assert.strictEqual(decide(world, "default/second").verdict?.health, "synced")
    })
  })

  it("its own Secret is no conflict, also when the copy was made anew", () => {
    const world = new World()
    world.put("virtual", "ExternalSecret", tenants("a"))
    settle(world, "default/a")
    const copy = world.get("host", "ExternalSecret", hostKey("a"))
    assert.isDefined(copy)
    world.objects.delete(`host|ExternalSecret|${hostKey("a")}`)
    assert.deepStrictEqual(
      decide(world, "default/a").actions.map(({ _tag }) => _tag),
      ["Create"],
    )
  })
})

describe("a target that vCluster itself imports", () => {
  const { settings } = testContext()
  const importedSecrets = [{ host: "shared/db", virtual: "default/a" }]
  const importing = () => new World(testContext({ settings: { ...settings, importedSecrets } }))

  it("TargetSecretImported: names the mapping, and what it means for others is nothing", () => {
    const world = importing()
    world.put("virtual", "ExternalSecret", tenants("a"))
    world.put("virtual", "ExternalSecret", tenants("a", "other"))
    assertRefused(decide(world, "default/a"), "TargetSecretImported", 'mappings.byName: "shared/db"')
    assert.notStrictEqual(decide(world, "other/a").verdict?.health, "refused")
  })

  it("is no target of one that makes no Secret", () => {
    const world = importing()
    world.put("virtual", "ExternalSecret", tenants("a", "default", { target: { creationPolicy: "None" } }))
    assert.notStrictEqual(decide(world, "default/a").verdict?.health, "refused")
  })
})

describe("what stands in the virtual cluster", () => {
  it("NamespaceNotMapped", () => {
    const world = new World(testContext({ locate: () => undefined }))
    world.put("virtual", "ExternalSecret", tenants("a"))
    assertRefused(decide(world, "default/a"), "NamespaceNotMapped", "namespace default")
  })

  it("InvalidSpec: a spec that is none", () => {
    const world = new World()
    world.put("virtual", "ExternalSecret", { ...tenants("a"), spec: 7 })
    assertRefused(decide(world, "default/a"), "InvalidSpec", "spec")
  })

  it("ManagedByOtherOperator: nothing is written over the other ESO's status, and the copy goes", () => {
    const world = new World()
    const object = tenants("a")
    world.put("virtual", "ExternalSecret", object)
    settle(world, "default/a")
    const finalizers = ["externalsecrets.external-secrets.io/externalsecret-cleanup"]
    world.put("virtual", "ExternalSecret", { ...object, metadata: { ...object.metadata, finalizers } })
    const { verdict, actions } = decide(world, "default/a")
    assert.strictEqual(verdict?.reason, "ManagedByOtherOperator")
    assert.deepStrictEqual(
      actions.map(({ _tag, side }) => `${_tag} ${side}`),
      ["Delete host"],
    )
  })

  it("OtherOperatorSilent: the same, with the command that hands over", () => {
    const world = new World()
    const finalizers = ["externalsecrets.external-secrets.io/externalsecret-cleanup"]
    world.put("virtual", "ExternalSecret", {
      ...tenants("a"),
      metadata: { name: "a", namespace: "default", finalizers },
      status: { refreshTime: "2025-12-31T00:00:00Z", conditions: [{ type: "Ready", status: "True" }] },
    })
    const { verdict, actions, notice } = decide(world, "default/a")
    assert.deepInclude(verdict, { health: "refused", reason: "OtherOperatorSilent" })
    assert.include(verdict?.fix?.command, "kubectl patch externalsecret a -n default")
    assert.deepStrictEqual([actions, notice], [[], undefined])
  })

  it("OtherOperatorSilent: a deletion that waits for ESO's finalizer is told of", () => {
    const world = new World()
    const finalizers = ["externalsecrets.external-secrets.io/externalsecret-cleanup"]
    const deletionTimestamp = "2025-12-31T23:00:00Z"
    world.put("virtual", "ExternalSecret", {
      ...tenants("a"),
      metadata: { name: "a", namespace: "default", finalizers, deletionTimestamp },
    })
    const { verdict, actions } = decide(world, "default/a")
    assert.deepInclude(verdict, { health: "refused", reason: "OtherOperatorSilent" })
    assert.include(verdict?.message, "in deletion since 2025-12-31T23:00:00Z")
    assert.deepStrictEqual(actions, [])
  })

  it("an authorisation that is withdrawn takes the host object along, is told once, and a forged status is written over", () => {
    const world = new World(selecting("yes"))
    labelStore(world, "yes")
    world.put("virtual", "ExternalSecret", tenants("a"))
    settle(world, "default/a")
    const secret = world.get("virtual", "Secret", "default/a")
    assert.isDefined(secret)
    labelStore(world, "no")
    assertRefused(decide(world, "default/a"), "StoreNotImported", "Secret a stays as it is, without a new value since")
    settle(world, "default/a")
    assert.isUndefined(world.get("host", "ExternalSecret", hostKey("a")))
    assert.strictEqual(world.get("virtual", "Secret", "default/a"), secret)
    const again = decide(world, "default/a")
    assert.deepStrictEqual([again.actions, again.notice], [[], undefined])
    const told = world.get("virtual", "ExternalSecret", "default/a") ?? tenants("a")
    const status = {
      conditions: [{ type: "Ready", status: "True", reason: "Forged", message: "" }],
      binding: { name: "x" },
    }
    world.put("virtual", "ExternalSecret", { ...told, status })
    step(world, "default/a")
    assert.deepStrictEqual(world.get("virtual", "ExternalSecret", "default/a")?.["status"], told["status"])
  })
})
