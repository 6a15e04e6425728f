import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { notReadyStatus, readyCondition, translateStatus } from "../../../../src/sync/tenancy/conditions.ts"

const withStatus = (status: unknown): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name: "n", namespace: "ns" },
  status,
})

const since = "2020-01-01T00:00:00Z"
const now = "2026-01-01T00:00:00Z"
const ready = (status: unknown) => ({ type: "Ready", status, reason: "R", message: "M", lastTransitionTime: since })

describe("readyCondition", () => {
  it("finds Ready among others", () => {
    const object = withStatus({ conditions: [{ type: "Deleted", status: "True" }, ready("True")] })
    assert.deepInclude(readyCondition(object), { status: "True", reason: "R", message: "M", lastTransitionTime: since })
  })

  for (const status of [
    undefined,
    null,
    5,
    "x",
    [],
    {},
    { conditions: 5 },
    { conditions: [null, 5, []] },
    { conditions: [ready(5)] },
  ])
    it(`${JSON.stringify(status)} holds none`, () => assert.isUndefined(readyCondition(withStatus(status))))

  it("nor does an object that is not there", () => assert.isUndefined(readyCondition(undefined)))
})

describe("notReadyStatus", () => {
  const condition = (lastTransitionTime: string) => ({
    conditions: [{ type: "Ready", status: "False", reason: "No", message: "why", lastTransitionTime }],
  })

  it("says since when: from now on, or as long as it was False", () => {
    assert.deepStrictEqual(notReadyStatus(withStatus(undefined), "No", "why", now), condition(now))
    assert.deepStrictEqual(
      notReadyStatus(withStatus({ conditions: [ready("True")] }), "No", "why", now),
      condition(now),
    )
    assert.deepStrictEqual(
      notReadyStatus(withStatus({ conditions: [ready("False")] }), "No", "why", now),
      condition(since),
    )
  })

  it("holds nothing of a status that somebody forged", () => {
    const forged = withStatus({ binding: { name: "x" }, conditions: [ready("True"), ready("True")], other: 1 })
    assert.deepStrictEqual(notReadyStatus(forged, "No", "why", now), condition(now))
  })
})

describe("host names in the tenant's words", () => {
  const translate = (text: string) => text.replaceAll("db-x-prod-x-vc", "db")

  it("in a status, the rest as it is", () => {
    const status = {
      refreshTime: now,
      binding: { name: "db-x-prod-x-vc.es" },
      conditions: [{ ...ready("False"), message: "no db-x-prod-x-vc" }, 5],
    }
    assert.deepStrictEqual(translateStatus(status, "db-secret", translate), {
      refreshTime: now,
      binding: { name: "db-secret" },
      conditions: [{ ...ready("False"), message: "no db" }, 5],
    })
    assert.deepStrictEqual(translateStatus({}, "db-secret", translate), {})
  })
})
