import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { diffObjects, unifiedHunks } from "../../../../src/plugin/output/diff.ts"

const object = (kind: string, fields: Readonly<Record<string, unknown>>): KubeObject => ({
  apiVersion: "v1",
  kind,
  metadata: { name: "db", namespace: "team-x" },
  ...fields,
})

describe("unified hunks", () => {
  it("none for equal texts", () => assert.deepStrictEqual(unifiedHunks(["a", "b"], ["a", "b"]), []))
  it("numbers lines as diff -u does, and splits far changes", () => {
    const before = Array.from({ length: 20 }, (_, index) => `l${index + 1}`)
    const after = before.with(1, "changed").toSpliced(18, 0, "new")
    assert.deepStrictEqual(unifiedHunks(before, after), [
      "@@ -1,5 +1,5 @@",
      " l1",
      "-l2",
      "+changed",
      " l3",
      " l4",
      " l5",
      "@@ -16,5 +16,6 @@",
      " l16",
      " l17",
      " l18",
      "+new",
      " l19",
      " l20",
    ])
  })
  it("joins near changes", () => {
    const before = ["a", "b", "c", "d", "e", "f", "g", "h"]
    const hunks = unifiedHunks(before, before.with(0, "A").with(7, "H"))
    assert.deepStrictEqual(
      hunks.filter((line) => line.startsWith("@@")),
      ["@@ -1,8 +1,8 @@"],
    )
  })
  it("keeps apart what has no common context", () => {
    const before = ["a", "b", "c", "d", "e", "f", "g", "h", "i"]
    const hunks = unifiedHunks(before, before.with(0, "A").with(8, "I"))
    assert.deepStrictEqual(
      hunks.filter((line) => line.startsWith("@@")),
      ["@@ -1,4 +1,4 @@", "@@ -6,4 +6,4 @@"],
    )
  })
  it("creation and deletion", () => {
    assert.deepStrictEqual(unifiedHunks([], ["a", "b"]), ["@@ -0,0 +1,2 @@", "+a", "+b"])
    assert.deepStrictEqual(unifiedHunks(["a"], []), ["@@ -1 +0,0 @@", "-a"])
  })
})

describe("objects", () => {
  it("shows what changes, and not the server's bookkeeping", () => {
    const before = object("ExternalSecret", { spec: { refreshInterval: "1h", target: { name: "db" } } })
    const noisy = { ...before, metadata: { ...before.metadata, managedFields: [{ manager: "x" }] } }
    const after = object("ExternalSecret", { spec: { refreshInterval: "15m", target: { name: "db" } } })
    assert.deepStrictEqual(diffObjects("host/ExternalSecret/team-x/db", noisy, after), [
      "--- host/ExternalSecret/team-x/db (now)",
      "+++ host/ExternalSecret/team-x/db (would be)",
      "@@ -4,6 +4,6 @@",
      "   name: db",
      "   namespace: team-x",
      " spec:",
      "-  refreshInterval: 1h",
      "+  refreshInterval: 15m",
      "   target:",
      "     name: db",
    ])
  })
  it("never shows a Secret's value, only that it changes", () => {
    const before = object("Secret", {
      data: { same: "c2FtZQ==", changed: "b2xk", gone: "Z29uZQ==", ["__proto__"]: "x" },
    })
    const lastApplied = { "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"x":"b2xk"}}' }
    const secret = { ...before, metadata: { ...before.metadata, annotations: lastApplied } }
    const after = object("Secret", { data: { same: "c2FtZQ==", changed: "bmV3", added: "YWRkZWQ=" } })
    const text = diffObjects("virtual/Secret/team-x/db", secret, after).join("\n")
    assert.notMatch(text, /c2FtZQ|b2xk|bmV3|Z29uZQ|YWRkZWQ/)
    assert.deepStrictEqual(text.split("\n").slice(4), [
      " data:",
      '   same: "***"',
      '-  changed: "*** (before)"',
      '-  gone: "***"',
      '-  __proto__: "***"',
      '+  changed: "*** (after)"',
      '+  added: "***"',
    ])
  })
  it("a Secret that comes or goes shows its keys alone", () => {
    const secret = object("Secret", { stringData: { password: "hunter2" } })
    assert.include(diffObjects("virtual/Secret/a/b", undefined, secret).join("\n"), '+stringData:\n+  password: "***"')
    assert.notInclude(diffObjects("virtual/Secret/a/b", secret, undefined).join("\n"), "hunter2")
  })
  it("nothing for equal objects", () => {
    const same = object("Secret", { data: { a: "Yg==" } })
    assert.deepStrictEqual(diffObjects("x", same, same), [])
  })
  it("shows a tenant's control characters as escapes", () => {
    const text = diffObjects("x", undefined, object("ExternalSecret", { spec: { x: "\u001b[2J\u202e" } })).join("\n")
    assert.notMatch(text, /[^\n\u0020-\u007e]/)
  })
  it("of a CRD's schemas says no more than that they differ", () => {
    const crd = (text: string) =>
      object("CustomResourceDefinition", { spec: { group: "g", versions: [{ name: "v1", schema: { x: text } }] } })
    assert.deepStrictEqual(diffObjects("x", crd("short"), crd("longer")).slice(-2), [
      '-    schema: "(not shown: 13 characters)"',
      '+    schema: "(not shown: 14 characters)"',
    ])
  })
})
