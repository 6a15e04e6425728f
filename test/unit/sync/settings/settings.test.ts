import { assert, describe, it } from "@effect/vitest"
import { enableSnippet } from "../../../../src/sync/settings/settings.ts"
import type { Settings } from "../../../../src/sync/settings/settings.ts"
import { documentedConfigs } from "../../../support/documented.ts"
import {
  file,
  type Given,
  integration,
  newerShape,
  olderShape,
  problemsOf,
  sections,
  settingsOf,
} from "./config-texts.ts"

const everythingOff = {
  enabled: false,
  version: undefined,
  webhook: false,
  externalSecrets: { enabled: true, selector: {} },
  stores: { enabled: false, selector: {} },
  clusterStores: { enabled: false, selector: {} },
  namespaces: { enabled: false, mappingsOnly: false, byName: [] },
  serviceAccounts: false,
  importedSecrets: [],
}

const plain = ({ origins: _origins, warnings: _warnings, elsewhere: _elsewhere, ...rest }: Settings) => rest

describe("defaults", () => {
  const empty = [
    "",
    "\n# nothing\n",
    "---\n",
    "{}",
    "telemetry: {}\n---\n# end\n",
    "integrations: {}",
    "integrations:\n  externalSecrets: {}\n",
    "null",
  ]
  for (const text of empty)
    it(JSON.stringify(text), () => {
      assert.deepStrictEqual(plain(settingsOf(text)), everythingOff)
      assert.deepStrictEqual(settingsOf(text).warnings, [])
      assert.deepStrictEqual([...new Set(settingsOf(text).origins.values())], ["default"])
    })

  it("the snippet enables, and nothing more", () => {
    assert.deepStrictEqual(plain(settingsOf(enableSnippet)), { ...everythingOff, enabled: true })
    assert.strictEqual(settingsOf(enableSnippet).origins.get("integrations.externalSecrets.enabled"), `${file}:3:14`)
  })
})

describe("the documented shape", () => {
  const text = `
integrations:
  externalSecrets:
    enabled: true
    version: v1beta1
    webhook:
      enabled: true
    sync:
      toHost:
        externalSecrets:
          selector:
            matchLabels:
              sync: "true"
        stores:
          enabled: true
          selector:
            matchExpressions:
              - key: tier
                operator: NotIn
                values: [secret]
      fromHost:
        clusterStores:
          enabled: true
          selector:
            matchLabels:
              vcluster-accessible: "true"
sync:
  toHost:
    serviceAccounts:
      enabled: true
    namespaces:
      enabled: true
      mappingsOnly: true
      mappings:
        byName:
          frontend-prod: acme-prod
          team-a-*: h-team-a-*
  fromHost:
    secrets:
      enabled: true
      mappings:
        byName:
          shared/db: default/db
          shared/*: shared/*
          /own: default/own
`

  it("is read whole", () => {
    assert.deepStrictEqual(plain(settingsOf(text)), {
      enabled: true,
      version: "v1beta1",
      webhook: true,
      externalSecrets: { enabled: true, selector: { matchLabels: { sync: "true" } } },
      stores: {
        enabled: true,
        selector: { matchExpressions: [{ key: "tier", operator: "NotIn", values: ["secret"] }] },
      },
      clusterStores: { enabled: true, selector: { matchLabels: { "vcluster-accessible": "true" } } },
      namespaces: {
        enabled: true,
        mappingsOnly: true,
        byName: [
          { virtual: "frontend-prod", host: "acme-prod" },
          { virtual: "team-a-*", host: "h-team-a-*" },
        ],
      },
      serviceAccounts: true,
      importedSecrets: [
        { host: "shared/db", virtual: "default/db" },
        { host: "/own", virtual: "default/own" },
      ],
    })
  })

  it("counts no Secrets as imported where vCluster imports none", () => {
    assert.isEmpty(
      settingsOf(text.replace("secrets:\n      enabled: true", "secrets:\n      enabled: false")).importedSecrets,
    )
  })

  it("remembers where each setting stands", () => {
    const { origins } = settingsOf(text)
    const at = (path: string) => origins.get(path)
    assert.strictEqual(at("integrations.externalSecrets.version"), `${file}:5:14`)
    assert.strictEqual(at("integrations.externalSecrets.sync.fromHost.clusterStores.enabled"), `${file}:23:20`)
    assert.strictEqual(at("sync.toHost.serviceAccounts.enabled"), `${file}:30:16`)
  })

  it("reads JSON, CRLF, a byte order mark, anchors and merge keys", () => {
    assert.isTrue(settingsOf('{"integrations": {"externalSecrets": {"enabled": true}}}').enabled)
    assert.isTrue(settingsOf(`\uFEFF${enableSnippet.replaceAll("\n", "\r\n")}\r\n`).enabled)
    const shared = "x: &on {enabled: true}\nintegrations:\n  externalSecrets:\n    <<: *on\n    webhook: *on\n"
    assert.deepStrictEqual(plain(settingsOf(shared)), { ...everythingOff, enabled: true, webhook: true })
  })

  it("takes yes and no as Helm does, but not in quotes", () => {
    assert.isTrue(settingsOf("integrations: {externalSecrets: {enabled: yes}}").enabled)
    assert.isFalse(settingsOf("integrations: {externalSecrets: {enabled: off}}").enabled)
    assert.lengthOf(problemsOf('integrations: {externalSecrets: {enabled: "yes"}}'), 1)
  })

  it("an empty version is the host's", () => {
    assert.isUndefined(settingsOf(integration('version: ""')).version)
  })
})

const both = (older: string, newer: string) =>
  integration(`sync:
  stores: {enabled: ${older}}
  toHost: {stores: {enabled: ${newer}}}`)

describe("shapes before v0.29", () => {
  const old = integration(`sync:
  externalSecrets:
    enabled: false
  stores:
    enabled: true
  clusterStores:
    enabled: true
    selector:
      labels:
        shared: "true"`)

  it("mean the same as today's", () => {
    assert.deepStrictEqual(plain(settingsOf(old)), {
      ...everythingOff,
      enabled: true,
      externalSecrets: { enabled: false, selector: {} },
      stores: { enabled: true, selector: {} },
      clusterStores: { enabled: true, selector: { matchLabels: { shared: "true" } } },
    })
  })

  it("are warned of, each with its successor and its place", () => {
    const { warnings } = settingsOf(old)
    assert.lengthOf(warnings, 3)
    assert.match(warnings[0] ?? "", /^vcluster\.yaml:5:7: .*sync\.toHost\.externalSecrets\.selector/)
    assert.match(warnings[1] ?? "", /^vcluster\.yaml:7:7: .*sync\.toHost\.stores$/)
    assert.match(warnings[2] ?? "", /^vcluster\.yaml:9:7: .*sync\.fromHost\.clusterStores, .*matchLabels$/)
  })

  it("both shapes with one value are good", () => {
    assert.isTrue(settingsOf(both("true", "true")).stores.enabled)
    assert.isFalse(settingsOf(both("false", "false")).stores.enabled)
  })

  it("both shapes with different values are a problem", () => {
    for (const [older, newer] of [
      ["true", "false"],
      ["false", "true"],
    ] as const)
      assert.deepStrictEqual(problemsOf(both(older, newer)), [
        `${file}:5:25: integrations.externalSecrets.sync.stores.enabled differs from integrations.externalSecrets.sync.toHost.stores.enabled on line 6, which replaces it; remove the former`,
      ])
  })

  it("both shapes with different selectors are a problem", () => {
    const problems = problemsOf(
      integration(`sync:
  clusterStores: {selector: {labels: {a: b}}}
  fromHost: {clusterStores: {selector: {matchLabels: {a: c}}}}`),
    )
    assert.lengthOf(problems, 1)
    assert.match(problems[0] ?? "", /selector\.labels differs from .*clusterStores\.selector on line 6/)
  })
})

/** What the charts of each range of releases merge into a user's values, as far as we read it. */
describe("merged Helm values", () => {
  const given: Given = { stores: true, clusterStores: true, label: "yes-please" }
  const releases: ReadonlyArray<readonly [releases: string, nothing: string, all: string, warnings: number]> = [
    ["v0.21 to v0.26", olderShape({}), olderShape(given), 2],
    ["v0.27 and v0.28, told in the old shape", newerShape({}) + olderShape({}), newerShape({}) + olderShape(given), 2],
    ["v0.27 and v0.28, told in the new shape", newerShape({}) + olderShape({}), newerShape(given) + olderShape({}), 0],
    ["v0.27 and v0.28, told in both", newerShape({}) + olderShape({}), newerShape(given) + olderShape(given), 2],
    ["since v0.29", newerShape({}), newerShape(given), 0],
  ]
  for (const [what, nothing, all, warnings] of releases) {
    it(`${what}: the chart's own are the defaults, and worth no warning`, () => {
      assert.deepStrictEqual(plain(settingsOf(sections + nothing)), { ...everythingOff, enabled: true })
      assert.deepStrictEqual(settingsOf(sections + nothing).warnings, [])
    })
    it(`${what}: what the user gave counts`, () => {
      assert.deepStrictEqual(plain(settingsOf(sections + all)), {
        ...everythingOff,
        enabled: true,
        stores: { enabled: true, selector: {} },
        clusterStores: { enabled: true, selector: { matchLabels: { shared: "yes-please" } } },
      })
      assert.lengthOf(settingsOf(sections + all).warnings, warnings)
    })
  }
})

describe("every configuration of the documentation", () => {
  const on = { ...everythingOff, enabled: true }
  const expected: Readonly<Record<keyof typeof documentedConfigs, ReturnType<typeof plain>>> = {
    basic: on,
    advanced: {
      ...on,
      externalSecrets: { enabled: true, selector: { matchLabels: { sync: "true" } } },
      stores: { enabled: false, selector: { matchLabels: { shared: "true" } } },
      clusterStores: { enabled: false, selector: { matchLabels: { "vcluster-accessible": "true" } } },
    },
    selective: {
      ...on,
      externalSecrets: {
        enabled: true,
        selector: { matchLabels: { environment: "production", team: "platform" } },
      },
    },
    clusterStores: { ...on, clusterStores: { enabled: true, selector: {} } },
    conflictSolved: on,
    reference: everythingOff,
  }
  for (const [name, text] of Object.entries(documentedConfigs))
    it(name, () => {
      const emptied = (value: unknown): unknown =>
        JSON.parse(JSON.stringify(value).replaceAll('{"matchLabels":{}}', "{}"))
      const wanted = Object.entries(expected).find(([key]) => key === name)?.[1]
      assert.deepStrictEqual(emptied(plain(settingsOf(text))), emptied(wanted))
      assert.deepStrictEqual(settingsOf(text).warnings, [])
    })
})

describe("the version", () => {
  for (const version of ["v1", "v1beta1", "v1alpha1", "v2", "v10", "v1beta12"])
    it(`${version} is one`, () => assert.strictEqual(settingsOf(integration(`version: ${version}`)).version, version))
  for (const version of [
    "1",
    "V1",
    "v0",
    "v01",
    "v1gamma1",
    "v1beta",
    "v1beta0",
    "v1 ",
    "v1.0",
    "external-secrets.io/v1",
    "0.20.4",
    "latest",
  ])
    it(`${JSON.stringify(version)} is none`, () => {
      const problems = problemsOf(integration(`version: ${JSON.stringify(version)}`))
      assert.lengthOf(problems, 1)
      assert.match(problems[0] ?? "", /is not the version of a CRD; use one such as v1 or v1beta1$/)
    })
})
