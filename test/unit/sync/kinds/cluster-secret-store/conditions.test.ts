import { assert, describe, it } from "@effect/vitest"
import { conditionsAdmit } from "../../../../../src/sync/kinds/cluster-secret-store/conditions.ts"

const store = (conditions: unknown) => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ClusterSecretStore",
  metadata: { name: "s" },
  spec: { conditions },
})

const prod = { name: "prod", labels: { tier: "gold" } }

describe("conditionsAdmit", () => {
  const cases: ReadonlyArray<readonly [what: string, conditions: unknown, admits: boolean]> = [
    ["none", undefined, true],
    ["an empty list", [], true],
    ["a condition that says nothing", [{}], false],
    ["the name", [{ namespaces: ["x", "prod"] }], true],
    ["another name", [{ namespaces: ["x"] }], false],
    ["the labels", [{ namespaceSelector: { matchLabels: { tier: "gold" } } }], true],
    ["other labels", [{ namespaceSelector: { matchLabels: { tier: "iron" } } }], false],
    ["an empty selector", [{ namespaceSelector: {} }], true],
    ["a selector that is none", [{ namespaceSelector: { matchExpressions: [{ operator: "Is" }] } }], false],
    ["an expression, not anchored, as in Go", [{ namespaceRegexes: ["ro"] }], true],
    ["an anchored expression", [{ namespaceRegexes: ["^ro$"] }], false],
    ["an expression that does not compile", [{ namespaceRegexes: ["("] }], false],
    ["an expression that is a number", [{ namespaceRegexes: [5] }], false],
    ["any one of several", [{ namespaces: ["x"] }, { namespaceRegexes: ["^p"] }], true],
    ["any part of one", [{ namespaces: ["x"], namespaceSelector: { matchLabels: { tier: "gold" } } }], true],
    ["garbage", [null, 5, "prod"], false],
  ]
  for (const [what, conditions, admits] of cases)
    it(`${what}: ${admits ? "admits" : "does not"}`, () =>
      assert.strictEqual(conditionsAdmit(store(conditions), prod), admits))
})
