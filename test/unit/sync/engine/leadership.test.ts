/** The right to write: in which order a run takes it, and how it ends. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Unreachable } from "../../../../src/effects/client/api-error.ts"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import type { Resource } from "../../../../src/effects/client/resource.ts"
import { leaseResource } from "../../../../src/effects/leader-election/lease.ts"
import { VirtualClient } from "../../../../src/sync/engine/clients.ts"
import { LeaseLost } from "../../../../src/sync/engine/errors.ts"
import { anchorObject } from "../../../../src/sync/engine/identity.ts"
import { FollowedCrds } from "../../../../src/sync/engine/followed-crds.ts"
import { Leadership, whileLeading } from "../../../../src/sync/engine/leadership.ts"
import { Patience } from "../../../../src/sync/engine/patience.ts"
import { leaseName } from "../../../../src/sync/engine/preflight.ts"
import { VirtualIdentity } from "../../../../src/sync/engine/virtual-identity.ts"
import { configMaps, namespaces } from "../../../../src/sync/resources.ts"
import { virtualClusterAnnotation } from "../../../../src/sync/tenancy/labels.ts"
import { apiError, type Call, makeMemoryClient } from "../../../support/memory-client.ts"
import { emptyRegistry, syncLayers } from "../../../support/sync-layers.ts"

const vcluster = { name: "vc", namespace: "team-x" }
const leaseRef = { namespace: vcluster.namespace, name: leaseName(vcluster) }

const namespace = (name: string, uid: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, uid },
})

/** Two clusters with what a run looks at, and what it wrote, in order. */
const makeClusters = (anchor?: KubeObject) => {
  const writes = new Array<string>()
  const host = makeMemoryClient()
  const virtual = makeMemoryClient()
  host.put(namespaces, namespace(vcluster.namespace, "host-uid"))
  virtual.put(namespaces, namespace("kube-system", "virtual-uid"))
  const note = ({ verb, resource }: Call) =>
    Effect.sync(() => {
      if (verb !== "get") writes.push(`${verb} ${resource}`)
    })
  host.fault = { before: note }
  virtual.fault = { before: note }
  const answersLists = {
    ...virtual,
    list: () => Effect.succeed({ items: anchor === undefined ? [] : [anchor], resourceVersion: "7" }),
    apply: (resource: Resource, body: KubeObject) => virtual.create(resource, body),
  }
  return { host, virtual, writes, clients: { host, virtual: answersLists } }
}

type Clusters = ReturnType<typeof makeClusters>

const leading = (clusters: Clusters) =>
  VirtualIdentity.layer.pipe(
    Layer.provideMerge(Leadership.fencedClients),
    Layer.provideMerge(Leadership.layer),
    Layer.provideMerge(FollowedCrds.layer),
    Layer.provideMerge(Patience.none),
    Layer.provideMerge(syncLayers(clusters.clients, vcluster, { registry: emptyRegistry })),
  )

describe("a run", () => {
  it.effect("takes the Lease before it writes anything else, and gives it back", () =>
    Effect.gen(function* () {
      const clusters = makeClusters()
      const uid = yield* Effect.provide(
        Effect.map(VirtualIdentity, (identity) => identity.uid),
        leading(clusters),
      )
      assert.strictEqual(uid, "virtual-uid")
      assert.deepStrictEqual(clusters.writes, [
        "create leases.coordination.k8s.io",
        "create configmaps",
        "update leases.coordination.k8s.io",
      ])
      const lease = clusters.host.stored(leaseResource, leaseRef)
      assert.strictEqual(lease?.metadata.annotations?.[virtualClusterAnnotation], "virtual-uid")
    }),
  )

  it.effect("of a virtual cluster that is another one writes nothing, the Lease included", () =>
    Effect.gen(function* () {
      const theirs = { hostNamespace: "elsewhere", hostNamespaceUid: "another-uid", vcluster: "vc" }
      const clusters = makeClusters(anchorObject(theirs))
      const error = yield* Effect.flip(Effect.provide(Effect.void, leading(clusters)))
      assert.strictEqual(error._tag, "IdentityMismatch")
      assert.isEmpty(clusters.writes)
    }),
  )

  it.effect("ends whatever it is at when the Lease cannot be kept, and writes no more", () =>
    Effect.gen(function* () {
      const clusters = makeClusters()
      const program = Effect.gen(function* () {
        const virtual = yield* VirtualClient
        clusters.host.fault = {
          before: (call) => Effect.fail(apiError(call, new Unreachable({}))),
        }
        // Looks alive to itself for longer than the Lease lasts.
        yield* Effect.sleep("1 hour").pipe(
          Effect.onInterrupt(() => Effect.ignore(virtual.create(configMaps, namespace("late", "late")))),
        )
      })
      const ending = yield* Effect.forkChild(Effect.flip(Effect.provide(whileLeading(program), leading(clusters))), {
        startImmediately: true,
      })
      yield* TestClock.adjust("11 seconds")
      assert.instanceOf(yield* Fiber.join(ending), LeaseLost)
      assert.isUndefined(clusters.virtual.stored(configMaps, { name: "late" }))
    }),
  )
})
