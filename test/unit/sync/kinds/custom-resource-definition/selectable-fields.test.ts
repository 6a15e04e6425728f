/** `selectableFields` of CRDs, on API servers that keep them and on those that drop them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import { arrayAt, recordAt, valueAt } from "../../../../../src/effects/client/unstructured.ts"
import { customResourceDefinitions as crds } from "../../../../../src/sync/resources.ts"
import type { MemoryClient } from "../../../../support/memory-client.ts"
import { established, hostCrd, nameOf, place, withoutStores } from "./follower-ground.ts"

describe("selectableFields", () => {
  const ref = { name: nameOf("externalsecrets") }
  const selectable = (path: string, title?: string): KubeObject => {
    const crd = hostCrd("externalsecrets", title)
    const versions = arrayAt(crd, "spec", "versions").map((version) => ({
      ...recordAt(version),
      selectableFields: [{ jsonPath: path }],
    }))
    return { ...crd, spec: { ...recordAt(crd, "spec"), versions } }
  }
  const withoutFields = (crd: KubeObject): KubeObject => ({
    ...crd,
    spec: {
      ...recordAt(crd, "spec"),
      versions: arrayAt(crd, "spec", "versions").map((version) => {
        const { selectableFields: _dropped, ...kept } = recordAt(version) ?? {}
        return kept
      }),
    },
  })
  const fieldsIn = (virtual: MemoryClient) =>
    arrayAt(virtual.stored(crds, ref), "spec", "versions").map((version) =>
      arrayAt(version, "selectableFields").map((field) => valueAt(field, "jsonPath")),
    )

  /** @param server how the virtual one stores what it is sent */
  const groundOf = (server: (sent: KubeObject) => KubeObject) => {
    const ground = place(withoutStores)
    const { virtual } = ground
    ground.host.put(crds, selectable(".spec.a"))
    virtual.stores = server
    const patches = () => virtual.calls.splice(0).filter(({ verb, key }) => verb === "patch" && key === ref.name).length
    return { ...ground, patches }
  }

  describe("on a server that keeps them", () => {
    const keeping = () => groundOf((sent) => sent)

    it.effect("come back when the tenant has taken all of them away", () =>
      Effect.gen(function* () {
        const { start, virtual, clients, patches } = keeping()
        const { follower } = yield* start()
        const made = virtual.stored(crds, ref)
        assert.isDefined(made)
        virtual.put(crds, withoutFields(made))
        for (let turn = 0; turn < 3; turn++) yield* follower.keep(clients, "externalsecrets")
        assert.deepStrictEqual(fieldsIn(virtual), [[".spec.a"], [".spec.a"]])
        assert.strictEqual(patches(), 1)
      }),
    )

    it.effect("come with an ESO that brings nothing else", () =>
      Effect.gen(function* () {
        const { start, host, virtual, clients, patches } = keeping()
        host.put(crds, hostCrd("externalsecrets"))
        const { follower } = yield* start()
        host.put(crds, selectable(".spec.a"))
        yield* follower.keep(clients, "externalsecrets")
        assert.deepStrictEqual(fieldsIn(virtual), [[".spec.a"], [".spec.a"]])
        assert.strictEqual(patches(), 1)
      }),
    )
  })

  describe("on a server that drops them, as before Kubernetes 1.31", () => {
    const dropping = () => groundOf(withoutFields)

    it.effect("are no reason to write what was made just now", () =>
      Effect.gen(function* () {
        const { start, virtual, clients, patches } = dropping()
        const { follower } = yield* start()
        for (let turn = 0; turn < 3; turn++) yield* follower.keep(clients, "externalsecrets")
        assert.deepStrictEqual(fieldsIn(virtual), [[], []])
        assert.strictEqual(patches(), 0)
      }),
    )

    it.effect("are sent once with each change on either side", () =>
      Effect.gen(function* () {
        const { start, host, virtual, clients, patches } = dropping()
        const { follower } = yield* start()
        const turns = Effect.gen(function* () {
          for (let turn = 0; turn < 3; turn++) yield* follower.keep(clients, "externalsecrets")
          return patches()
        })
        host.put(crds, selectable(".spec.a", "second"))
        assert.strictEqual(yield* turns, 1, "another schema on the host")
        host.put(crds, selectable(".spec.b", "second"))
        assert.strictEqual(yield* turns, 1, "nothing but other fields on the host")
        const made = virtual.stored(crds, ref)
        assert.isDefined(made)
        virtual.put(crds, { ...made, spec: { ...recordAt(made, "spec"), conversion: { strategy: "Webhook" } } })
        assert.strictEqual(yield* turns, 1, "the tenant's edit")
        assert.deepStrictEqual(valueAt(virtual.stored(crds, ref), "spec", "conversion"), { strategy: "None" })
      }),
    )

    it.effect("are not sent again while the CRD is on its way to be served", () =>
      Effect.gen(function* () {
        const { start, host, virtual, clients, patches } = dropping()
        const { follower } = yield* start()
        const made = virtual.stored(crds, ref)
        assert.isDefined(made)
        virtual.put(crds, { ...made, status: { storedVersions: ["v1"] } })
        host.put(crds, selectable(".spec.a", "second"))
        for (let turn = 0; turn < 3; turn++) yield* follower.keep(clients, "externalsecrets")
        assert.strictEqual(patches(), 1)
        const written = virtual.stored(crds, ref)
        assert.isDefined(written)
        virtual.put(crds, { ...written, status: established })
        yield* follower.ensure(clients, "externalsecrets")
        assert.strictEqual(patches(), 0)
      }),
    )

    it.effect("are not sent by a restart with the note, nor when somebody else's label makes us look after it", () =>
      Effect.gen(function* () {
        const { start, virtual, clients, patches } = dropping()
        const note = (yield* start()).follower.note()
        patches()
        const { follower } = yield* start(note)
        assert.strictEqual(patches(), 0)
        const made = virtual.stored(crds, ref)
        assert.isDefined(made)
        virtual.put(crds, { ...made, metadata: { ...made.metadata, labels: { ...made.metadata.labels, seen: "yes" } } })
        yield* follower.keep(clients, "externalsecrets")
        assert.strictEqual(patches(), 0)
      }),
    )

    it.effect("are sent once by a restart without a note", () =>
      Effect.gen(function* () {
        const { start, clients, patches } = dropping()
        yield* start()
        patches()
        const { follower } = yield* start()
        yield* follower.keep(clients, "externalsecrets")
        assert.strictEqual(patches(), 1)
      }),
    )
  })
})
