/**
 * The tenant replaced the CRD by one without validation, so that nothing about a spec may be taken for granted (attacks 18, 33,
 * 34, 37). Whatever stands there is refused by itself, in words, and tried no more than needed.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schedule } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { recordAt } from "../../src/effects/client/unstructured.ts"
import { byAgent, describeEntry, isWrite } from "../clusters/audit-log.ts"
import { assertNothingOnHost, assertServesOthers, awaitRefusal, copyOf, inVirtual } from "../support/attack.ts"
import { crds, externalSecrets } from "../support/resources.ts"
import { awaitSecret, createReady, externalSecret, isReady, readyOf, SyncedPair } from "../support/synced-pair.ts"

const anything = { "x-kubernetes-preserve-unknown-fields": true }

/** As a tenant does it: the mark goes in the same write, so the syncer takes the CRD for somebody else's. */
const withoutValidation = {
  metadata: { labels: { "vcluster-es.io/managed": null } },
  spec: {
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", properties: { spec: anything, status: anything } } },
        subresources: { status: {} },
      },
    ],
  },
}

const withSpec = (name: string, spec: unknown): KubeObject => ({ ...externalSecret(name), spec })

/** The syncer starts after the change: a watch that is older than a CRD's schema still gives what the old one leaves of a spec. */
const permissivePair = Layer.effectDiscard(
  Effect.gen(function* () {
    const { ground, command, startFollow } = yield* SyncedPair
    const { kube } = ground.virtual
    assert.strictEqual((yield* command("sync")).code, 0)
    yield* kube.patch(crds, { name: "externalsecrets.external-secrets.io" }, withoutValidation)
    // The API server takes up a new schema some time after it has stored it.
    yield* kube
      .create(externalSecrets, withSpec("probe", 7))
      .pipe(Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 100 }))
    yield* startFollow()
  }),
).pipe(Layer.provideMerge(SyncedPair.layer({ follow: false })))

const good = recordAt(externalSecret("good"), "spec") ?? {}
const storeRef = { name: "store", kind: "ClusterSecretStore" }
const entry = { secretKey: "password", remoteRef: { key: "/database/password" } }
const parsed = (json: string): unknown => JSON.parse(json)
const nested = (levels: number): unknown => parsed(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`)

type Case = readonly [what: string, spec: unknown, message: string | RegExp]

const wrongShapes: ReadonlyArray<Case> = [
  ["a number", 7, /object/],
  ["a text", "spec", /object/],
  ["a list", [good], /object/],
  ["data: number", { ...good, data: 5 }, '"data"'],
  ["data: map", { ...good, data: entry }, '"data"'],
  ["data: [number]", { ...good, data: [5] }, '"data"'],
  ["data: [null]", { ...good, data: [null] }, '"data"'],
  ["dataFrom: text", { ...good, dataFrom: "all" }, '"dataFrom"'],
  ["sourceRef: list", { ...good, data: [{ ...entry, sourceRef: [] }] }, '"sourceRef"'],
  ["storeRef: text", { ...good, data: [{ ...entry, sourceRef: { storeRef: "store" } }] }, '"storeRef"'],
  ["secretStoreRef: text", { ...good, secretStoreRef: "store" }, '"secretStoreRef"'],
  ["secretStoreRef: null", { ...good, secretStoreRef: null }, '"secretStoreRef"'],
  ["store name: number", { ...good, secretStoreRef: { ...storeRef, name: 5 } }, '"name"'],
  ["store name: list", { ...good, secretStoreRef: { ...storeRef, name: ["store"] } }, '"name"'],
  ["target: null", { ...good, target: null }, '"target"'],
  ["target: list", { ...good, target: [] }, '"target"'],
  ["target name: map", { ...good, target: { name: { toString: "x" } } }, '"name"'],
  ["immutable: text", { ...good, target: { immutable: "true" } }, '"immutable"'],
  ["deletionPolicy: number", { ...good, target: { deletionPolicy: 1 } }, '"deletionPolicy"'],
  ["template: text", { ...good, target: { template: "x" } }, '"template"'],
  ["label: number", { ...good, target: { template: { metadata: { labels: { a: 1 } } } } }, '"labels"'],
  ["templateFrom: [text]", { ...good, target: { template: { templateFrom: ["x"] } } }, '"templateFrom"'],
  ["deep", { ...good, data: [{ ...entry, remoteRef: nested(2000) }] }, "nested deeper"],
  ["deep lists", { ...good, dataFrom: parsed(`${"[".repeat(2000)}${"]".repeat(2000)}`) }, "nested deeper"],
  ["refreshInterval: text", { ...good, refreshInterval: "soon" }, "spec.refreshInterval"],
  ["refreshInterval: too long", { ...good, refreshInterval: "9999999h" }, "spec.refreshInterval"],
  ["refreshInterval: number", { ...good, refreshInterval: 5 }, '"refreshInterval"'],
]

const unknownFields: ReadonlyArray<Case> = [
  ["__proto__", parsed(`{"__proto__": {"secretStoreRef": {"name": "x"}}, "data": []}`), "spec.__proto__"],
  ["constructor", { ...good, constructor: { prototype: {} } }, "spec.constructor"],
  ["target.__proto__", { ...good, target: parsed(`{"__proto__": {"manifest": {}}}`) }, "spec.target.__proto__"],
  ["data.hasOwnProperty", { ...good, data: [{ ...entry, hasOwnProperty: 1 }] }, "spec.data[0].hasOwnProperty"],
  [
    "sourceRef.other",
    { ...good, data: [{ ...entry, sourceRef: { otherRef: {} } }] },
    "spec.data[0].sourceRef.otherRef",
  ],
  ["template.other", { ...good, target: { template: { secretRef: {} } } }, "spec.target.template.secretRef"],
  ["odd name", { ...good, [`a\n\u001b[2J${"b".repeat(5000)}`]: 1 }, /^spec\["a\\n\\u001b\[2Jb{40,60}…"\] is not known/],
  ["kind", { ...good, secretStoreRef: { name: "store", kind: "Secret\nStore" } }, 'kind "Secret\\nStore" is not known'],
]

const hostileNames = [
  "../../secrets/vc-my-vcluster",
  "..",
  "a/b",
  "..%2f..%2fsecrets",
  "a\nb",
  "a\u0000b",
  "UPPER",
  "-a",
  "a_b",
  "$(id)",
  "x; kubectl delete ns --all",
  " store",
  "störe",
  "x".repeat(254),
  "x".repeat(300_000),
]

/** All are tried together, and refused each by itself. */
const assertAllRefused = Effect.fnUntraced(function* (prefix: string, reason: string, cases: ReadonlyArray<Case>) {
  const pair = yield* SyncedPair
  const { host, virtual } = pair.ground
  const mark = yield* host.audit.mark
  const objects = yield* Effect.forEach(cases, ([, spec], index) =>
    virtual.kube.create(externalSecrets, withSpec(`${prefix}-${index}`, spec)),
  )
  for (const [index, [what, , message]] of cases.entries()) {
    const object = objects[index]
    assert.isDefined(object, what)
    const refused = yield* awaitRefusal(pair, object, reason, message)
    assert.isBelow(readyOf(refused)?.message.length ?? 0, 500, what)
  }
  yield* assertServesOthers(pair, prefix)
  const writes = (yield* host.audit.since(mark)).filter(isWrite).filter(byAgent("kubectl-vcluster-es"))
  const about = writes.filter(({ objectRef }) => objectRef?.name?.startsWith(`${prefix}-`) === true)
  assert.deepStrictEqual(about.map(describeEntry), [])
  for (const { metadata } of objects) yield* assertNothingOnHost(pair, metadata.name)
})

layer(permissivePair, { excludeTestServices: true, timeout: "10 minutes" })("hostile specs", (it) => {
  it.effect("33: wrong shapes are refused", () => assertAllRefused("shape", "InvalidSpec", wrongShapes))

  it.effect("33: fields that nobody knows are refused, whatever they are called", () =>
    assertAllRefused("unknown", "UnknownReference", unknownFields),
  )

  it.effect("34: names that are no names are refused in a reference to a store", () =>
    assertAllRefused(
      "store",
      "InvalidSpec",
      hostileNames.map((name) => [
        name,
        { ...good, secretStoreRef: { ...storeRef, name } },
        "spec.secretStoreRef.name",
      ]),
    ),
  )

  it.effect("34: and as a target", () =>
    assertAllRefused(
      "target",
      "InvalidSpec",
      hostileNames.map((name) => [name, { ...good, target: { name } }, "spec.target.name"]),
    ),
  )

  it.effect("18: target.manifest is refused", () =>
    assertAllRefused("manifest", "ManifestTargetNotAllowed", [
      ["a kind", { ...good, target: { manifest: { apiVersion: "v1", kind: "ConfigMap" } } }, "spec.target.manifest"],
      ["null", { ...good, target: { manifest: null } }, "spec.target.manifest"],
    ]),
  )

  it.effect("33: what only the host's API server objects to is told in its words, and mended by an edit", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const mark = yield* host.audit.mark
      const cases: ReadonlyArray<Case> = [
        ["enum", { ...good, refreshPolicy: "Sometimes" }, "spec.refreshPolicy"],
        ["pattern", { ...good, data: [{ ...entry, secretKey: "../x" }] }, "spec.data[0].secretKey"],
        ["type", { ...good, data: [{ ...entry, remoteRef: [] }] }, "spec.data[0].remoteRef"],
        ["null", { ...good, data: [{ ...entry, remoteRef: { key: null } }] }, "spec.data[0].remoteRef.key"],
        [
          "number",
          { ...good, data: [{ ...entry, remoteRef: { key: "a", version: 1 } }] },
          "spec.data[0].remoteRef.version",
        ],
      ]
      for (const [what, spec, field] of cases) {
        const name = `host-says-${what.toLowerCase()}`
        const object = yield* virtual.kube.create(externalSecrets, withSpec(name, spec))
        const refused = yield* awaitRefusal(pair, object, "RefusedByHost", field)
        assert.notInclude(readyOf(refused)?.message, copyOf(name).name)
        assert.include(readyOf(refused)?.message, name)
        yield* assertServesOthers(pair, name)
        yield* assertNothingOnHost(pair, name)
        yield* virtual.kube.patch(externalSecrets, inVirtual(name), {
          spec: { ...good, refreshPolicy: "Periodic", target: null },
        })
        yield* virtual.kube.patch(externalSecrets, inVirtual(name), { spec: { target: { template: null } } })
        yield* virtual.kube.waitFor(externalSecrets, inVirtual(name), isReady)
      }
      const tries = (yield* host.audit.since(mark)).filter(
        ({ verb, objectRef }) => verb === "create" && objectRef?.resource === "externalsecrets",
      )
      // Each: one write that fails, and a few again while the tenant reads it; the good ones beside it.
      assert.isBelow(tries.length, cases.length * 15)
    }),
  )

  it.effect("33: an update that the host does not take leaves what was there", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const object = yield* createReady(pair, externalSecret("worsens"))
      yield* awaitSecret(pair, "worsens")
      const copy = yield* host.kube.get(externalSecrets, copyOf("worsens"))
      yield* virtual.kube.patch(externalSecrets, inVirtual("worsens"), { spec: { refreshPolicy: "Sometimes" } })
      yield* awaitRefusal(pair, object, "RefusedByHost", "spec.refreshPolicy")
      yield* assertServesOthers(pair, "worsens")
      assert.deepStrictEqual(yield* host.kube.get(externalSecrets, copyOf("worsens")), copy)
      yield* awaitSecret(pair, "worsens")
      yield* virtual.kube.patch(externalSecrets, inVirtual("worsens"), { spec: { refreshPolicy: null } })
      yield* virtual.kube.waitFor(externalSecrets, inVirtual("worsens"), isReady)
    }),
  )

  it.effect("32, 33: a forged status of any shape is written over", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { virtual } = pair.ground
      const object = yield* virtual.kube.create(externalSecrets, withSpec("forged", 7))
      yield* awaitRefusal(pair, object, "InvalidSpec", "spec")
      const truth = { type: "Ready", status: "True" }
      const statuses: ReadonlyArray<unknown> = [
        { conditions: "none" },
        { conditions: [null, 5, [], { type: "Ready", status: 5 }, truth] },
        { conditions: [truth, truth], binding: 5, deep: nested(500) },
        parsed(`{"__proto__": {"conditions": []}, "conditions": {"0": {}}}`),
      ]
      for (const status of statuses) {
        yield* virtual.kube.patch(externalSecrets, inVirtual("forged"), { status }, "status")
        const told = yield* awaitRefusal(pair, object, "InvalidSpec", "spec")
        assert.deepStrictEqual(Object.keys(told["status"] ?? {}), ["conditions"])
      }
      yield* assertServesOthers(pair, "forged")
    }),
  )
})
