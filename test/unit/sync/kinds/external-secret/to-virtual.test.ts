/** What comes back from the host, by the tenant's policies, over caches of both clusters. */
import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import { externalSecretKind } from "../../../../../src/sync/kinds/kinds.ts"
import type { Action, Decision } from "../../../../../src/sync/engine/actions.ts"
import { readyCondition } from "../../../../../src/sync/tenancy/conditions.ts"
import { stringAt, stringMapAt } from "../../../../../src/effects/client/unstructured.ts"
import { hostName, hostSecretName, mergeSecretName } from "../../../../../src/sync/tenancy/names.ts"
import { Refusal } from "../../../../../src/sync/tenancy/refusals.ts"
import { World } from "../../../../model/world.ts"

const key = "default/app"
const hostEs = hostName("app", "default", "vc")

const tenants = (spec: object = {}): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name: "app", namespace: "default" },
  spec: {
    secretStoreRef: { name: "store", kind: "ClusterSecretStore" },
    data: [{ secretKey: "value", remoteRef: { key: "1" } }],
    ...spec,
  },
})

const under = (creationPolicy: string, target: object = {}) => tenants({ target: { creationPolicy, ...target } })

const secretOf = (metadata: object = {}, top: object = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "app", namespace: "default", ...metadata },
  type: "Opaque",
  data: { foreign: "eA==" },
  ...top,
})

const controlledBy = (kind: string, name: string) => ({
  ownerReferences: [
    { apiVersion: kind === "ExternalSecret" ? "external-secrets.io/v1" : "v1", kind, name, uid: "x", controller: true },
  ],
})

const decide = (world: World, refusedWrite?: Refusal): Decision =>
  externalSecretKind.decide(key, world.caches(), world.context, { refusedWrite })

const namesOf = (actions: ReadonlyArray<Action>): ReadonlyArray<string> =>
  actions.map(({ _tag, side, resource }) => `${_tag} ${side} ${resource.kind}`)

const round = (world: World): ReadonlyArray<string> => {
  const { actions } = decide(world)
  for (const action of actions) world.perform(action)
  return namesOf(actions)
}

interface Answer {
  readonly reason?: string
  readonly message?: string
  readonly at?: string
  readonly data?: Readonly<Record<string, string>> | undefined
}

/** The host's ESO: its Secret, and a status like the real one's. */
const answer = (
  world: World,
  { reason = "SecretSynced", message = "secret synced", at = "1", ...made }: Answer = {},
) => {
  const external = world.get("host", "ExternalSecret", `team-x/${hostEs}`) ?? assert.fail("nothing on the host")
  const name = stringAt(external, "spec", "target", "name") ?? ""
  const data = Object.hasOwn(made, "data") ? made.data : { value: "MQ==" }
  if (data === undefined) world.remove("host", "Secret", `team-x/${name}`)
  else
    world.put("host", "Secret", {
      ...secretOf({ name, namespace: "team-x", labels: { "reconcile.external-secrets.io/managed": "true" } }, { data }),
      metadata: {
        name,
        namespace: "team-x",
        labels: { "reconcile.external-secrets.io/managed": "true" },
        ownerReferences: [
          {
            apiVersion: "external-secrets.io/v1",
            kind: "ExternalSecret",
            name: hostEs,
            uid: external.metadata.uid ?? "",
            controller: true,
          },
        ],
      },
    })
  const status = reason === "SecretSyncedError" ? "False" : "True"
  world.put("host", "ExternalSecret", {
    ...external,
    status: { binding: { name }, refreshTime: at, conditions: [{ type: "Ready", status, reason, message }] },
  })
}

/** On the host, answered, and carried over. */
const synced = (virtual: KubeObject, standing?: KubeObject, said?: Answer): World => {
  const world = new World()
  world.put("virtual", "ExternalSecret", virtual)
  if (standing !== undefined) world.put("virtual", "Secret", standing)
  round(world)
  answer(world, said)
  for (let left = 5; left > 0 && round(world).length > 0; left -= 1);
  assert.deepStrictEqual(round(world), [], "not at rest")
  return world
}

const secretIn = (world: World) => world.get("virtual", "Secret", key)
const dataIn = (world: World) => stringMapAt(secretIn(world), "data")
const readyIn = (world: World) => readyCondition(world.get("virtual", "ExternalSecret", key))
const bindingIn = (world: World) => stringAt(world.get("virtual", "ExternalSecret", key), "status", "binding", "name")

describe("Merge", () => {
  it("is Owner on the host, with a Secret that the ExternalSecret names", () => {
    const world = synced(under("Merge", { name: "shared" }), secretOf({ name: "shared" }))
    const host = world.get("host", "ExternalSecret", `team-x/${hostEs}`)
    assert.strictEqual(stringAt(host, "spec", "target", "creationPolicy"), "Owner")
    assert.strictEqual(stringAt(host, "spec", "target", "name"), mergeSecretName("app", "default", "vc"))
  })

  it("without a Secret says what ESO says, and makes none", () => {
    const world = synced(under("Merge"))
    assert.isUndefined(secretIn(world))
    assert.deepInclude(readyIn(world), {
      status: "True",
      reason: "SecretMissing",
      message: "secret will not be created due to CreationPolicy=Merge",
    })
    assert.strictEqual(bindingIn(world), "")
    assert.strictEqual(decide(world).verdict?.reason, "SecretMissing")
  })

  it("fills the Secret once it is there, first looking at what it holds", () => {
    const world = synced(under("Merge"))
    world.put("virtual", "Secret", secretOf())
    assert.deepStrictEqual(round(world), ["Apply virtual Secret"])
    assert.deepStrictEqual(dataIn(world), { foreign: "eA==" })
    round(world)
    assert.strictEqual(dataIn(world)["value"], "MQ==")
    assert.deepInclude(readyIn(world), { reason: "SecretSynced" })
  })

  it.each([
    { message: "secret synced" },
    { reason: "SecretSyncedError", message: "could not get secret data from provider" },
  ])("into a Secret that is not there leaves the one that it made before: $message", (said) => {
    const world = synced(under("Owner"))
    world.put("virtual", "ExternalSecret", under("Merge", { name: "second" }))
    round(world)
    answer(world, said)
    for (let left = 5; left > 0 && round(world).length > 0; left -= 1);
    assert.deepStrictEqual(dataIn(world), { value: "MQ==" })
  })

  it("leaves the Secret where it is when the ExternalSecret goes", () => {
    const world = synced(under("Merge"), secretOf())
    world.remove("virtual", "ExternalSecret", key)
    assert.deepStrictEqual(round(world), ["Delete host ExternalSecret"])
    assert.isDefined(secretIn(world))
  })
})

describe("the Secret of somebody else", () => {
  const cases: ReadonlyArray<readonly [policy: string, metadata: object, message: string]> = [
    ["Owner", controlledBy("ConfigMap", "c"), "failed to take ownership of target secret"],
    ["Owner", controlledBy("ExternalSecret", "other"), "target is owned by another ExternalSecret"],
    ["Orphan", controlledBy("ExternalSecret", "other"), "target is owned by another ExternalSecret"],
    ["Merge", controlledBy("ExternalSecret", "other"), "target is owned by another ExternalSecret"],
  ]
  for (const [policy, metadata, message] of cases)
    it(`${policy}: ${message}`, () => {
      const world = synced(under(policy), secretOf(metadata))
      assert.deepStrictEqual(dataIn(world), { foreign: "eA==" })
      assert.deepInclude(readyIn(world), { status: "False", reason: "SecretSyncedError", message })
      assert.strictEqual(bindingIn(world), "app")
      assert.strictEqual(decide(world).verdict?.health, "broken")
    })

  it("is told by an event, once", () => {
    const world = new World()
    world.put("virtual", "ExternalSecret", tenants())
    world.put("virtual", "Secret", secretOf(controlledBy("ConfigMap", "c")))
    round(world)
    answer(world)
    assert.deepInclude(decide(world).notice, { type: "Warning", reason: "UpdateFailed" })
    assert.include(decide(world).notice?.message, "ConfigMap c")
    round(world)
    assert.isUndefined(decide(world).notice)
  })

  it("what ESO says of the provider comes first", () => {
    const failed = { reason: "SecretSyncedError", message: "could not get secret data from provider" }
    const world = synced(tenants(), secretOf(controlledBy("ConfigMap", "c")), failed)
    assert.deepInclude(readyIn(world), failed)
  })
})

describe("None", () => {
  it("touches no Secret, nor one that was made before", () => {
    const world = synced(tenants())
    world.put("virtual", "ExternalSecret", {
      ...(world.get("virtual", "ExternalSecret", key) ?? assert.fail("gone")),
      spec: under("None")["spec"],
    })
    assert.deepStrictEqual(round(world), ["Patch host ExternalSecret"])
    assert.isDefined(secretIn(world))
  })
})

describe("Orphan", () => {
  const edited = (world: World) =>
    world.put("virtual", "Secret", { ...(secretIn(world) ?? assert.fail("gone")), data: { value: "ZWRpdGVk" } })

  it("edited or deleted, the Secret stays so until ESO has fetched again", () => {
    const world = synced(under("Orphan"))
    edited(world)
    assert.deepStrictEqual(round(world), [])
    answer(world, { at: "2" })
    round(world)
    assert.deepStrictEqual(dataIn(world), { value: "MQ==" })
    round(world)
    world.remove("virtual", "Secret", key)
    assert.deepStrictEqual(round(world), [])
    answer(world, { at: "3" })
    round(world)
    assert.isDefined(secretIn(world))
  })

  it("a value that comes after the status that tells of it is not lost", () => {
    const world = synced(under("Orphan"))
    const host = world.get("host", "Secret", `team-x/${hostSecretName("app", "default", "vc")}`)
    world.put("host", "Secret", { ...(host ?? assert.fail("gone")), data: { value: "Mg==" } })
    round(world)
    assert.deepStrictEqual(dataIn(world), { value: "Mg==" })
  })

  it("is not deleted with deletionPolicy=Delete, and ESO's error is said", () => {
    const world = synced(under("Orphan", { deletionPolicy: "Delete" }))
    answer(world, { reason: "SecretDeleted", message: "secret deleted due to DeletionPolicy=Delete", data: undefined })
    round(world)
    assert.isDefined(secretIn(world))
    assert.deepInclude(readyIn(world), { reason: "SecretSyncedError", message: "could not delete secret" })
  })
})

describe("a Secret that the tenant deleted", () => {
  const anew: ReadonlyArray<readonly [what: string, spec: object]> = [
    ["CreatedOnce", { refreshPolicy: "CreatedOnce" }],
    ["OnChange", { refreshPolicy: "OnChange" }],
    ["refreshInterval 0", { refreshInterval: "0s" }],
    ["immutable", { target: { immutable: true } }],
  ]
  for (const [what, spec] of anew)
    it(`${what}: ESO is asked anew, by a new host object`, () => {
      const world = synced(tenants(spec))
      world.remove("virtual", "Secret", key)
      const { actions } = decide(world)
      assert.lengthOf(actions, 1)
      assert.deepInclude(actions[0], { _tag: "Delete", side: "host", propagation: "Foreground", becauseAbsent: false })
      round(world)
      assert.deepStrictEqual(round(world), ["Create host ExternalSecret"])
      answer(world, { at: "2", data: { value: "Mg==" } })
      round(world)
      assert.deepStrictEqual(dataIn(world), { value: "Mg==" })
    })

  describe("of one whose spec was edited too", () => {
    const refused = new Refusal({ reason: "RefusedByHost", message: "denied" })
    const edited = (spec: object) => {
      const world = synced(tenants(spec))
      const data = [{ secretKey: "value", remoteRef: { key: "2" } }]
      world.put("virtual", "ExternalSecret", {
        ...world.get("virtual", "ExternalSecret", key),
        ...tenants({ ...spec, data }),
      })
      world.remove("virtual", "Secret", key)
      return world
    }

    for (const [what, spec] of anew) {
      it(`${what}: the copy of the last accepted spec stays while the host refuses the edit`, () => {
        const world = edited(spec)
        for (const refusedWrite of [undefined, refused, refused]) {
          const { actions } = decide(world, refusedWrite)
          const onHost = actions.filter(({ side }) => side === "host")
          assert.deepStrictEqual(namesOf(onHost), ["Patch host ExternalSecret"])
          // The API server takes what goes to the tenant, and not what goes to the host.
          for (const action of actions.filter(({ side }) => side === "virtual")) world.perform(action)
        }
        assert.deepInclude(decide(world, refused).verdict, { health: "refused", reason: "RefusedByHost" })
        assert.strictEqual(readyIn(world)?.reason, "RefusedByHost")
      })

      it(`${what}: ESO is asked anew once the host has taken the edit`, () => {
        const world = edited(spec)
        assert.deepStrictEqual(round(world), ["Patch host ExternalSecret"])
        assert.deepStrictEqual(round(world), ["Delete host ExternalSecret"])
        assert.deepStrictEqual(round(world), ["Create host ExternalSecret"])
      })
    }
  })

  it("comes back at once from the host where ESO fetches by itself", () => {
    const world = synced(tenants())
    world.remove("virtual", "Secret", key)
    // The Secret does not wait for a host that may not take what it is asked for.
    assert.deepStrictEqual(round(world), ["Apply virtual Secret", "Patch host ExternalSecret"])
    assert.deepStrictEqual(dataIn(world), { value: "MQ==" })
    assert.deepStrictEqual(round(world), [], "asked once")
    answer(world, { at: "2", data: { value: "Mg==" } })
    round(world)
    assert.deepStrictEqual(dataIn(world), { value: "Mg==" })
    assert.deepStrictEqual(round(world), [], "what was asked for stands there")
  })

  it("a Secret that was never made is no deleted one", () => {
    const world = new World()
    world.put("virtual", "ExternalSecret", tenants({ refreshPolicy: "CreatedOnce" }))
    round(world)
    answer(world)
    assert.include(round(world), "Apply virtual Secret")
  })
})

describe("the status", () => {
  it("waits for the Secret that it tells of", () => {
    const world = new World()
    world.put("virtual", "ExternalSecret", tenants())
    round(world)
    answer(world, { data: undefined })
    assert.deepStrictEqual(round(world), [])
    assert.strictEqual(decide(world).verdict?.health, "waiting")
    answer(world)
    assert.deepStrictEqual(round(world), ["Apply virtual Secret", "Status virtual ExternalSecret"])
  })
})
