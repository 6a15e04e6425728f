import { assert, describe, it } from "@effect/vitest"
import type { Change, ObjectReport } from "../../../../src/sync/engine/report.ts"
import {
  changeLine,
  isInStep,
  renderChange,
  renderDryRun,
  renderPass,
} from "../../../../src/plugin/output/sync-text.ts"

const style = { color: false, unicode: true }
const canvas = { style, columns: undefined, nowMs: 0 }

const synced = (kind: string, count: number): ReadonlyArray<ObjectReport> =>
  Array.from({ length: count }, (_, index) => ({
    kind,
    namespace: "n",
    name: `o${index}`,
    health: "synced",
    reason: "Synced",
    message: "",
  }))
const broken: ObjectReport = {
  kind: "ExternalSecret",
  namespace: "default",
  name: "api-keys",
  health: "broken",
  reason: "SecretSyncedError",
  message: "could not get secret",
  fix: { text: "", command: "kubectl get clustersecretstores" },
}
const change = (verb: Change["verb"], side: Change["side"] = "host"): Change => ({
  side,
  verb,
  kind: "ExternalSecret",
  namespace: "n",
  name: "o",
})

describe("one pass", () => {
  it("in step", () => {
    const pass = {
      objects: [...synced("ExternalSecret", 41), ...synced("ClusterSecretStore", 1)],
      changes: [change("created"), change("created"), change("updated"), change("status", "virtual")],
      elapsedMs: 2100,
    }
    assert.strictEqual(
      renderPass(pass, canvas),
      "✓ in step: 41 ExternalSecrets, 1 ClusterSecretStore (2 created, 1 updated, 0 deleted) in 2.1s\n",
    )
    assert.isTrue(isInStep(pass))
  })
  it("not in step: what is missing, each with its fix", () => {
    const pass = { objects: [...synced("ExternalSecret", 40), broken], changes: [], elapsedMs: 120_000 }
    assert.strictEqual(
      renderPass(pass, canvas),
      `✗ not in step: 40 of 41 ExternalSecrets (0 created, 0 updated, 0 deleted) in 2m00s; 1 broken
✗ default/api-keys   could not get secret
    fix   kubectl get clustersecretstores
`,
    )
    assert.isFalse(isInStep(pass))
  })
  it("nothing there", () => {
    assert.strictEqual(
      renderPass({ objects: [], changes: [], elapsedMs: 5 }, canvas),
      "✓ in step: nothing to sync (0 created, 0 updated, 0 deleted) in 5ms\n",
    )
  })
})

describe("changes", () => {
  const rotated: Change = {
    side: "virtual",
    verb: "updated",
    kind: "Secret",
    namespace: "production",
    name: "db",
    note: "rotated",
  }
  it("one line each", () => {
    const at = new Date(2026, 10, 24, 9, 14, 2).getTime()
    assert.strictEqual(renderChange(rotated, at, style), "09:14:02 rotated  virtual Secret production/db\n")
    assert.strictEqual(
      renderChange(change("status", "virtual"), at, style),
      "09:14:02 told     virtual status of ExternalSecret n/o\n",
    )
  })
  it("or one line of JSON each", () => {
    assert.deepStrictEqual(JSON.parse(changeLine(rotated, 0)), {
      time: "1970-01-01T00:00:00.000Z",
      kind: "Change",
      change: rotated,
    })
  })
})

describe("dry run", () => {
  const object = {
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: { name: "o", namespace: "team" },
  }
  it("diffs, then the list, then the sum", () => {
    const text = renderDryRun(
      [
        { change: change("created"), before: undefined, after: object },
        { change: change("deleted"), before: object, after: undefined },
        {
          change: change("status", "virtual"),
          before: { ...object, status: {} },
          after: { ...object, status: { a: 1 } },
        },
      ],
      style,
    )
    assert.strictEqual(
      text,
      `--- /dev/null
+++ host/ExternalSecret/n/o (would be)
@@ -0,0 +1,5 @@
+apiVersion: external-secrets.io/v1
+kind: ExternalSecret
+metadata:
+  name: o
+  namespace: team
--- host/ExternalSecret/n/o (now)
+++ /dev/null
@@ -1,5 +0,0 @@
-apiVersion: external-secrets.io/v1
-kind: ExternalSecret
-metadata:
-  name: o
-  namespace: team
--- virtual/ExternalSecret/n/o (now)
+++ virtual/ExternalSecret/n/o (would be)
@@ -3,4 +3,5 @@
 metadata:
   name: o
   namespace: team
-status: {}
+status:
+  a: 1

+ host ExternalSecret n/o
- host ExternalSecret n/o
~ virtual status of ExternalSecret n/o

would change: 1 created, 1 updated, 1 deleted; nothing was written
`,
    )
  })
  it("no difference", () => assert.strictEqual(renderDryRun([], style), "✓ in step: nothing would change\n"))
})
