import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { syncedBy } from "../../../../src/sync/kinds/kinds.ts"
import { checkValues, enableSnippet, parseValues } from "../../../../src/sync/settings/settings.ts"
import { kubeconfigObstacle } from "../../../../src/sync/settings/settings-conflicts.ts"
import { documentedConfigs, documentedConflict } from "../../../support/documented.ts"
import { file, integration, problemsOf, settingsOf } from "./config-texts.ts"

describe("problems", () => {
  const table: ReadonlyArray<readonly [what: string, text: string, ...problems: ReadonlyArray<string>]> = [
    [
      "an unknown key with a near one",
      integration("sync:\n  toHost:\n    stores:\n      selector:\n        matchLabel: {}"),
      `${file}:8:13: unknown key "matchLabel" (did you mean "matchLabels"?)`,
    ],
    [
      "an unknown key without a near one",
      integration("sync: {toHost: {externalSecrets: {whatever: true}}}"),
      `${file}:4:39: unknown key "whatever" (known here: selector)`,
    ],
    [
      "a misspelled integration",
      "integrations:\n  externalSecret: {}",
      `${file}:2:3: unknown key "externalSecret" (did you mean "externalSecrets"?)`,
    ],
    [
      "misspelled integrations",
      "integration:\n  externalSecrets: {enabled: true}",
      `${file}:1:1: unknown key "integration" (did you mean "integrations"?)`,
    ],
    [
      "a string for a boolean",
      'integrations:\n  externalSecrets:\n    enabled: "true"',
      `${file}:3:14: integrations.externalSecrets.enabled: expected true or false, found "true"`,
    ],
    [
      "a number for a string",
      integration("version: 1"),
      `${file}:4:14: integrations.externalSecrets.version: expected a string, found 1`,
    ],
    [
      "a boolean for a map",
      integration("webhook: true"),
      `${file}:4:14: integrations.externalSecrets.webhook: expected a map, found true`,
    ],
    ["a list for a map, once", "sync: []", `${file}:1:7: sync: expected a map, found a list`],
    [
      "a version that no CRD has",
      integration('version: "0.9.1"'),
      `${file}:4:14: integrations.externalSecrets.version: "0.9.1" is not the version of a CRD; use one such as v1 or v1beta1`,
    ],
    [
      "a label value that YAML takes for a boolean",
      integration("sync: {toHost: {stores: {selector: {matchLabels: {shared: true}}}}}"),
      `${file}:4:63: integrations.externalSecrets.sync.toHost.stores.selector.matchLabels.shared: expected a string, found true; put it in quotes`,
    ],
    [
      "a selector without an operator",
      integration("sync: {toHost: {stores: {selector: {matchExpressions: [{key: a}]}}}}"),
      `${file}:4:60: integrations.externalSecrets.sync.toHost.stores.selector.matchExpressions[0].operator: expected one of In, NotIn, Exists, DoesNotExist, found nothing`,
    ],
    ["a duplicate key", "a: 1\nb: 2\na: 3", `${file}:3:1: duplicate key "a", first on line 1`],
    ["a list at the root", "- a", `${file}:1:1: expected a map of settings, found a list`],
    ["a word at the root", "hello", `${file}:1:1: expected a map of settings, found "hello"`],
    ["two documents", "a: 1\n---\nb: 2", `${file}:3:1: a second document begins here; there must be only one`],
    ["an unknown alias", "a: *b", `${file}:1:4: unknown alias *b`],
  ]
  for (const [what, text, ...problems] of table) it(what, () => assert.deepStrictEqual(problemsOf(text), problems))

  it("YAML that does not parse: place, one line", () => {
    const problems = problemsOf("integrations:\n  externalSecrets: {enabled: true\nsync: [")
    assert.lengthOf(problems, 1)
    assert.match(problems[0] ?? "", /^vcluster\.yaml:\d+:\d+: not valid YAML: \S/)
    assert.match(problemsOf("a:\n\tb: 1")[0] ?? "", /^vcluster\.yaml:2:1: not valid YAML: Tabs/)
  })

  it("all at once, in order of position", () => {
    const problems = problemsOf(
      integration(
        'version: 2\nwebhok: {}\nsync: {toHost: {stores: {enabled: "no", selector: {matchLabels: {"-": "a b"}}}}}',
      ),
    )
    assert.deepStrictEqual(
      problems.map((problem) => problem.split(":").slice(1, 3).join(":")),
      ["4:14", "5:5", "6:39", "6:70", "6:75"],
    )
  })
})

const customResource = (resource: string, where: string) => {
  const [last = "", ...outer] = where.split(".").toReversed()
  const body = `{${last}: {${resource}: {enabled: true}}}`
  return outer.reduce((inner, step) => `{${step}: ${inner}}`, body).slice(1, -1)
}
const conflict = (resource: string, where: string) =>
  `external-secrets integration is enabled but external-secrets custom resource is also set in ${where} (${resource}). This is not supported, please remove the entry from ${where}`

const mappings = (enabled: boolean) =>
  `sync: {toHost: {namespaces: {enabled: ${enabled}, mappings: {byName: {a: "b-*"}}}}}`

describe("conflicts", () => {
  const places = ["sync.toHost.customResources", "sync.fromHost.customResources", "experimental.proxy.customResources"]
  const allOn = integration("sync: {toHost: {stores: {enabled: true}}, fromHost: {clusterStores: {enabled: true}}}")

  for (const where of places)
    for (const plural of ["externalsecrets", "secretstores", "clustersecretstores"])
      for (const suffix of ["", "/v1"]) {
        const resource = `${plural}.external-secrets.io${suffix}`
        it(`${where} ${resource}`, () => {
          const problems = problemsOf(`${customResource(resource, where)}\n${allOn}`)
          assert.lengthOf(problems, 1)
          assert.isTrue(problems[0]?.endsWith(`: ${conflict(resource, where)}`), problems[0])
          const alone = plural === "externalsecrets" ? 1 : 0
          assert.lengthOf(problemsOf(`${customResource(resource, where)}\n${enableSnippet}`), alone)
          assert.lengthOf(problemsOf(customResource(resource, where)), 0)
        })
      }

  it("are told beside what is wrong elsewhere", () => {
    const where = "sync.toHost.customResources"
    const entry = customResource("externalsecrets.external-secrets.io", where)
    const problems = problemsOf(`${entry}\n${integration("version: 1")}`)
    assert.lengthOf(problems, 2)
    assert.include(problems[0], conflict("externalsecrets.external-secrets.io", where))
    assert.match(problems[1] ?? "", /version: expected a string, found 1$/)
  })

  it("are about what the kinds sync, whichever these are", () => {
    const where = "sync.toHost.customResources"
    const told = (plural: string) =>
      checkValues(
        `${customResource(`${plural}.external-secrets.io`, where)}\n${enableSnippet}`,
        file,
        () => new Set(["pushsecrets"]),
      ).problems.map(({ message }) => message)
    assert.deepStrictEqual(told("pushsecrets"), [conflict("pushsecrets.external-secrets.io", where)])
    assert.deepStrictEqual(told("externalsecrets"), [])
  })

  it("entries that are off, and other resources, are none", () => {
    const off = "sync: {toHost: {customResources: {externalsecrets.external-secrets.io: {enabled: false}}}}"
    assert.deepStrictEqual(problemsOf(`${off}\n${allOn}`), [])
    assert.deepStrictEqual(
      problemsOf(`${customResource("pushsecrets.external-secrets.io", places[0] ?? "")}\n${allOn}`),
      [],
    )
  })

  it("ExternalSecrets that the oldest shape turns off may be synced by something else", () => {
    const [where = ""] = places
    const entry = customResource("externalsecrets.external-secrets.io", where)
    assert.deepStrictEqual(problemsOf(`${entry}\n${integration("sync: {externalSecrets: {enabled: false}}")}`), [])
  })

  it("the documented one", () => {
    const problems = problemsOf(`${documentedConflict}\n${documentedConfigs.conflictSolved}`)
    const where = "sync.toHost.customResources"
    assert.deepStrictEqual(problems, [`${file}:5:7: ${conflict("externalsecrets.external-secrets.io", where)}`])
    assert.deepStrictEqual(problemsOf(documentedConflict), [])
    assert.deepStrictEqual(problemsOf(documentedConfigs.conflictSolved), [])
  })

  for (const [way, kind] of [
    ["export", "ExternalSecret"],
    ["export", "SecretStore"],
    ["import", "ClusterSecretStore"],
  ] as const)
    it(`experimental.genericSync.${way} ${kind}, as up to v0.27`, () => {
      const generic = (apiVersion: string) =>
        `experimental: {genericSync: {${way}: [{apiVersion: v1, kind: Pod}, {apiVersion: ${apiVersion}, kind: ${kind}}]}}`
      const problems = problemsOf(`${generic("external-secrets.io/v1beta1")}\n${allOn}`)
      assert.deepStrictEqual(problems, [`${file}:1:68: ${conflict(kind, `experimental.genericSync.${way}`)}`])
      assert.deepStrictEqual(problemsOf(`${generic("other.io/v1")}\n${allOn}`), [])
      assert.deepStrictEqual(problemsOf(generic("external-secrets.io/v1beta1")), [])
    })

  for (const [plugins, warned] of [
    ["plugin: {eso: {image: ghcr.io/loft-sh/eso-plugin}}", true],
    ["plugins: {eso: {image: 'ghcr.io/loft-sh/eso-plugin:0.1'}}", true],
    ["plugins: {eso: {image: 'ghcr.io/other/not-eso-plugin:0.1'}}", false],
    ["plugins: {eso: {}}", false],
  ] as const)
    it(`${plugins}: ${warned ? "warned of" : "nothing"}`, () => {
      const { warnings } = settingsOf(`${plugins}\n${enableSnippet}`)
      assert.lengthOf(warnings, warned ? 1 : 0)
      if (warned)
        assert.match(warnings[0] ?? "", /^vcluster\.yaml:1:\d+: plugins?\.eso is .* a second syncer; remove it$/)
    })

  it("private nodes and standalone", () => {
    const message = "external-secrets integration is not supported in private nodes mode"
    assert.deepStrictEqual(problemsOf(`privateNodes: {enabled: true}\n${enableSnippet}`), [`${file}:1:16: ${message}`])
    assert.deepStrictEqual(problemsOf(`controlPlane: {standalone: {enabled: true}}\n${enableSnippet}`), [
      `${file}:1:29: ${message}`,
    ])
    assert.deepStrictEqual(problemsOf("privateNodes: {enabled: true}"), [])
  })

  it("namespace mappings are checked where they are on", () => {
    assert.lengthOf(problemsOf(mappings(true)), 1)
    assert.match(problemsOf(mappings(true))[0] ?? "", /mismatched wildcard '\*' usage/)
    assert.deepStrictEqual(problemsOf(mappings(false)), [])
    assert.match(problemsOf("sync: {toHost: {namespaces: {enabled: true}}}")[0] ?? "", /byName are empty$/)
  })

  const handed: ReadonlyArray<readonly [key: string, warned: boolean]> = [
    ["", true],
    ["/*", true],
    ["/vc-my-vc", true],
    ["/my-vc-certs", true],
    ["/a-x-b-x-my-vc.es", true],
    ["team-x/*", true],
    ["team-x/shared", false],
    ["/shared", false],
    ["shared/*", false],
    ["shared/vc-other", false],
  ]
  for (const [key, warned] of handed)
    it(`sync.fromHost.secrets ${JSON.stringify(key)}`, () => {
      const values = `sync: {fromHost: {secrets: {enabled: true, mappings: {byName: {${JSON.stringify(key)}: "x/*"}}}}}`
      assert.lengthOf(settingsOf(`${values}\n${enableSnippet}`, "team-x").warnings, warned ? 1 : 0)
    })
})

describe("hostile texts", () => {
  it("tell nothing about a kubeconfig", () => {
    for (const text of ["", "hello", "[a]", "a: *b", "exportKubeConfig: []", "exportKubeConfig: {serviceAccount: 5}"])
      assert.isUndefined(kubeconfigObstacle(text), text)
  })

  it("alias bombs are refused at once", () => {
    const lines = Array.from({ length: 40 }, (_, index) => `a${index + 1}: &a${index + 1} [${`*a${index},`.repeat(9)}]`)
    const problems = problemsOf(["a0: &a0 [x]", ...lines].join("\n"))
    assert.match(problems[0] ?? "", /^vcluster\.yaml:\d+:\d+: aliases multiply to more than 100000 values$/)
  })

  it("an alias within what it names is unknown", () => {
    assert.deepStrictEqual(problemsOf("a: &a {b: *a}"), [`${file}:1:11: unknown alias *a`])
  })

  it("deep nesting is a problem, not a crash", () => {
    for (const depth of [150, 3_000]) assert.lengthOf(problemsOf(`a: ${"[".repeat(depth)}`), 1)
    for (const depth of [150, 3_000]) {
      const problems = problemsOf(`a: ${"[".repeat(depth)}${"]".repeat(depth)}`)
      assert.lengthOf(problems, 1)
      assert.match(problems[0] ?? "", /nested (more than 100 levels deep|too deeply to be read)$/)
    }
    const chain = Array.from({ length: 150 }, (_, index) => `a${index + 1}: &a${index + 1} [*a${index}]`)
    assert.match(problemsOf(["a0: &a0 x", ...chain].join("\n"))[0] ?? "", /nested more than 100 levels deep$/)
  })

  it("keys of prototypes are keys", () => {
    const labels = "sync: {toHost: {stores: {selector: {matchLabels: {constructor: a, toString: b}}}}}"
    assert.deepStrictEqual(settingsOf(integration(labels)).stores.selector.matchLabels, {
      constructor: "a",
      toString: "b",
    })
    assert.lengthOf(problemsOf(integration("__proto__: {enabled: true}")), 1)
    const mapped = settingsOf("sync: {toHost: {namespaces: {mappings: {byName: {__proto__: a}}}}}")
    assert.deepStrictEqual(mapped.namespaces.byName, [{ virtual: "__proto__", host: "a" }])
    assert.lengthOf(problemsOf(integration('"evil\\nkey": 1')), 1)
  })

  const fragment = fc.constantFrom(
    ..."integrations: externalSecrets: enabled: sync: toHost: stores: selector: matchLabels: true null [ ] { } - \n \n  \n    & * a x ' \" | > ! # , ? % @ 1 <<:"
      .split(" ")
      .map((word) => `${word} `),
    "\n",
    "\n  ",
    "\n    ",
  )
  it("any text gives settings or problems of one line each", () => {
    const texts = fc.oneof(
      fc.string(),
      fc.array(fragment).map((parts) => parts.join("")),
    )
    fc.assert(
      fc.property(texts, (text) => {
        const parsed = parseValues(text, file, syncedBy)
        if (Result.isSuccess(parsed)) return
        assert.isNotEmpty(parsed.failure.problems)
        for (const { message } of parsed.failure.problems) assert.notMatch(message, /[\n\r]/)
      }),
      { numRuns: 500 },
    )
  })
})
