import { assert, describe, it } from "@effect/vitest"
import { admissionOf, conditionProblems } from "../../../../src/sync/external-secrets/store-conditions.ts"

const store = (conditions: unknown) => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ClusterSecretStore",
  metadata: { name: "s" },
  spec: { conditions },
})

const prod = { name: "prod", labels: { tier: "gold" } }

describe("admissionOf", () => {
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
    ["an expression of Go's: without regard to case", [{ namespaceRegexes: ["(?i)^PROD$"] }], true],
    ["an expression of Go's: the end of the text", [{ namespaceRegexes: ["^prod\\z"] }], true],
    ["an expression of Go's: a class of POSIX", [{ namespaceRegexes: ["^[[:lower:]]+$"] }], true],
    ["an expression of Go's: a named group", [{ namespaceRegexes: ["^(?P<stage>prod|test)$"] }], true],
    ["a general category", [{ namespaceRegexes: ["^\\p{Ll}+$", "^\\pN"] }], true],
    ["a quoted text that looks like a class", [{ namespaceRegexes: ["\\Q\\p{Uppercase}\\E", "prod"] }], true],
    ["only JavaScript: a look ahead", [{ namespaceRegexes: ["^(?=prod)"] }], false],
    ["only JavaScript: a reference back", [{ namespaceRegexes: ["^pr(o)(?:\\1|d)"] }], false],
    ["only Go: a group name given twice", [{ namespaceRegexes: ["(?P<a>p)(?P<a>r)"] }], false],
    ["only Go: a class without regard to case", [{ namespaceRegexes: ["\\P{greek}"] }], false],
    ["not Go: a binary property", [{ namespaceRegexes: ["\\p{Lowercase}"] }], false],
    ["not Go: one in a class of characters, turned round", [{ namespaceRegexes: ["[\\p{^Uppercase}]"] }], false],
    ["depends on the version of Go: a script", [{ namespaceRegexes: ["\\P{Garay}"] }], false],
    ["any one of several", [{ namespaces: ["x"] }, { namespaceRegexes: ["^p"] }], true],
    ["any part of one", [{ namespaces: ["x"], namespaceSelector: { matchLabels: { tier: "gold" } } }], true],
    ["garbage", [null, 5, "prod"], false],
  ]
  for (const [what, conditions, admits] of cases)
    it(`${what}: ${admits ? "admits" : "does not"}`, () =>
      assert.strictEqual(admissionOf(store(conditions), prod) === "admitted", admits))
})

describe("what keeps a namespace out", () => {
  it("is that nothing admits it", () =>
    assert.strictEqual(admissionOf(store([{ namespaces: ["x"] }, { namespaceRegexes: ["^x"] }]), prod), "not admitted"))
  it("is not said of an expression that cannot be judged", () =>
    assert.deepStrictEqual(
      admissionOf(store([{ namespaces: ["x"] }, { namespaceRegexes: ["^x", "^\\p{Greek}"] }]), prod),
      {
        unreadable:
          "spec.conditions[1].namespaceRegexes[1] cannot be judged: the class \\p{Greek} is no general category of Unicode such as \\p{L} or \\p{Nd}",
      },
    ))
  it("is nothing where another one admits it", () =>
    assert.strictEqual(admissionOf(store([{ namespaceRegexes: ["("] }, { namespaces: ["prod"] }]), prod), "admitted"))
})

/** `field-cases.md` 23: what ESO takes of a host namespace `team-x` and of a tenant's `team-a`. */
describe("expressions in Go's syntax", () => {
  for (const pattern of [
    "^team\\-.*$",
    "(?i)^team-",
    "^[[:alpha:]-]+$",
    "\\Ateam-[a-z]+\\z",
    "^(?P<t>team)-",
    "(?i)^TEAM-",
    "^team-.*$",
  ])
    it(pattern, () =>
      assert.strictEqual(
        admissionOf(store([{ namespaceRegexes: [pattern] }]), { name: "team-a", labels: {} }),
        "admitted",
      ),
    )
  it("takes no longer for one that would go back and forth", () => {
    const name = "a".repeat(5_000)
    assert.strictEqual(
      admissionOf(store([{ namespaceRegexes: ["^(a+)+$", "(a|a)*!"] }]), { name: `${name}!!`, labels: {} }),
      "admitted",
    )
    assert.strictEqual(
      admissionOf(store([{ namespaceRegexes: ["^(a+)+$"] }]), { name: `${name}b`, labels: {} }),
      "not admitted",
    )
  })
})

describe("conditionProblems", () => {
  it("names each expression that cannot be judged, and why", () => {
    const conditions = [
      { namespaces: ["prod"] },
      { namespaceRegexes: ["^prod", "\\p{Uppercase}", "(?P<a>p)(?P<a>r)", "(", 5] },
    ]
    assert.deepStrictEqual(conditionProblems(store(conditions)), [
      "spec.conditions[1].namespaceRegexes[1] cannot be judged: the class \\p{Uppercase} is no general category of Unicode such as \\p{L} or \\p{Nd}",
      "spec.conditions[1].namespaceRegexes[2] cannot be judged: duplicate capture group name: `a`",
      "spec.conditions[1].namespaceRegexes[3] cannot be judged: missing closing ): `(`",
      "spec.conditions[1].namespaceRegexes[4] cannot be judged: it is no text",
    ])
  })
  it("has nothing to say of a store without conditions, or with good ones", () => {
    assert.deepStrictEqual(conditionProblems(store(undefined)), [])
    assert.deepStrictEqual(conditionProblems(store([{ namespaceRegexes: ["^team-[a-z0-9-]+$"] }])), [])
  })
})
