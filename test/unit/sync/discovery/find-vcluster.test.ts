import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeClient } from "../../../../src/effects/client/kube-client.ts"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import {
  asleep,
  connectContextName,
  findVclusters,
  imageVersion,
  parseConnectContext,
  resolveVcluster,
} from "../../../../src/sync/discovery/find-vcluster.ts"
import { fakeClient } from "./find-vcluster-fake-client.ts"

const workload = (
  kind: string,
  release: string,
  extra: Readonly<Record<string, unknown>> = {},
  meta = {},
): KubeObject => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name: release, namespace: "team-x", labels: { app: "vcluster", release }, ...meta },
  spec: {
    replicas: 1,
    template: { spec: { containers: [{ name: "syncer", image: "ghcr.io:443/loft-sh/vcluster-oss:v0.36.1" }] } },
  },
  status: { readyReplicas: 1 },
  ...extra,
})

const named = (kind: string, name: string): KubeObject => ({
  apiVersion: "v1",
  kind,
  metadata: { name, namespace: "team-x" },
})

const resolve = (client: KubeClient, name?: string, allGiven = false) =>
  resolveVcluster(client, "team-x", name, { allGiven })
const refusal = (client: KubeClient, name?: string) =>
  resolve(client, name).pipe(
    Effect.flip,
    Effect.map((error) => error.message),
  )

describe("discovery", () => {
  it.effect("StatefulSets and Deployments, by label; the StatefulSet speaks for the release", () =>
    Effect.gen(function* () {
      const found = yield* findVclusters(
        fakeClient([
          workload("Deployment", "b"),
          workload("StatefulSet", "a"),
          workload("Deployment", "a", { status: {} }),
          workload("StatefulSet", "renamed", {}, { name: "other-name" }),
        ]),
        "team-x",
      )
      assert.deepStrictEqual(
        found.map(({ name, state, version }) => [name, state, version]),
        [
          ["a", "Running", "0.36.1"],
          ["b", "Running", "0.36.1"],
          ["renamed", "Running", "0.36.1"],
        ],
      )
    }),
  )
  const states: ReadonlyArray<readonly [string, Readonly<Record<string, unknown>>, object, string]> = [
    [
      "paused",
      { spec: { replicas: 0 } },
      { annotations: { "loft.sh/paused": "true", "loft.sh/paused-date": "2026-11-24T08:00:00Z" } },
      "Paused",
    ],
    [
      "asleep",
      { spec: { replicas: 0 } },
      { labels: { app: "vcluster", release: "a", "loft.sh/sleep-mode": "true" } },
      "Sleeping",
    ],
    ["scaled down", { spec: { replicas: 0 } }, {}, "ScaledDown"],
    ["restoring", {}, { annotations: { "loft.sh/restoring": "true" } }, "Restoring"],
    ["starting", { status: {} }, {}, "Starting"],
  ]
  for (const [name, extra, meta, state] of states)
    it.effect(name, () =>
      Effect.gen(function* () {
        const [found] = yield* findVclusters(fakeClient([workload("StatefulSet", "a", extra, meta)]), "team-x")
        assert.strictEqual(found?.state, state)
        assert.strictEqual(found?.since, state === "Paused" ? "2026-11-24T08:00:00Z" : undefined)
      }),
    )
})

describe("which one is meant", () => {
  it.effect("the only one", () =>
    Effect.gen(function* () {
      const { vcluster } = yield* resolve(fakeClient([workload("StatefulSet", "a")]))
      assert.deepStrictEqual(vcluster, { name: "a", namespace: "team-x", version: "0.36.1", state: "Running" })
    }),
  )
  const two = [workload("StatefulSet", "my-vcluster"), workload("Deployment", "other")]
  const refusals: ReadonlyArray<readonly [string, ReadonlyArray<KubeObject>, string | undefined, string]> = [
    ["several and none named", two, undefined, "namespace team-x has 2 vClusters: my-vcluster, other; name one"],
    ["none at all", [], undefined, "no vCluster in namespace team-x"],
    [
      "a wrong name",
      two,
      "my-vclster",
      'no vCluster "my-vclster" in namespace team-x; there are: my-vcluster, other (did you mean my-vcluster?)',
    ],
    ["a wrong name where there is none", [], "x", 'no vCluster "x" in namespace team-x; there is none at all'],
    [
      "a Service proves nothing beside other vClusters",
      [...two, named("Service", "nginx")],
      "nginx",
      'no vCluster "nginx" in namespace team-x; there are: my-vcluster, other',
    ],
  ]
  for (const [name, objects, asked, expected] of refusals)
    it.effect(name, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* refusal(fakeClient(objects), asked), expected)
      }),
    )

  const evidence = [named("Service", "a"), named("Secret", "vc-a"), named("Secret", "vc-config-a")]
  for (const object of evidence)
    it.effect(`${object.kind} ${object.metadata.name} is evidence for an explicit name`, () =>
      Effect.gen(function* () {
        const { vcluster, warnings } = yield* resolve(fakeClient([object]), "a")
        assert.deepStrictEqual([vcluster, warnings], [{ name: "a", namespace: "team-x", state: "Unknown" }, []])
      }),
    )
  it.effect("who may not list workloads must name one", () =>
    Effect.gen(function* () {
      const client = fakeClient([named("Secret", "vc-config-a")], ["statefulsets", "deployments"])
      assert.strictEqual((yield* resolve(client, "a")).vcluster.name, "a")
      const error = yield* Effect.flip(resolve(client))
      assert.strictEqual(error._tag, "ApiError")
      assert.match(yield* refusal(client, "b"), /^no vCluster "b" in namespace team-x, as far as it is visible to you/)
    }),
  )
  it.effect("who may see nothing is taken at their word", () =>
    Effect.gen(function* () {
      const client = fakeClient([], ["statefulsets", "deployments", "secrets", "services"])
      assert.strictEqual((yield* resolve(client, "a")).vcluster.state, "Unknown")
    }),
  )
  it.effect("all explicit: goes on with a warning, unless other vClusters are there", () =>
    Effect.gen(function* () {
      const { vcluster, warnings } = yield* resolve(fakeClient([]), "a", true)
      assert.strictEqual(vcluster.name, "a")
      assert.lengthOf(warnings, 1)
      const error = yield* Effect.flip(resolve(fakeClient(two), "a", true))
      assert.strictEqual(error._tag, "SetupError")
    }),
  )
})

it("what a paused one is told", () => {
  const error = asleep({ name: "a", namespace: "team-x", state: "Paused" }, "2h")
  assert.strictEqual(error?.message, "vCluster a is paused (since 2h)")
  assert.strictEqual(error?.fix, "vcluster resume a -n team-x")
  assert.isUndefined(asleep({ name: "a", namespace: "team-x", state: "Running" }, undefined))
  assert.isUndefined(asleep({ name: "a", namespace: "team-x", state: "Unknown" }, undefined))
})

it("contexts of vcluster connect", () => {
  assert.deepStrictEqual(parseConnectContext("vcluster_my-vc_team-x_kind_prod_eu"), {
    name: "my-vc",
    namespace: "team-x",
    hostContext: "kind_prod_eu",
  })
  assert.strictEqual(
    connectContextName({ name: "my-vc", namespace: "team-x" }, "kind_prod_eu"),
    "vcluster_my-vc_team-x_kind_prod_eu",
  )
  for (const other of ["prod", "vcluster_a_b", "vcluster-platform_a_b_c", "vcluster-docker_a", "vcluster__b_c"])
    assert.isUndefined(parseConnectContext(other), other)
})

it("tags of images", () => {
  assert.deepStrictEqual(
    [
      "ghcr.io/loft-sh/vcluster-pro:0.35.3",
      "r:5000/x",
      "r:5000/x:v1.2.3-rc.1@sha256:ab",
      "x:latest",
      "x@sha256:ab",
    ].map(imageVersion),
    ["0.35.3", undefined, "1.2.3-rc.1", "latest", undefined],
  )
})
