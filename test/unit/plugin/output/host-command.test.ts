import { assert, describe, it } from "@effect/vitest"
import { namingHost } from "../../../../src/plugin/output/host-command.ts"
import type { ObjectReport } from "../../../../src/sync/engine/report.ts"
import type { Fix } from "../../../../src/sync/tenancy/object-health.ts"

const reportWith = (fix: Fix): ObjectReport => ({
  kind: "ExternalSecret",
  name: "app",
  health: "broken",
  reason: "R",
  message: "m",
  fix,
})

const commandOf = (context: string | undefined, fix: Omit<Fix, "text">) =>
  namingHost(context)(reportWith({ text: "", ...fix })).fix?.command

describe("a command for the host", () => {
  const edit = { command: "kubectl edit clustersecretstore s", cluster: "host" } as const
  it("names the host's context", () =>
    assert.strictEqual(commandOf("prod", edit), "kubectl --context prod edit clustersecretstore s"))
  it("quotes it where it must be", () =>
    assert.strictEqual(commandOf("a $&'b", edit), "kubectl --context 'a $&'\\''b' edit clustersecretstore s"))
  it("is left as it is where there are no contexts", () => assert.strictEqual(commandOf(undefined, edit), edit.command))
  it("is none for the virtual cluster", () => {
    assert.strictEqual(commandOf("prod", { ...edit, cluster: "virtual" }), edit.command)
    assert.strictEqual(commandOf("prod", { command: edit.command }), edit.command)
  })
})
