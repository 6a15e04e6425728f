/** How much is read of CRDs, over a start, a restart, and after changes on either side. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { NotFound } from "../../../../../src/effects/client/api-error.ts"
import type { KubeClient } from "../../../../../src/effects/client/kube-client.ts"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import { arrayAt, recordAt, valueAt } from "../../../../../src/effects/client/unstructured.ts"
import type { SyncSettings } from "../../../../../src/sync/tenancy/sync-settings.ts"
import { hostSpecSchema } from "../../../../../src/sync/kinds/custom-resource-definition/ensure.ts"
import { customResourceDefinitions as crds } from "../../../../../src/sync/resources.ts"
import { managedLabel } from "../../../../../src/sync/tenancy/labels.ts"
import { testContext } from "../../../../model/world.ts"
import { scriptedError } from "../../../../support/scripted-client.ts"
import { established, hostCrd, nameOf, place, withoutStores } from "./follower-ground.ts"

const { settings } = testContext()
const withStores: SyncSettings = { ...settings, clusterStores: { ...settings.clusterStores, enabled: true } }
const metadataOfBoth = ["host externalsecrets metadata", "virtual externalsecrets metadata"]

describe("a first start", () => {
  it.effect(
    "reads each of the host's once, makes the virtual ones, and reads no more of them than their metadata",
    () =>
      Effect.gen(function* () {
        const { start, read, writes } = place(withoutStores)
        const { pairs } = yield* start()
        assert.deepStrictEqual(writes(), [
          "create externalsecrets.external-secrets.io",
          "create clustersecretstores.external-secrets.io",
        ])
        const whole = read().filter((what) => !what.endsWith("metadata") && !what.endsWith("list"))
        assert.deepStrictEqual(whole, ["host clustersecretstores", "host externalsecrets"])
        assert.deepStrictEqual(
          [...pairs.values()].map(({ version }) => version),
          ["v1", "v1"],
        )
      }),
  )
})

describe("a restart with nothing changed", () => {
  it.effect("reads whole only those of the host whose schema decisions read, and writes nothing", () =>
    Effect.gen(function* () {
      const { start, read, virtual } = place(withoutStores)
      const note = (yield* start()).follower.note()
      read()
      const before = virtual.calls.filter(({ verb }) => verb !== "get").length
      const { pairs } = yield* start(note)
      assert.deepStrictEqual(read(), [
        "host clustersecretstores metadata",
        "host externalsecrets",
        "virtual clustersecretstores metadata",
        "virtual externalsecrets metadata",
      ])
      assert.lengthOf(
        virtual.calls.filter(({ verb }) => verb !== "get"),
        before,
      )
      const pair = pairs.get("externalsecrets")
      assert.isDefined(pair)
      assert.deepStrictEqual(hostSpecSchema(pair), { type: "object", title: "first" })
    }),
  )

  it.effect("reads that of stores where they are imported", () =>
    Effect.gen(function* () {
      const { start, read } = place(withStores)
      const note = (yield* start()).follower.note()
      read()
      yield* start(note)
      assert.include(read(), "host clustersecretstores")
    }),
  )

  it.effect("but by another version of the program compares all of it", () =>
    Effect.gen(function* () {
      const { start, read } = place(withoutStores)
      const note = (yield* start()).follower.note()
      read()
      yield* start(note, "1.1")
      assert.includeMembers(read(), ["virtual externalsecrets", "virtual clustersecretstores"])
    }),
  )
})

describe("a virtual CRD that its tenant has changed", () => {
  const edited = (found: KubeObject | undefined): KubeObject => {
    assert.isDefined(found)
    return { ...found, spec: { ...recordAt(found, "spec"), conversion: { strategy: "Webhook" } } }
  }

  it.effect("is put right by the next start, whatever the note says", () =>
    Effect.gen(function* () {
      const { start, virtual } = place(withoutStores)
      const note = (yield* start()).follower.note()
      const ref = { name: nameOf("externalsecrets") }
      virtual.put(crds, edited(virtual.stored(crds, ref)))
      yield* start(note)
      assert.deepStrictEqual(valueAt(virtual.stored(crds, ref), "spec", "conversion"), { strategy: "None" })
    }),
  )

  it.effect("is not known while we run, and is put right", () =>
    Effect.gen(function* () {
      const { start, virtual, host, clients } = place(withoutStores)
      const { follower } = yield* start()
      const ref = { name: nameOf("externalsecrets") }
      const seen = () => ({ host: host.stored(crds, ref), virtual: virtual.stored(crds, ref) })
      assert.isTrue(follower.isKnown("externalsecrets", seen()))
      virtual.put(crds, edited(virtual.stored(crds, ref)))
      assert.isFalse(follower.isKnown("externalsecrets", seen()))
      yield* follower.keep(clients, "externalsecrets")
      assert.deepStrictEqual(valueAt(virtual.stored(crds, ref), "spec", "conversion"), { strategy: "None" })
      assert.isTrue(follower.isKnown("externalsecrets", seen()))
    }),
  )

  it.effect("in what we do not keep is read once, and the host's is not", () =>
    Effect.gen(function* () {
      const { start, virtual, clients, read } = place(withoutStores)
      const { follower } = yield* start()
      const found = virtual.stored(crds, { name: nameOf("externalsecrets") })
      assert.isDefined(found)
      virtual.put(crds, {
        ...found,
        metadata: { ...found.metadata, annotations: { ...found.metadata.annotations, a: "b" } },
      })
      read()
      yield* follower.keep(clients, "externalsecrets")
      assert.deepStrictEqual(read(), [...metadataOfBoth, "virtual externalsecrets"].toSorted())
      yield* follower.keep(clients, "externalsecrets")
      assert.deepStrictEqual(read(), metadataOfBoth)
    }),
  )

  it.effect("that went is made anew", () =>
    Effect.gen(function* () {
      const { start, virtual, clients } = place(withoutStores)
      const { follower } = yield* start()
      virtual.remove(crds, { name: nameOf("externalsecrets") })
      yield* follower.ensure(clients, "externalsecrets")
      assert.isDefined(virtual.stored(crds, { name: nameOf("externalsecrets") }))
    }),
  )
})

describe("an upgrade of the host's", () => {
  it.effect("is followed, with each side read once", () =>
    Effect.gen(function* () {
      const { start, host, virtual, clients, read } = place(withoutStores)
      const { follower } = yield* start()
      host.put(crds, hostCrd("externalsecrets", "second"))
      read()
      const pair = yield* follower.keep(clients, "externalsecrets")
      assert.isDefined(pair)
      assert.deepStrictEqual(hostSpecSchema(pair), { type: "object", title: "second" })
      assert.include(JSON.stringify(virtual.stored(crds, { name: nameOf("externalsecrets") })), "second")
      const asked = [...metadataOfBoth, "host externalsecrets", "virtual externalsecrets", "virtual list"]
      assert.deepStrictEqual(read(), asked.toSorted())
    }),
  )

  it.effect("is over when the objects are served, a moment after the CRD says so", () =>
    Effect.gen(function* () {
      const { clients, start, host } = place(withoutStores)
      const { follower } = yield* start()
      host.put(crds, hostCrd("externalsecrets", "second"))
      let asked = 0
      const late: KubeClient["list"] = (resource, selection) =>
        Effect.suspend(() =>
          ++asked < 4
            ? Effect.fail(scriptedError(new NotFound({ resourceMissing: true })))
            : clients.virtual.list(resource, selection),
        )
      const waiting = yield* Effect.forkChild(
        follower.keep({ ...clients, virtual: { ...clients.virtual, list: late } }, "externalsecrets"),
      )
      while (waiting.pollUnsafe() === undefined) yield* TestClock.adjust("50 millis")
      yield* Fiber.join(waiting)
      assert.strictEqual(asked, 4)
    }),
  )

  it.effect("that the virtual API server keeps only a part of is written once", () =>
    Effect.gen(function* () {
      const { start, host, virtual, clients } = place(withoutStores)
      const { follower } = yield* start()
      host.put(crds, hostCrd("externalsecrets", "second"))
      const ref = { name: nameOf("externalsecrets") }
      const before = virtual.stored(crds, ref)
      assert.isDefined(before)
      const deaf = {
        ...clients,
        virtual: { ...clients.virtual, mergePatch: () => Effect.sync(() => (patches++, before)) },
      }
      let patches = 0
      for (let turn = 0; turn < 3; turn++) yield* follower.keep(deaf, "externalsecrets")
      assert.strictEqual(patches, 1)
    }),
  )
})

describe("one that somebody else installed", () => {
  it.effect("is left alone, read once, and not noted", () =>
    Effect.gen(function* () {
      const { start, virtual, clients, read, writes } = place(withoutStores)
      virtual.put(crds, { ...hostCrd("externalsecrets"), status: established })
      const { follower } = yield* start()
      assert.deepStrictEqual(writes(), ["create clustersecretstores.external-secrets.io"])
      assert.notInclude(follower.note(), "externalsecrets.")
      assert.notInclude(follower.note(), '"externalsecrets"')
      read()
      yield* follower.keep(clients, "externalsecrets")
      assert.deepStrictEqual(read(), metadataOfBoth)
    }),
  )
})

describe("one that is ours again", () => {
  const ref = { name: nameOf("externalsecrets") }

  /** The tenant takes our label off, edits what is then theirs, and puts the label on again. */
  const tampered = Effect.gen(function* () {
    const ground = place(withoutStores)
    const { virtual, clients, start } = ground
    const { follower } = yield* start()
    const ours = virtual.stored(crds, ref)
    assert.isDefined(ours)
    const edited = { ...ours, spec: { ...recordAt(ours, "spec"), conversion: { strategy: "Webhook" } } }
    virtual.put(crds, { ...edited, metadata: { ...edited.metadata, labels: {} } })
    const kept = yield* follower.keep(clients, "externalsecrets")
    assert.deepStrictEqual(kept?.actions, [])
    assert.notInclude(follower.note(), '"externalsecrets"')
    virtual.put(crds, edited)
    return { ...ground, follower }
  })

  it.effect("is compared again, and put right", () =>
    Effect.gen(function* () {
      const { virtual, clients, follower } = yield* tampered
      yield* follower.keep(clients, "externalsecrets")
      assert.deepStrictEqual(valueAt(virtual.stored(crds, ref), "spec", "conversion"), { strategy: "None" })
    }),
  )

  it.effect("is put right by a restart, by what was noted before and after", () =>
    Effect.gen(function* () {
      const { virtual, clients, follower, start } = yield* tampered
      const wrong = virtual.stored(crds, ref)
      assert.isDefined(wrong)
      const before = follower.note()
      yield* start(before)
      assert.deepStrictEqual(valueAt(virtual.stored(crds, ref), "spec", "conversion"), { strategy: "None" })
      virtual.put(crds, wrong)
      yield* follower.keep(clients, "externalsecrets")
      yield* start(follower.note())
      assert.deepStrictEqual(valueAt(virtual.stored(crds, ref), "spec", "conversion"), { strategy: "None" })
    }),
  )

  it.effect("is compared again when the versions under which objects are stored have changed", () =>
    Effect.gen(function* () {
      const { start, virtual, clients } = place(withoutStores)
      const versions = () => arrayAt(virtual.stored(crds, ref), "spec", "versions").map((each) => valueAt(each, "name"))
      virtual.put(crds, {
        ...hostCrd("externalsecrets"),
        metadata: { name: ref.name, uid: "v", labels: { [managedLabel]: "true" } },
        status: { ...established, storedVersions: ["v1", "v1alpha1"] },
      })
      const { follower } = yield* start()
      assert.deepStrictEqual(versions(), ["v1", "v1beta1", "v1alpha1"])
      const found = virtual.stored(crds, ref)
      assert.isDefined(found)
      virtual.put(crds, { ...found, status: established })
      yield* follower.keep(clients, "externalsecrets")
      assert.deepStrictEqual(versions(), ["v1", "v1beta1"])
    }),
  )
})

describe("what is missing on the host", () => {
  it.effect("is told, the first of several", () =>
    Effect.gen(function* () {
      const { start, host } = place(withoutStores)
      host.remove(crds, { name: nameOf("externalsecrets") })
      host.remove(crds, { name: nameOf("clustersecretstores") })
      const error = yield* Effect.flip(start())
      assert.strictEqual(error._tag, "OperatorMissing")
      assert.include(error.message, "no CRD externalsecrets")
    }),
  )

  /** `field-cases.md` 10. */
  it.effect("is no matter where the settings do not need it, and comes into the virtual cluster when it is there", () =>
    Effect.gen(function* () {
      const { start, host, clients, writes } = place(withoutStores)
      host.remove(crds, { name: nameOf("clustersecretstores") })
      const { follower, pairs } = yield* start()
      assert.deepStrictEqual([...pairs.keys()], ["externalsecrets"])
      assert.isUndefined(yield* follower.keep(clients, "clustersecretstores"))
      assert.deepStrictEqual(writes(), [`create ${nameOf("externalsecrets")}`])
      host.put(crds, hostCrd("clustersecretstores"))
      assert.strictEqual((yield* follower.keep(clients, "clustersecretstores"))?.plural, "clustersecretstores")
      assert.strictEqual(writes().at(-1), `create ${nameOf("clustersecretstores")}`)
    }),
  )

  it.effect("is not said to be all of External Secrets Operator where the settings need it", () =>
    Effect.gen(function* () {
      const { start, host } = place(withStores)
      host.remove(crds, { name: nameOf("clustersecretstores") })
      const error = yield* Effect.flip(start())
      assert.strictEqual(error._tag, "OperatorMissing")
      assert.strictEqual(
        error.message,
        "External Secrets Operator was installed on the host without the CRD clustersecretstores.external-secrets.io, which the settings of this vCluster need",
      )
    }),
  )
})
