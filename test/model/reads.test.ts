/**
 * What queues what can't be forgotten: over any history, each cache that a decision reads has a source that brings the key
 * back when what was read changes.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { keyOf, objectKey } from "../../src/effects/client/kube-object.ts"
import type { SyncContext } from "../../src/sync/engine/context.ts"
import { virtualEvents } from "../../src/sync/kinds/event/caches.ts"
import { syncedKinds } from "../../src/sync/kinds/kinds.ts"
import { esoManagedLabel, managedByLabel, managedLabel, referenceLabel } from "../../src/sync/tenancy/labels.ts"
import { hostName, hostReferenceName, hostSecretName } from "../../src/sync/tenancy/names.ts"
import { originOf } from "../../src/sync/tenancy/ownership.ts"
import { cachesOf, type Read, uncoveredReads } from "./recorded-reads.ts"
import { round, testContext, World } from "./world.ts"

const text = { type: "string" }
const schema = {
  type: "object",
  properties: {
    provider: {
      type: "object",
      properties: {
        acme: {
          type: "object",
          properties: {
            token: { type: "object", properties: { name: text, namespace: text, key: text } },
            ca: { type: "object", properties: { type: text, name: text, namespace: text, key: text } },
          },
        },
      },
    },
  },
}

const base = testContext()
const context: SyncContext = testContext({
  settings: { ...base.settings, stores: { enabled: true, selector: {} }, webhook: true },
  hostSpecSchema: (plural) => (plural === "secretstores" ? schema : undefined),
})

/** What ESO says when it fails; its words are looked for among the host's names. */
const complaint = "could not find spoken-of"

/**
 * Reads that need no source, and why not.
 *
 * Words of ESO's texts: a text is put into the tenant's names when it is told, and what stood on the host then is what counts.
 * Our own events: they are hints. One that was told and is gone (it expires after an hour) must not be told anew for that.
 */
const isWaived = (kind: string, read: Read): boolean =>
  (read._tag === "Get" && complaint.split(" ").some((word) => read.key === keyOf("team-x", word))) ||
  (kind.endsWith("Event") && read.cache === virtualEvents)

// The scheme of host names is not injective: two of the four pairs share theirs.
const Which = { name: Schema.Literals(["a", "a-x-b"]), namespace: Schema.Literals(["c", "b-x-c"]) }
const Refers = Schema.Literals(["", "secret", "configMap"])

const Step = Schema.Union([
  Schema.TaggedStruct("ExternalSecret", {
    ...Which,
    store: Schema.Literals(["ClusterSecretStore", "SecretStore"]),
    policy: Schema.Literals(["Owner", "Orphan", "Merge"]),
    refers: Refers,
    target: Schema.Literals(["", "a"]),
  }),
  Schema.TaggedStruct("SecretStore", { ...Which, refers: Refers }),
  Schema.TaggedStruct("Referent", { ...Which, kind: Schema.Literals(["Secret", "ConfigMap"]), owned: Schema.Boolean }),
  Schema.TaggedStruct("Delete", {
    ...Which,
    kind: Schema.Literals(["ExternalSecret", "SecretStore", "Secret", "ConfigMap"]),
  }),
  Schema.TaggedStruct("Foreign", {
    ...Which,
    kind: Schema.Literals(["ExternalSecret", "SecretStore", "Secret", "SecretOfOperator", "Copy"]),
  }),
  Schema.TaggedStruct("Conditions", { label: Schema.Literals(["", "yes"]) }),
  Schema.TaggedStruct("Operator", { fails: Schema.Boolean }),
  Schema.TaggedStruct("Webhook", { side: Schema.Literals(["host", "virtual"]) }),
  Schema.TaggedStruct("Round", { writes: Schema.Literals([1, 3]) }),
  Schema.TaggedStruct("Settle", {}),
])
type Step = typeof Step.Type

const object = (kind: string, namespace: string, name: string, rest: object = {}): KubeObject => ({
  apiVersion: kind === "Secret" || kind === "ConfigMap" ? "v1" : "external-secrets.io/v1",
  kind,
  metadata: { name, namespace },
  ...rest,
})

const externalSecret = (step: Extract<Step, { readonly _tag: "ExternalSecret" }>): KubeObject =>
  object("ExternalSecret", step.namespace, step.name, {
    spec: {
      secretStoreRef: { name: step.store === "SecretStore" ? "a" : "store", kind: step.store },
      data: [{ secretKey: "value", remoteRef: { key: "1" } }],
      target: {
        creationPolicy: step.policy,
        ...(step.target === "" ? {} : { name: step.target }),
        ...(step.refers === "" ? {} : { template: { templateFrom: [{ [step.refers]: { name: "a", items: [] } }] } }),
      },
    },
  })

const secretStore = (step: Extract<Step, { readonly _tag: "SecretStore" }>): KubeObject =>
  object("SecretStore", step.namespace, step.name, {
    spec: {
      provider: {
        acme: {
          token: { name: "a", key: "k" },
          ...(step.refers === ""
            ? {}
            : { ca: { type: step.refers === "secret" ? "Secret" : "ConfigMap", name: "a", key: "k" } }),
        },
      },
    },
  })

const controller = { apiVersion: "acme.io/v1", kind: "Acme", name: "acme", uid: "acme", controller: true }

/** As somebody else made it: by kubectl, or by a controller. */
const madeByOthers = (each: KubeObject, owned: boolean): KubeObject => ({
  ...each,
  metadata: {
    ...each.metadata,
    annotations: { "kubectl.kubernetes.io/last-applied-configuration": "{}" },
    ...(owned ? { ownerReferences: [controller] } : {}),
  },
})

const labelled = (standing: KubeObject, labels: Readonly<Record<string, string>>): KubeObject => ({
  ...standing,
  metadata: { ...standing.metadata, labels },
})

/** Somebody else's, under a name that we need. */
const foreign = (world: World, { kind, name, namespace }: Extract<Step, { readonly _tag: "Foreign" }>): void => {
  const putNew = (each: KubeObject) => {
    if (world.get("host", each.kind, objectKey(each)) === undefined) world.put("host", each.kind, each)
  }
  switch (kind) {
    case "Secret":
      return putNew(object("Secret", "team-x", hostReferenceName(name, namespace, "vc")))
    case "SecretOfOperator":
      return putNew(
        labelled(object("Secret", "team-x", hostSecretName(name, namespace, "vc")), { [esoManagedLabel]: "true" }),
      )
    case "Copy":
      return putNew(
        labelled(object("ConfigMap", "team-x", hostReferenceName(name, namespace, "vc")), {
          [managedByLabel]: "vc",
          [referenceLabel]: "true",
        }),
      )
    default:
      return putNew(object(kind, "team-x", hostName(name, namespace, "vc"), { spec: {} }))
  }
}

/** ESO says of each copy that it failed, and why in an event. */
const fail = (world: World): void => {
  for (const kind of ["ExternalSecret", "SecretStore"])
    for (const copy of world.all("host", kind)) {
      if (originOf(copy, context.tenancy) === undefined) continue
      const { name, namespace, uid } = copy.metadata
      const condition = { type: "Ready", status: "False", reason: "Failed", message: complaint }
      world.put("host", kind, { ...copy, status: { conditions: [condition] } })
      world.put("host", "Event", {
        ...object("Event", "team-x", `${kind.toLowerCase()}-${name}`),
        involvedObject: { kind, name, namespace, uid },
        type: "Warning",
        reason: "UpdateFailed",
        message: complaint,
        lastTimestamp: "2026-01-01T00:00:00Z",
        source: { component: kind === "SecretStore" ? "secret-store" : "external-secrets" },
      })
    }
}

/** The store is for namespaces with the label only; both get it, or none. */
const setConditions = (world: World, label: string): void => {
  const store = world.get("host", "ClusterSecretStore", "store")
  if (store !== undefined)
    world.put("host", "ClusterSecretStore", {
      ...store,
      spec: { conditions: [{ namespaceSelector: { matchLabels: { label: "yes" } } }] },
    })
  for (const namespace of world.all("virtual", "Namespace"))
    world.put("virtual", "Namespace", labelled(namespace, label === "" ? {} : { label }))
}

/** Far enough for a Secret to be made and to come back. */
const settle = (world: World): void => {
  for (let turn = 0; turn < 4; turn += 1) {
    round(world, syncedKinds, 100)
    world.runOperator()
  }
}

const play = (world: World, step: Step): void => {
  switch (step._tag) {
    case "ExternalSecret":
      return void world.put("virtual", "ExternalSecret", externalSecret(step))
    case "SecretStore":
      return void world.put("virtual", "SecretStore", secretStore(step))
    case "Referent":
      return void world.put(
        "virtual",
        step.kind,
        madeByOthers(object(step.kind, step.namespace, step.name, { data: { k: "MQ==" } }), step.owned),
      )
    case "Delete":
      return world.remove("virtual", step.kind, keyOf(step.namespace, step.name))
    case "Foreign":
      return foreign(world, step)
    case "Conditions":
      return setConditions(world, step.label)
    case "Operator":
      return step.fails ? fail(world) : world.runOperator()
    case "Webhook": {
      const kind = "ValidatingWebhookConfiguration"
      const named = {
        apiVersion: "admissionregistration.k8s.io/v1",
        kind,
        metadata: { name: "externalsecret-validate" },
      }
      return void world.put(step.side, kind, step.side === "host" ? named : labelled(named, { [managedLabel]: "true" }))
    }
    case "Round":
      return void round(world, syncedKinds, step.writes)
    case "Settle":
      return settle(world)
  }
}

const uncovered = (world: World): ReadonlyArray<string> => {
  const model = world.modelCaches()
  const caches = world.caches()
  return syncedKinds.flatMap((kind) =>
    [...kind.keys(caches, context)].flatMap((key) => uncoveredReads(kind, key, model, context, isWaived)),
  )
}

/** What is decided, but for the objects that it is decided about. */
const decided = (world: World, whole: boolean): ReadonlyArray<unknown> => {
  const caches = cachesOf(world.modelCaches(whole))
  return syncedKinds.flatMap((kind) =>
    [...kind.keys(caches, context)].map((key) => {
      const { actions, verdict, notice } = kind.decide(key, caches, context, { refusedWrite: undefined })
      const essence = actions.map((action) => ({
        ...action,
        current: undefined,
        previous: undefined,
        source: undefined,
      }))
      return [kind.kind, key, essence, verdict, notice?.message]
    }),
  )
}

describe("what a decision reads", () => {
  it("brings it back though an ExternalSecret made a Secret under a name that it has left", () => {
    const one = {
      name: "a-x-b",
      namespace: "c",
      store: "SecretStore",
      policy: "Owner",
      refers: "",
      target: "",
    } as const
    const other = { ...one, namespace: "b-x-c", store: "ClusterSecretStore", policy: "Orphan" } as const
    const world = new World(context)
    play(world, { _tag: "ExternalSecret", ...one })
    play(world, { _tag: "ExternalSecret", ...other, target: "a" })
    play(world, { _tag: "Settle" })
    play(world, { _tag: "ExternalSecret", ...other, refers: "configMap", store: "SecretStore" })
    play(world, { _tag: "Round", writes: 3 })
    assert.deepStrictEqual(uncovered(world), [])
  })

  it("brings it back when what vCluster's own integration left changes, or the Secret that ESO made of it", () => {
    const world = new World(context)
    play(world, {
      _tag: "ExternalSecret",
      name: "a",
      namespace: "c",
      store: "ClusterSecretStore",
      policy: "Owner",
      refers: "",
      target: "",
    })
    const put = (adopt: string) =>
      world.put("host", "ExternalSecret", {
        apiVersion: "external-secrets.io/v1",
        kind: "ExternalSecret",
        metadata: {
          name: "a-x-c-x-vc",
          namespace: "team-x",
          labels: { "vcluster.loft.sh/managed-by": "vc" },
          annotations: {
            "vcluster.loft.sh/object-name": "a",
            "vcluster.loft.sh/object-namespace": "c",
            "vcluster-es.io/adopt": adopt,
          },
        },
        spec: { target: { name: "left" } },
      })
    const { uid = "" } = put("").metadata
    for (const adopt of ["", uid]) {
      put(adopt)
      assert.deepStrictEqual(uncovered(world), [])
    }
    world.put("host", "Secret", { apiVersion: "v1", kind: "Secret", metadata: { name: "left", namespace: "team-x" } })
    assert.deepStrictEqual(uncovered(world), [])
  })

  it.effect.prop(
    "brings it back when it changes",
    [Schema.Array(Step)],
    ([history]) =>
      Effect.sync(() => {
        const world = new World(context)
        for (const step of history) {
          play(world, step)
          assert.deepStrictEqual(uncovered(world), [])
        }
      }),
    { arbitrary: { runs: 60, size: 60 } },
  )

  it.effect.prop(
    "is not what caches of metadata drop",
    [Schema.Array(Step)],
    ([history]) =>
      Effect.sync(() => {
        const world = new World(context)
        for (const step of history) {
          play(world, step)
          assert.deepStrictEqual(decided(world, false), decided(world, true))
        }
      }),
    { arbitrary: { runs: 60, size: 60 } },
  )
})
