import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Vcluster } from "../../../../src/sync/discovery/find-vcluster.ts"
import { syncedBy } from "../../../../src/sync/kinds/kinds.ts"
import { checkValues, formatProblem } from "../../../../src/sync/settings/settings.ts"
import { parseSettings } from "../../../../src/sync/discovery/settings-source.ts"
import { SetupError } from "../../../../src/sync/discovery/setup-error.ts"
import { valuesRows } from "../../../support/chart-values.ts"
import { file, problemsOf, settingsOf } from "./config-texts.ts"

describe("what the charts refuse is told (test/integration/charts.test.ts asks the charts)", () => {
  for (const { name, files = [], says } of valuesRows)
    if (says !== undefined)
      it(name, () => {
        const { problems, warnings } = checkValues(files[0] ?? "", file, syncedBy)
        const lines = [...problems, ...warnings].map(formatProblem)
        assert.isTrue(
          lines.some((line) => says.test(line)),
          lines.join("\n"),
        )
        for (const line of lines) assert.notMatch(line, /\n/)
      })
})

describe("settings that stand elsewhere in the file", () => {
  const nested = "vcluster:\n  integrations:\n    externalSecrets: {enabled: true}\n"

  it("one warning, not one for each key", () => {
    assert.lengthOf(settingsOf(`ingress: {enabled: true}\n${nested}`).warnings, 1)
  })

  it("values of other charts within a vCluster's own are none", () => {
    const inner = "helm: [{chart: {name: vcluster}, values: 'integrations: {}'}]"
    assert.deepStrictEqual(settingsOf(`experimental: {deploy: {vcluster: {${inner}}}}`).warnings, [])
  })

  it("mistyped integrations are a problem, and no warning beside", () => {
    const { problems, warnings } = checkValues("intergrations: {externalSecrets: {enabled: true}}", file, syncedBy)
    assert.deepStrictEqual([problems.length, warnings.length], [1, 0])
    assert.lengthOf(settingsOf("intergrations: {}").warnings, 1)
  })

  it.effect("are not asked for again", () =>
    Effect.gen(function* () {
      const vcluster: Vcluster = { name: "my-vcluster", namespace: "team-x", state: "Running" }
      const failed = (text: string) => Effect.flip(parseSettings({ text, source: file }, vcluster, syncedBy))
      const found = yield* failed(nested)
      assert.instanceOf(found, SetupError)
      assert.match(found.fix ?? "", /^vcluster\.yaml:1:1: .*stand below vcluster, line 1; .*yq '\.vcluster' FILE/)
      const off = yield* failed("integrations: {externalSecrets: {enabled: false}}")
      assert.instanceOf(off, SetupError)
      assert.match(off.fix ?? "", /^add to vcluster\.yaml:/)
    }),
  )

  it("what Helm has merged is not judged by its shape: the chart has rendered it", () => {
    const sections =
      "sync: {services: {}}\nintegrations: {externalSecrets: {version: null}}\nnetworking: {}\npolicies: {}\ncontrolPlane: {}\nrbac: {}\nexportKubeConfig: {}\nwhatever: {}\n"
    assert.deepStrictEqual(settingsOf(sections).warnings, [])
    // What we do not sync by is vCluster's business: it may have been started without the chart's schema.
    const taken = sections.replace("exportKubeConfig: {}", "exportKubeConfig: {secret: {name: 010}}")
    assert.deepStrictEqual(settingsOf(taken).warnings, [])
    const ours = sections.replace("version: null", "version: 010")
    assert.lengthOf(checkValues(ours, file, syncedBy).problems, 1)
  })

  it("of another file, nothing is said but where to look", () => {
    const { problems, warnings } = checkValues(`plugins: []\n${nested}`, file, syncedBy)
    assert.deepStrictEqual([problems.length, warnings.length], [0, 1])
  })

  it("keys that the chart takes beside those that are read", () => {
    const beside =
      "sync: {toHost: {namespaces: {patches: []}, serviceAccounts: {patches: []}}, fromHost: {configMaps: {}}}"
    assert.deepStrictEqual(settingsOf(beside).warnings, [])
    const mistyped = "exportKubeConfig: {secret: {nam: a}}\nsync: {fromHost: {secrets: {mapping: {}}}}"
    assert.deepStrictEqual(settingsOf(mistyped).warnings, [
      `${file}:1:29: exportKubeConfig.secret: unknown key "nam" (did you mean "name"?): vCluster's chart refuses it`,
      `${file}:2:29: sync.fromHost.secrets: unknown key "mapping" (did you mean "mappings"?): vCluster's chart refuses it`,
    ])
  })
})

describe("exportKubeConfig.serviceAccount", () => {
  const on = "integrations: {externalSecrets: {enabled: true}}\n"
  const warnings = (account: string) => settingsOf(`${on}exportKubeConfig: {serviceAccount: ${account}}`).warnings

  it("without clusterRole is warned of", () => {
    assert.deepStrictEqual(warnings("{name: admin}"), [
      `${file}:2:37: exportKubeConfig.serviceAccount.clusterRole is not set: unless ServiceAccount kube-system/admin exists in the virtual cluster, vCluster writes no kubeconfig Secret; set clusterRole, and it makes the ServiceAccount`,
    ])
    assert.match(warnings('{name: admin, namespace: ops, clusterRole: ""}')[0] ?? "", /ServiceAccount ops\/admin/)
  })

  it("what is wrong is told, and not that it is missing", () => {
    const { problems, warnings: told } = checkValues(
      `${on}exportKubeConfig: {serviceAccount: {name: admin, clusterRole: 010}}`,
      file,
      syncedBy,
    )
    assert.deepStrictEqual([problems.length, told.length], [1, 0])
  })

  it("with clusterRole, or without a name, is fine", () => {
    for (const account of ["{name: admin, clusterRole: cluster-admin}", "{}", '{name: ""}', "{namespace: a}"])
      assert.deepStrictEqual(warnings(account), [])
  })
})

describe("labels as Helm writes them", () => {
  const labels = (value: string) =>
    `integrations: {externalSecrets: {enabled: true, sync: {toHost: {stores: {selector: {matchLabels: {commit: ${value}}}}}}}}`
  for (const value of ["12e3456", "1e3456", "9e999", "0x123456789abcdef01"])
    it(`${value} is text`, () =>
      assert.deepStrictEqual(settingsOf(labels(value)).stores.selector, { matchLabels: { commit: value } }))
  for (const value of ["1_000", "0b11", "1__0", "2026_11_27", "017"])
    it(`${value} is a number`, () => {
      assert.lengthOf(problemsOf(labels(value)), 1)
      assert.match(problemsOf(labels(value))[0] ?? "", /commit: expected a string, found \d+; put it in quotes$/)
    })
  it("keys of mappings are called as vCluster calls them", () => {
    const { byName } = settingsOf("sync: {toHost: {namespaces: {mappings: {byName: {010: a, 1e6: b}}}}}").namespaces
    assert.deepStrictEqual(byName, [
      { virtual: "8", host: "a" },
      { virtual: "1e+06", host: "b" },
    ])
  })
})
