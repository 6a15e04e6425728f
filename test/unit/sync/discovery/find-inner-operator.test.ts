import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { findInnerOperator } from "../../../../src/sync/discovery/find-inner-operator.ts"
import { fakeClient } from "./find-vcluster-fake-client.ts"

const now = Date.parse("2026-11-27T12:00:00Z")
const metadata = (name: string) => ({ name, namespace: "eso" })
const deployment = (readyReplicas: number): KubeObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: metadata("external-secrets"),
  status: { readyReplicas },
})
const lease = (renewTime: string, holderIdentity = "pod"): KubeObject => ({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: metadata("external-secrets-controller"),
  spec: { holderIdentity, renewTime, leaseDurationSeconds: 15 },
})
const search = (objects: ReadonlyArray<KubeObject>, hidden?: ReadonlyArray<string>) =>
  findInnerOperator(fakeClient(objects, hidden), now)

describe("an operator inside the virtual cluster", () => {
  it.effect("leaves no trace where there is none", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* search([]), { traces: [], hidden: [] })
    }),
  )

  it.effect("is alive while its Deployment has a ready pod, or its Lease is renewed", () =>
    Effect.gen(function* () {
      const { traces } = yield* search([deployment(1), lease("2026-11-27T11:59:50.000000Z")])
      assert.deepStrictEqual(traces, [
        { name: "Deployment eso/external-secrets", isAlive: true },
        { name: "Lease eso/external-secrets-controller", isAlive: true },
      ])
    }),
  )

  it.effect("is not alive without pods, with a Lease that ran out or was given back", () =>
    Effect.gen(function* () {
      const late = yield* search([deployment(0), lease("2026-11-27T11:59:40.000000Z")])
      const givenBack = yield* search([lease("2026-11-27T11:59:59.000000Z", "")])
      for (const { isAlive } of [...late.traces, ...givenBack.traces]) assert.isFalse(isAlive)
    }),
  )

  it.effect("what may not be looked at is named", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* search([], ["deployments", "leases"])).hidden, ["Deployment", "Lease"])
    }),
  )
})
