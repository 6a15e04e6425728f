/** What vCluster's own integration left on the host, under the names that our copies need. */
import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { recordAt, stringAt } from "../../../../src/effects/client/unstructured.ts"
import type { Decision } from "../../../../src/sync/engine/actions.ts"
import { externalSecretKind, syncedKinds } from "../../../../src/sync/kinds/kinds.ts"
import { hostName } from "../../../../src/sync/tenancy/names.ts"
import { testContext, World } from "../../../model/world.ts"

const esGroup = "external-secrets.io/v1"
const adopt = "vcluster-es.io/adopt"
const place = `team-x/${hostName("a", "default", "vc")}`
const formerKey = `team-x/${hostName("target", "default", "vc")}`

const nameIn = (key: string): string => key.slice(key.indexOf("/") + 1)

/** As `pkg/util/translate` marks what it syncs. */
const marked = (metadata: object = {}, name = "a") => ({
  name: nameIn(place),
  namespace: "team-x",
  labels: { "vcluster.loft.sh/managed-by": "vc", "vcluster.loft.sh/namespace": "default" },
  annotations: {
    "vcluster.loft.sh/object-name": name,
    "vcluster.loft.sh/object-namespace": "default",
    "vcluster.loft.sh/object-uid": "virtual-uid",
    "vcluster.loft.sh/object-host-name": nameIn(place),
    ...metadata,
  },
})

const spec = (target: string, more: object = {}) => ({
  refreshInterval: "1h",
  secretStoreRef: { name: "store", kind: "ClusterSecretStore" },
  target: { name: target, creationPolicy: "Owner" },
  data: [{ secretKey: "value", remoteRef: { key: "1" } }],
  ...more,
})

const putLeftover = (world: World, annotations: object = {}, more: object = {}): KubeObject =>
  world.put("host", "ExternalSecret", {
    apiVersion: esGroup,
    kind: "ExternalSecret",
    metadata: marked(annotations),
    spec: spec(nameIn(formerKey), more),
  })

const putFormer = (world: World, metadata: object): KubeObject =>
  world.put("host", "Secret", {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: nameIn(formerKey), namespace: "team-x", ...metadata },
  })

const heldByOperator = (owner: KubeObject) => ({
  labels: { "reconcile.external-secrets.io/managed": "true", "reconcile.external-secrets.io/created-by": "hash" },
  ownerReferences: [
    {
      apiVersion: esGroup,
      kind: "ExternalSecret",
      name: owner.metadata.name,
      uid: owner.metadata.uid,
      controller: true,
    },
  ],
})

/** The tenant's ExternalSecret, its copy of another integration, and the Secret that ESO made of that. */
const moved = (more: object = {}) => {
  const world = new World()
  world.put("virtual", "ExternalSecret", {
    apiVersion: esGroup,
    kind: "ExternalSecret",
    metadata: { name: "a", namespace: "default" },
    spec: spec("target", more),
    status: { conditions: [{ type: "Ready", status: "True", reason: "SecretSynced", message: "" }] },
  })
  const leftover = putLeftover(world, {}, more)
  putFormer(world, heldByOperator(leftover))
  return { world, leftover }
}

const decide = (world: World): Decision =>
  externalSecretKind.decide("default/a", world.caches(), world.context, { refusedWrite: undefined })

const carryOut = (world: World): Decision => {
  const decision = decide(world)
  for (const action of decision.actions) world.perform(action)
  return decision
}

const writesIn = ({ actions }: Decision) =>
  actions.map(({ _tag, side, resource }) => `${_tag} ${side} ${resource.kind}`)

describe("an ExternalSecret", () => {
  it("HostObjectOfVcluster: nothing is touched, and the command that hands it over is told", () => {
    const { world, leftover } = moved()
    const { actions, notice, verdict } = decide(world)
    assert.deepInclude(verdict, { health: "refused", reason: "HostObjectOfVcluster" })
    assert.strictEqual(
      verdict?.fix?.command,
      `kubectl annotate externalsecret ${nameIn(place)} -n team-x vcluster-es.io/adopt=${leftover.metadata.uid}`,
    )
    assert.deepStrictEqual([actions, notice], [[], undefined])
  })

  it("is not handed over by what a tenant could have written, who does not see its UID", () => {
    for (const value of ["true", "", "virtual-uid"]) {
      const { world } = moved()
      putLeftover(world, { [adopt]: value })
      assert.strictEqual(decide(world).verdict?.reason, "HostObjectOfVcluster", value)
      assert.isEmpty(decide(world).actions)
    }
  })

  const strangers: Readonly<Record<string, object>> = {
    "another vCluster's": { labels: { "vcluster.loft.sh/managed-by": "other" } },
    "another object's": {
      annotations: { "vcluster.loft.sh/object-name": "b", "vcluster.loft.sh/object-namespace": "default" },
    },
    "a copy of such a one": { annotations: { ...marked().annotations, "vcluster.loft.sh/object-host-name": "b" } },
    unmarked: { labels: {}, annotations: {} },
  }
  for (const [name, metadata] of Object.entries(strangers))
    it(`HostObjectNotOurs: ${name}, handed over or not`, () => {
      const { world, leftover } = moved()
      const strange = { ...leftover.metadata, ...metadata }
      const annotations = { ...strange.annotations, [adopt]: leftover.metadata.uid ?? "" }
      world.put("host", "ExternalSecret", { ...leftover, metadata: { ...strange, annotations } })
      assert.strictEqual(decide(world).verdict?.reason, "HostObjectNotOurs")
    })

  it("is taken over in place, once ESO has let its Secret go", () => {
    const { world, leftover } = moved()
    putLeftover(world, { [adopt]: leftover.metadata.uid })
    const first = carryOut(world)
    assert.deepStrictEqual(writesIn(first), ["Patch host ExternalSecret"])
    assert.deepInclude(first.verdict, { health: "waiting", reason: "HandOverPending" })
    const letting = world.get("host", "ExternalSecret", place)
    assert.deepInclude(recordAt(letting, "spec", "target"), {
      name: nameIn(formerKey),
      creationPolicy: "Orphan",
      deletionPolicy: "Retain",
    })
    assert.strictEqual(letting?.metadata.annotations?.["vcluster.loft.sh/object-name"], "a")
    // ESO has not answered yet.
    assert.isEmpty(decide(world).actions)

    putFormer(world, { labels: { "reconcile.external-secrets.io/managed": "true" } })
    assert.deepStrictEqual(writesIn(carryOut(world)), ["Patch host ExternalSecret"])
    const ours = world.get("host", "ExternalSecret", place)
    assert.strictEqual(ours?.metadata.uid, leftover.metadata.uid)
    assert.match(stringAt(ours, "spec", "target", "name") ?? "", /\.es$/)
    assert.strictEqual(stringAt(ours, "spec", "target", "creationPolicy"), "Owner")
    const { annotations = {}, labels = {} } = ours?.metadata ?? {}
    for (const key of Object.keys({ ...annotations, ...labels })) assert.notMatch(key, /vcluster\.loft\.sh|adopt/)

    for (let turn = 0; turn < 5; turn += 1) {
      world.runOperator()
      carryOut(world)
    }
    assert.strictEqual(decide(world).verdict?.health, "synced")
    assert.isDefined(world.get("host", "Secret", formerKey))
    assert.isDefined(world.get("virtual", "Secret", "default/target"))
  })

  for (const [name, more] of Object.entries({
    CreatedOnce: { refreshPolicy: "CreatedOnce" },
    "interval 0": { refreshInterval: "0" },
  }))
    it(`${name}: ESO lets nothing go by itself, and the command that does is told`, () => {
      const { world, leftover } = moved(more)
      putLeftover(world, { [adopt]: leftover.metadata.uid }, more)
      const { verdict } = carryOut(world)
      assert.strictEqual(verdict?.reason, "HandOverPending")
      assert.include(verdict?.fix?.command, `kubectl patch secret ${nameIn(formerKey)} -n team-x`)
    })

  it("HostObjectOfVcluster: the copy of one that is gone is told of, with the command that deletes it", () => {
    const { world } = moved()
    world.remove("virtual", "ExternalSecret", "default/a")
    const keys = [...externalSecretKind.keys(world.caches(), world.context)]
    assert.deepStrictEqual(keys, ["default/a"])
    const { actions, verdict } = decide(world)
    assert.deepInclude(verdict, { health: "refused", reason: "HostObjectOfVcluster" })
    assert.strictEqual(verdict?.fix?.command, `kubectl delete externalsecret ${nameIn(place)} -n team-x`)
    assert.isEmpty(actions)
    world.remove("host", "ExternalSecret", place)
    assert.isUndefined(decide(world).verdict)
  })

  it("a spec that is refused stays as it is, handed over or not", () => {
    const { world, leftover } = moved({ refreshInterval: "soon" })
    putLeftover(world, { [adopt]: leftover.metadata.uid })
    assert.deepStrictEqual(
      writesIn(decide(world)).filter((write) => write.includes("host")),
      [],
    )
    assert.strictEqual(decide(world).verdict?.reason, "InvalidSpec")
  })
})

describe("a SecretStore", () => {
  const kind = syncedKinds.find((each) => each.kind === "SecretStore")
  const text = { type: "string" }
  const token = { type: "object", properties: { name: text, namespace: text, key: text } }
  const acme = { type: "object", properties: { server: text, token } }
  const schema = {
    type: "object",
    properties: { provider: { type: "object", properties: { acme } } },
  }
  const store = (name: string) => ({ provider: { acme: { server: "https://a", token: { name, key: "k" } } } })
  const settings = { ...testContext().settings, stores: { enabled: true, selector: {} } }

  const movedStore = (annotations: object = {}) => {
    const world = new World(testContext({ settings, hostSpecSchema: () => schema }))
    const apiVersion = esGroup
    const metadata = { name: "a", namespace: "default" }
    world.put("virtual", "SecretStore", { apiVersion, kind: "SecretStore", metadata, spec: store("token") })
    const put = (more: object) =>
      world.put("host", "SecretStore", {
        apiVersion,
        kind: "SecretStore",
        metadata: marked(more),
        spec: store("theirs"),
      })
    return { world, leftover: put(annotations), put }
  }
  const decideStore = (world: World) =>
    kind?.decide("default/a", world.caches(), world.context, { refusedWrite: undefined })

  it("HostObjectOfVcluster: nothing is touched, and the command that hands it over is told", () => {
    const { world, leftover } = movedStore()
    const decision = decideStore(world)
    assert.strictEqual(decision?.verdict?.reason, "HostObjectOfVcluster")
    assert.include(decision?.verdict?.fix?.command, `kubectl annotate secretstore ${nameIn(place)} -n team-x`)
    assert.include(decision?.verdict?.fix?.command, `${adopt}=${leftover.metadata.uid}`)
    assert.deepStrictEqual([decision?.actions, decision?.notice], [[], undefined])
  })

  it("is taken over in place", () => {
    const { world, leftover, put } = movedStore()
    put({ [adopt]: leftover.metadata.uid })
    for (const action of decideStore(world)?.actions ?? []) world.perform(action)
    const ours = world.get("host", "SecretStore", place)
    assert.strictEqual(ours?.metadata.uid, leftover.metadata.uid)
    assert.strictEqual(ours?.metadata.annotations?.["vcluster-es.io/virtual-name"], "a")
    assert.isUndefined(ours?.metadata.annotations?.["vcluster.loft.sh/object-name"])
    assert.match(stringAt(ours, "spec", "provider", "acme", "token", "name") ?? "", /^token.*\.ref$/)
    assert.isEmpty(decideStore(world)?.actions)
  })
})
