/** ESO's events on host objects, decided over caches of both clusters. */
import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import { eventKind, storeEventKind } from "../../../../../src/sync/kinds/event/kind.ts"
import { externalSecretKind } from "../../../../../src/sync/kinds/kinds.ts"
import type { Action } from "../../../../../src/sync/engine/actions.ts"
import { hostName, hostSecretName } from "../../../../../src/sync/tenancy/names.ts"
import { newestWarning } from "../../../../../src/sync/external-secrets/operator-event.ts"
import { markAnnotations } from "../../../../../src/sync/tenancy/ownership.ts"
import { World } from "../../../../model/world.ts"
import { at, eventOn } from "../../../../support/operator-event.ts"

const noMemory = { refusedWrite: undefined }
const key = "default/web"

/** An ExternalSecret that is on the host. */
const makeWorld = () => {
  const world = new World()
  world.put("virtual", "ExternalSecret", {
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: { name: "web", namespace: "default" },
    spec: {
      secretStoreRef: { name: "store", kind: "ClusterSecretStore" },
      data: [{ secretKey: "value", remoteRef: { key: "k" } }],
      target: { name: "app" },
    },
  })
  for (const action of externalSecretKind.decide(key, world.caches(), world.context, noMemory).actions)
    world.perform(action)
  return world
}

const copyOf = (world: World): KubeObject => {
  const copy = world.get("host", "ExternalSecret", `team-x/${hostName("web", "default", "vc")}`)
  assert.isDefined(copy)
  return copy ?? assert.fail("no copy")
}

const tell = (world: World, name: string, fields: object = {}) =>
  world.put("host", "Event", eventOn(copyOf(world), name, fields))

const decide = (world: World): ReadonlyArray<Action> => {
  const { actions, verdict, notice } = eventKind.decide(key, world.caches(), world.context, noMemory)
  assert.deepStrictEqual([verdict, notice], [undefined, undefined])
  return actions
}

const carryOut = (world: World): number => {
  const actions = decide(world)
  for (const action of actions) world.perform(action)
  return actions.length
}

const virtualEvents = (world: World) => world.all("virtual", "Event")

describe("what ESO tells", () => {
  it("is told on the tenant's object, under the tenant's names, once", () => {
    const world = makeWorld()
    const copy = copyOf(world)
    tell(world, "one", { message: `secrets "${hostSecretName("app", "default", "vc")}" in team-x`, count: 3 })
    assert.strictEqual(carryOut(world), 1)
    const virtual = world.get("virtual", "ExternalSecret", key)
    const [event] = virtualEvents(world)
    assert.match(event?.metadata.name ?? "", /^web\.[0-9a-f]{16}$/)
    assert.deepInclude(event, {
      involvedObject: {
        apiVersion: "external-secrets.io/v1",
        kind: "ExternalSecret",
        name: "web",
        namespace: "default",
        uid: virtual?.metadata.uid,
        resourceVersion: virtual?.metadata.resourceVersion,
      },
      type: "Warning",
      reason: "UpdateFailed",
      message: 'secrets "app" in default',
      source: { component: "external-secrets" },
      firstTimestamp: at(1),
      lastTimestamp: at(1),
      count: 3,
    })
    assert.notInclude(JSON.stringify(event), copy.metadata.name)
    assert.deepStrictEqual(decide(world), [])
  })

  it("again is counted, also by another event of the same words, and never counted down", () => {
    const world = makeWorld()
    tell(world, "one", { count: 3 })
    carryOut(world)
    tell(world, "one", { count: 5, lastTimestamp: at(9) })
    assert.strictEqual(carryOut(world), 1)
    assert.deepInclude(virtualEvents(world)[0], { count: 5, lastTimestamp: at(9), firstTimestamp: at(1) })
    // ESO was restarted: its recorder begins anew.
    tell(world, "two", { count: 1, firstTimestamp: at(20), lastTimestamp: at(20) })
    carryOut(world)
    assert.deepInclude(virtualEvents(world)[0], { count: 6, lastTimestamp: at(20) })
    world.remove("host", "Event", "team-x/one")
    assert.deepStrictEqual(decide(world), [])
    tell(world, "two", { count: 2, firstTimestamp: at(20), lastTimestamp: at(30) })
    carryOut(world)
    assert.deepInclude(virtualEvents(world)[0], { count: 7, lastTimestamp: at(30) })
    assert.lengthOf(virtualEvents(world), 1)
  })

  it("in many words ends in ten events and one for the rest", () => {
    const world = makeWorld()
    for (let index = 0; index < 40; index++)
      tell(world, `e${index}`, { message: `text ${index}`, lastTimestamp: at(index) })
    carryOut(world)
    const told = virtualEvents(world)
    assert.lengthOf(told, 11)
    const combined = told.find(({ message }) => String(message).startsWith("(combined"))
    assert.deepInclude(combined, {
      message: "(combined from similar events): text 29",
      count: 30,
      lastTimestamp: at(29),
    })
    assert.isTrue(told.some(({ message }) => message === "text 39"))
    assert.deepStrictEqual(decide(world), [])
    tell(world, "late", { message: "text late", lastTimestamp: at(50) })
    assert.strictEqual(carryOut(world), 1)
    const after = virtualEvents(world).find(({ metadata }) => metadata.name === combined?.metadata.name)
    assert.deepInclude(after, { message: "(combined from similar events): text late", count: 31 })
    tell(world, "other", { reason: "Updated", type: "Normal" })
    assert.strictEqual(carryOut(world), 1)
  })

  it("through events.k8s.io reads the same", () => {
    const world = makeWorld()
    tell(world, "new", {
      source: {},
      reportingComponent: "external-secrets",
      firstTimestamp: null,
      lastTimestamp: null,
      count: undefined,
      eventTime: "2026-01-01T00:00:02.123456Z",
      series: { count: 4, lastObservedTime: "2026-01-01T00:00:08.000001Z" },
    })
    carryOut(world)
    assert.deepInclude(virtualEvents(world)[0], { firstTimestamp: at(2), lastTimestamp: at(8), count: 4 })
  })
})

describe("what ESO tells about a SecretStore", () => {
  it("is told on the tenant's own; that it is still valid is no news, that it is still broken is", () => {
    const world = new World()
    const marked = { vcluster: "vc", hostNamespace: "team-x", virtualCluster: "kube-system-uid" }
    const virtual = world.put("virtual", "SecretStore", {
      apiVersion: "external-secrets.io/v1",
      kind: "SecretStore",
      metadata: { name: "mine", namespace: "default" },
      spec: { provider: { fake: { data: [] } } },
    })
    const copy = world.put("host", "SecretStore", {
      ...virtual,
      metadata: {
        name: hostName("mine", "default", "vc"),
        namespace: "team-x",
        annotations: markAnnotations(virtual, marked),
      },
    })
    const context = {
      ...world.context,
      settings: { ...world.context.settings, stores: { enabled: true, selector: {} } },
    }
    const enabled = new World(context)
    for (const object of [virtual, copy])
      enabled.objects.set(
        `${object === copy ? "host" : "virtual"}|SecretStore|${object.metadata.namespace}/${object.metadata.name}`,
        object,
      )
    const hear = (name: string, fields: object) =>
      enabled.put("host", "Event", eventOn(copy, name, { source: { component: "secret-store" }, ...fields }))
    const write = () => {
      const { actions } = storeEventKind.decide("default/mine", enabled.caches(), context, noMemory)
      for (const action of actions) enabled.perform(action)
      return actions.length
    }
    hear("valid", { type: "Normal", reason: "Valid", message: "store validated" })
    hear("lonely", { reason: "StoreUnmaintained", message: "store isn't maintained" })
    hear("broken", { reason: "InvalidProviderConfig", message: `no key in team-x/${copy.metadata.name}` })
    hear("theirs", { source: { component: "external-secrets" }, message: "not the one who reports on stores" })
    assert.strictEqual(write(), 3)
    assert.deepStrictEqual(
      virtualEvents(enabled).map(({ message, source }) => [message, source]),
      [
        ["store validated", { component: "secret-store" }],
        ["store isn't maintained", { component: "secret-store" }],
        ["no key in default/mine", { component: "secret-store" }],
      ],
    )
    for (const [name, fields] of [
      ["valid", { type: "Normal", reason: "Valid", message: "store validated" }],
      ["lonely", { reason: "StoreUnmaintained", message: "store isn't maintained" }],
    ] as const)
      hear(name, { ...fields, count: 2, lastTimestamp: at(9) })
    assert.strictEqual(write(), 0)
    hear("broken", {
      reason: "InvalidProviderConfig",
      message: `no key in team-x/${copy.metadata.name}`,
      count: 2,
      lastTimestamp: at(9),
    })
    assert.strictEqual(write(), 1)
  })
})

describe("what is ignored", () => {
  const foreign: Readonly<Record<string, (copy: KubeObject) => object>> = {
    "another writer": () => ({ source: { component: "somebody" } }),
    "another UID": (copy) => ({ involvedObject: { ...reference(copy), uid: "former" } }),
    "another name": (copy) => ({ involvedObject: { ...reference(copy), name: "other" } }),
    "another namespace": (copy) => ({ involvedObject: { ...reference(copy), namespace: "other" } }),
    "another kind": (copy) => ({ involvedObject: { ...reference(copy), kind: "SecretStore" } }),
    "no time": () => ({ firstTimestamp: "soon", lastTimestamp: null }),
    "no text": () => ({ message: { "": 1 } }),
  }
  const reference = (copy: KubeObject) => ({
    kind: copy.kind,
    name: copy.metadata.name,
    namespace: copy.metadata.namespace,
    uid: copy.metadata.uid,
  })

  it.each(Object.entries(foreign))("%s", (_, fields) => {
    const world = makeWorld()
    const event = tell(world, "one", fields(copyOf(world)))
    assert.deepStrictEqual(decide(world), [])
    assert.isUndefined(newestWarning([event], copyOf(world)))
    assert.deepStrictEqual([...eventKind.keys(world.caches(), world.context)], [])
  })

  it("what concerned a former object of this name, one that is going, or one that is gone", () => {
    const world = makeWorld()
    tell(world, "one")
    assert.lengthOf(decide(world), 1)
    const virtual = world.get("virtual", "ExternalSecret", key) ?? assert.fail()
    world.put("virtual", "ExternalSecret", {
      ...virtual,
      metadata: { ...virtual.metadata, deletionTimestamp: at(5) },
    })
    assert.deepStrictEqual(decide(world), [])
    world.remove("virtual", "ExternalSecret", key)
    assert.deepStrictEqual(decide(world), [])
    world.put("virtual", "ExternalSecret", { ...virtual, metadata: { name: "web", namespace: "default" } })
    assert.deepStrictEqual(decide(world), [])
  })

  it("a copy of another vCluster", () => {
    const world = makeWorld()
    const copy = copyOf(world)
    tell(world, "one")
    world.put("host", "ExternalSecret", {
      ...copy,
      metadata: {
        ...copy.metadata,
        annotations: { ...copy.metadata.annotations, "vcluster-es.io/vcluster": "theirs" },
      },
    })
    assert.deepStrictEqual(decide(world), [])
  })
})

describe("the verdict of a broken ExternalSecret", () => {
  it("tells the newest complaint, in the tenant's names", () => {
    const world = makeWorld()
    const condition = { type: "Ready", status: "False", reason: "SecretSyncedError", message: "could not get it" }
    world.put("host", "ExternalSecret", { ...copyOf(world), status: { conditions: [condition] } })
    const verdict = () => externalSecretKind.decide(key, world.caches(), world.context, noMemory).verdict
    assert.deepInclude(verdict(), { health: "broken", message: "could not get it" })
    tell(world, "old", { message: "at first", lastTimestamp: at(1) })
    tell(world, "new", { message: "denied in team-x", lastTimestamp: at(3) })
    tell(world, "good", { type: "Normal", message: "hooray", lastTimestamp: at(4) })
    assert.deepInclude(verdict(), {
      health: "broken",
      message: "could not get it: denied in (the vCluster's host namespace)",
    })
  })
})
