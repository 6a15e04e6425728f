import { assert, describe, it } from "@effect/vitest"
import { isOfOtherOperator, searchedFor } from "../../../../src/sync/diagnose/other-operator.ts"
import type { ObjectReport } from "../../../../src/sync/engine/report.ts"
import { World } from "../../../model/world.ts"

const now = Date.parse("2026-11-27T12:00:00Z")
const reportOf = (name: string, reason: string): ObjectReport => ({
  kind: "ExternalSecret",
  namespace: "default",
  name,
  health: "refused",
  reason,
  message: "as decided",
})

const world = new World()
world.put("virtual", "ExternalSecret", {
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: {
    name: "theirs",
    namespace: "default",
    finalizers: ["externalsecrets.external-secrets.io/externalsecret-cleanup"],
  },
  spec: { refreshInterval: "1h" },
  status: { refreshTime: "2026-11-27T11:59:00Z", conditions: [{ type: "Ready", status: "True" }] },
})

describe("reports of what an operator inside the virtual cluster has", () => {
  it("say what the search for it found; all others stay", () => {
    const reports = [
      reportOf("theirs", "ManagedByOtherOperator"),
      reportOf("gone", "OtherOperatorSilent"),
      reportOf("theirs", "StoreNotImported"),
    ]
    assert.deepStrictEqual(reports.map(isOfOtherOperator), [true, true, false])
    const down = { traces: [{ name: "Deployment eso/external-secrets", isAlive: false }], hidden: [] }
    const [theirs, ...others] = searchedFor({ caches: world.caches(), reports }, down, now)
    assert.strictEqual(theirs?.reason, "OtherOperatorSilent")
    assert.include(theirs?.message, "Deployment eso/external-secrets is not alive")
    assert.deepStrictEqual(others, reports.slice(1))
  })
})
