/**
 * Two watches tell of the tenant's Secrets, those with our label and the others. Between "deleted" from the one and "added" from
 * the other a Secret that is there is in neither cache.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Unreachable } from "../../../../src/effects/client/api-error.ts"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { referencedSecretKind } from "../../../../src/sync/kinds/kinds.ts"
import { externalSecretKind } from "../../../../src/sync/kinds/kinds.ts"
import { hostReferenceName, hostSecretName } from "../../../../src/sync/tenancy/names.ts"
import { markAnnotations } from "../../../../src/sync/tenancy/ownership.ts"
import { externalSecrets, secrets } from "../../../../src/sync/resources.ts"
import { esoManagedLabel, managedByLabel, referenceLabel } from "../../../../src/sync/tenancy/labels.ts"
import { makeReconcilerBench } from "../../../support/reconciler-bench.ts"
import { apiError } from "../../../support/memory-client.ts"
import { round, World } from "../../../model/world.ts"

const key = "default/app"
const status = { refreshTime: "1", syncedResourceVersion: "1", binding: { name: "app" }, conditions: [] }

const secret: KubeObject = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "app", namespace: "default" },
  data: { value: "MQ==" },
}

/** Made by ESO and carried over; neither cache shows the virtual Secret. */
const carriedOver = (): World => {
  const world = new World()
  const virtual = world.put("virtual", "ExternalSecret", {
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: { name: "app", namespace: "default" },
    spec: {
      secretStoreRef: { name: "store", kind: "ClusterSecretStore" },
      refreshPolicy: "CreatedOnce",
      data: [{ secretKey: "value", remoteRef: { key: "1" } }],
    },
  })
  round(world, [externalSecretKind])
  const [copy] = world.all("host", "ExternalSecret")
  assert.isDefined(copy)
  world.put("virtual", "ExternalSecret", { ...virtual, status })
  world.put("host", "ExternalSecret", { ...copy, status })
  const { name, uid = "" } = copy.metadata
  world.put("host", "Secret", {
    ...secret,
    metadata: {
      name: hostSecretName("app", "default", "vc"),
      namespace: "team-x",
      labels: { [esoManagedLabel]: "true" },
      ownerReferences: [{ apiVersion: copy.apiVersion, kind: "ExternalSecret", name, uid, controller: true }],
    },
  })
  return world
}

const bench = Effect.fnUntraced(function* (world: World) {
  const { clients, reports, reconcile } = yield* makeReconcilerBench(world.caches(), world.context)
  for (const object of world.all("host", "ExternalSecret")) clients.host.put(externalSecrets("v1"), object)
  const deletions = () => clients.host.calls.filter(({ verb }) => verb === "delete")
  return { clients, reports, reconcile, deletions }
})

describe("a Secret that no cache shows", () => {
  it.effect("but that is there was not deleted: ESO is not asked for a new value", () =>
    Effect.gen(function* () {
      const { clients, reports, reconcile, deletions } = yield* bench(carriedOver())
      clients.virtual.put(secrets, secret)
      yield* reconcile(externalSecretKind, key)
      assert.deepStrictEqual(deletions(), [])
      assert.deepStrictEqual(
        reports.map((report) => report?.health),
        ["waiting"],
      )
    }),
  )

  it.effect("and is not there was deleted: one request asks, and a new value is fetched", () =>
    Effect.gen(function* () {
      const { clients, reconcile, deletions } = yield* bench(carriedOver())
      yield* reconcile(externalSecretKind, key)
      assert.lengthOf(deletions(), 1)
      assert.deepStrictEqual(
        clients.virtual.calls.map(({ verb }) => verb),
        ["get"],
      )
    }),
  )

  it.effect("is not taken for deleted while the API server does not answer", () =>
    Effect.gen(function* () {
      const { clients, reconcile, deletions } = yield* bench(carriedOver())
      clients.virtual.fault = { before: (call) => Effect.fail(apiError(call, new Unreachable({}))) }
      yield* Effect.flip(reconcile(externalSecretKind, key))
      assert.deepStrictEqual(deletions(), [])
    }),
  )

  it.effect("keeps the copy that a spec refers to, too", () =>
    Effect.gen(function* () {
      const world = new World()
      world.put("host", "Secret", {
        ...secret,
        metadata: {
          name: hostReferenceName("app", "default", "vc"),
          namespace: "team-x",
          labels: { [managedByLabel]: "vc", [referenceLabel]: "true" },
          annotations: markAnnotations(secret, world.context.tenancy),
        },
      })
      const { clients, reconcile, deletions } = yield* bench(world)
      clients.virtual.put(secrets, secret)
      yield* reconcile(referencedSecretKind, key)
      assert.deepStrictEqual(deletions(), [])
      clients.virtual.remove(secrets, { namespace: "default", name: "app" })
      yield* reconcile(referencedSecretKind, key)
      assert.lengthOf(deletions(), 1)
    }),
  )
})
