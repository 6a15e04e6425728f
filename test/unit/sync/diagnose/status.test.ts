import { assert, describe, it } from "@effect/vitest"
import { ApiError, Forbidden } from "../../../../src/effects/client/api-error.ts"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { statusOf, type StatusInput, storeNotice, syncerStatus } from "../../../../src/sync/diagnose/status.ts"
import { isGood } from "../../../../src/sync/diagnose/status-report.ts"

const nowMs = Date.parse("2026-11-24T10:00:00Z")
const lease = (holderIdentity: string, renewTime: string): KubeObject => ({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { name: "vcluster-es-my-vcluster", namespace: "team-x" },
  spec: { holderIdentity, renewTime, leaseDurationSeconds: 15, acquireTime: "2026-11-24T09:00:00.000000Z" },
})

const off = { enabled: false, selector: {} }
const input: StatusInput = {
  vcluster: { name: "my-vcluster", namespace: "team-x", state: "Running" },
  host: { server: "https://h" },
  eso: { crds: ["v1"], healthy: true },
  settings: {
    externalSecrets: { enabled: true, selector: {} },
    stores: off,
    clusterStores: { enabled: true, selector: { matchLabels: { a: "b" } } },
    namespaces: { enabled: false, mappingsOnly: false, byName: [] },
    serviceAccounts: false,
    importedSecrets: [],
    webhook: false,
    version: undefined,
  },
  source: "vcluster.yaml",
  lease: lease("pod_1a2b3c4d", "2026-11-24T09:59:55.000000Z"),
  observation: undefined,
  problems: [],
  notVisible: [],
  unselectedStores: undefined,
  nowMs,
}

describe("the syncer", () => {
  it("runs while its Lease is fresh", () => {
    assert.deepStrictEqual(syncerStatus(input.lease, nowMs), {
      running: true,
      holder: "pod_1a2b3c4d",
      since: "2026-11-24T09:00:00.000000Z",
    })
  })
  const notRunning: ReadonlyArray<readonly [string, StatusInput["lease"]]> = [
    ["no Lease", undefined],
    ["a Lease that was given back", lease("", "2026-11-24T09:59:59.000000Z")],
    ["a Lease that nobody renews", lease("pod", "2026-11-24T09:59:40.000000Z")],
  ]
  for (const [name, value] of notRunning)
    it(name, () => assert.deepStrictEqual(syncerStatus(value, nowMs), { running: false }))
  it("a Lease that we may not see says nothing", () => assert.deepStrictEqual(syncerStatus("hidden", nowMs), {}))
})

describe("the picture", () => {
  it("what could not be looked at is not in step", () => {
    const report = statusOf(input)
    assert.deepStrictEqual(report.counts, [])
    assert.isFalse(isGood(report))
    assert.deepStrictEqual(report.settings.clusterStores, { enabled: true, selector: "a=b" })
  })
  it("names once what rights keep from us", () => {
    const denied = new ApiError({
      cluster: "virtual",
      server: "https://v",
      verb: "list",
      resource: "secrets",
      detail: "no",
      reason: new Forbidden({}),
    })
    assert.deepStrictEqual(statusOf({ ...input, notVisible: [denied, denied] }).notVisible, [
      "list secrets of the virtual cluster",
    ])
  })
  it("says so when the settings open no store", () => {
    assert.isUndefined(storeNotice(input.settings))
    assert.include(storeNotice({ ...input.settings, clusterStores: off }), "no store can be used")
  })
})
