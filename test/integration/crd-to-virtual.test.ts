/** The CRDs of the virtual cluster on API servers that stream no lists, and while one of them is being deleted. */
import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { makeKubeClient } from "../../src/effects/client/http-kube-client.ts"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { loadKubeconfig } from "../../src/effects/config/kubeconfig.ts"
import { makeCrdFollower } from "../../src/sync/kinds/custom-resource-definition/follower.ts"
import type { ControlPlane } from "../clusters/control-plane.ts"
import { Ground } from "../clusters/ground.ts"
import { testContext } from "../model/world.ts"
import { onGround } from "../support/on-ground.ts"
import { crds } from "../support/resources.ts"

const name = "externalsecrets.external-secrets.io"

const esoCrd: KubeObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name },
  spec: {
    group: "external-secrets.io",
    scope: "Namespaced",
    names: {
      kind: "ExternalSecret",
      plural: "externalsecrets",
      singular: "externalsecret",
      listKind: "ExternalSecretList",
    },
    versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
  },
}

const connect = Effect.fnUntraced(function* (plane: ControlPlane) {
  const source = yield* loadKubeconfig(plane.kubeconfig)
  return yield* makeKubeClient({ cluster: plane.name, source, userAgent: "crd-test/1", fieldManager: "test" })
})

const wanted = [{ plural: "externalsecrets", isNeeded: true, needsSchema: true }]

const ensure = Effect.fnUntraced(function* (limitMs?: number) {
  const { host, virtual } = yield* Ground
  const clients = { host: yield* connect(host), virtual: yield* connect(virtual) }
  return yield* makeCrdFollower(wanted, testContext().settings, "test").ensure(clients, "externalsecrets", limitMs)
})

const plane = { controllerManager: false }

onGround(
  "a CRD in the virtual cluster",
  (it) => {
    it.effect("is awaited without a streaming list", () =>
      Effect.gen(function* () {
        const { host, virtual } = yield* Ground
        yield* host.kube.create(crds, esoCrd)
        yield* ensure()
        const made = yield* virtual.kube.get(crds, { name })
        assert.isTrue(
          (yield* virtual.kube.request({ method: "GET", path: "/apis/external-secrets.io/v1/externalsecrets" }))
            .status === 200,
        )
        assert.isUndefined(made.metadata.deletionTimestamp)
      }).pipe(Effect.scoped),
    )

    it.effect("that is being deleted is waited out and made anew; one that never goes is an error that says so", () =>
      Effect.gen(function* () {
        const { virtual } = yield* Ground
        const before = yield* virtual.kube.patch(crds, { name }, { metadata: { finalizers: ["test.dev/hold"] } })
        yield* virtual.kube.delete(crds, { name })
        const error = yield* Effect.flip(ensure(1_500))
        assert.strictEqual(error._tag, "CrdNotServed")
        assert.include(error.message, `CRD ${name} in the virtual cluster is being deleted`)

        const waiting = yield* Effect.forkChild(ensure())
        yield* virtual.kube.patch(crds, { name }, { metadata: { finalizers: null } })
        yield* Fiber.join(waiting)
        const after = yield* virtual.kube.get(crds, { name })
        assert.notStrictEqual(after.metadata.uid, before.metadata.uid)
        assert.isUndefined(after.metadata.deletionTimestamp)
      }).pipe(Effect.scoped),
    )
  },
  { host: plane, virtual: { ...plane, apiServerFlags: ["--feature-gates=WatchList=false"] } },
)
