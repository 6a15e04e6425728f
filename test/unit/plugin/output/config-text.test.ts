import { assert, describe, it } from "@effect/vitest"
import { syncedBy } from "../../../../src/sync/kinds/kinds.ts"
import { checkValues, type Settings } from "../../../../src/sync/settings/settings.ts"
import {
  configData,
  type ConfigReport,
  type FileReport,
  renderConfig,
  renderValidation,
  validationData,
} from "../../../../src/plugin/output/config-text.ts"
import { isUnsafe, textWidth } from "../../../../src/plugin/output/escape.ts"
import type { Style } from "../../../../src/plugin/output/style.ts"

const plain: Style = { color: false, unicode: true }
const canvas = (columns?: number, style = plain) => ({ style, columns, nowMs: 0 })

const file = "vcluster.yaml"
const values = `integrations:
  externalSecrets:
    enabled: true
    version: v1
    sync:
      clusterStores: {enabled: true, selector: {labels: {shared: "true"}}}
sync:
  toHost:
    namespaces: {enabled: true, mappings: {byName: {"team-*": "h-*", a: b}}}
`

const check = (text: string, name = file): FileReport => ({ file: name, ...checkValues(text, name, syncedBy) })

const settingsOf = (text: string, name = file): Settings => {
  const { settings, problems } = check(text, name)
  assert.deepStrictEqual(problems, [])
  assert.isDefined(settings)
  return settings
}

const reportOf = (text: string, source = file): ConfigReport => ({
  vcluster: { name: "my-vcluster", namespace: "team-x" },
  source,
  settings: settingsOf(text, source),
  policy: "default",
})

describe("config show", () => {
  it("a head, then every setting with its value and where it comes from", () => {
    assert.strictEqual(
      renderConfig(reportOf(values), canvas()),
      `vCluster my-vcluster  team-x
Settings vcluster.yaml · integration on · policy default

SETTING                                                             VALUE                 FROM
integrations.externalSecrets.enabled                                true                  vcluster.yaml:3:14
integrations.externalSecrets.version                                v1                    vcluster.yaml:4:14
integrations.externalSecrets.webhook.enabled                        false                 default
integrations.externalSecrets.sync.toHost.externalSecrets.selector   (all)                 default
integrations.externalSecrets.sync.toHost.stores.enabled             false                 default
integrations.externalSecrets.sync.toHost.stores.selector            (all)                 default
integrations.externalSecrets.sync.fromHost.clusterStores.enabled    true                  vcluster.yaml:6:32
integrations.externalSecrets.sync.fromHost.clusterStores.selector   shared=true           vcluster.yaml:6:57
sync.toHost.namespaces.enabled                                      true                  vcluster.yaml:9:27
sync.toHost.namespaces.mappingsOnly                                 false                 default
sync.toHost.namespaces.mappings.byName                              team-* → h-*, a → b   vcluster.yaml:9:52
sync.toHost.serviceAccounts.enabled                                 false                 default
`,
    )
  })

  it("nothing given: all defaults, and it is said that the integration is off", () => {
    const text = renderConfig(reportOf(""), canvas())
    assert.include(text, "! integration off")
    assert.lengthOf(text.match(/ default\n/g) ?? [], 13)
    assert.match(text, /version +\(the host's\) +default/)
    assert.match(text, /byName +\(none\) +default/)
  })

  it("a switch of before v0.29 is shown where it is off", () => {
    const off = "integrations: {externalSecrets: {enabled: true, sync: {externalSecrets: {enabled: false}}}}"
    assert.match(
      renderConfig(reportOf(off), canvas()),
      /^integrations\.externalSecrets\.sync\.externalSecrets\.enabled +false +vcluster\.yaml:1:83$/m,
    )
  })

  it("fits a terminal, and what a file is called cannot fool it", () => {
    const text = renderConfig(reportOf(values, "a\u001b[31m\u202eb.yaml"), canvas(80))
    for (const line of text.split("\n").slice(3)) assert.isAtMost(textWidth(line), 80)
    assert.isFalse(isUnsafe(text.replaceAll("\n", "")))
    assert.match(renderConfig(reportOf(values), canvas(80, { ...plain, unicode: false })), /^[\n -~]+$/)
    assert.include(text, String.raw`a\x1b[31m\u{202e}b.yaml`)
  })

  it("as data: values as they are in vcluster.yaml", () => {
    const data = configData(reportOf(values))
    assert.deepInclude(data, {
      apiVersion: "vcluster-es.io/v1alpha1",
      kind: "Config",
      vcluster: { name: "my-vcluster", namespace: "team-x" },
      source: file,
      policy: "default",
    })
    const valueAt = (path: string) => data.settings.find((setting) => setting.path === path)
    assert.deepStrictEqual(valueAt("integrations.externalSecrets.sync.fromHost.clusterStores.selector"), {
      path: "integrations.externalSecrets.sync.fromHost.clusterStores.selector",
      value: { matchLabels: { shared: "true" } },
      from: `${file}:6:57`,
    })
    assert.deepStrictEqual(valueAt("sync.toHost.namespaces.mappings.byName")?.value, { "team-*": "h-*", a: "b" })
    assert.isNull(configData(reportOf("")).settings[1]?.value)
    assert.lengthOf(data.warnings, 1)
    const { vcluster: _vcluster, ...alone } = reportOf("")
    assert.notProperty(configData(alone), "vcluster")
  })
})

const broken = "integrations:\n  externalSecrets:\n    enabeld: true\n    sync:\n      stores: {enabled: 1}\n"

describe("config validate", () => {
  it("a line for each finding in order of place, and a verdict for each file", () => {
    const reports = [check(values), check(broken, "b.yaml"), check("", "c.yaml")]
    assert.strictEqual(
      renderValidation(reports, plain),
      `vcluster.yaml:6:7: warning: integrations.externalSecrets.sync.clusterStores is what vCluster took before v0.29; since v0.27 it is integrations.externalSecrets.sync.fromHost.clusterStores, where selector.labels is selector.matchLabels
✓ vcluster.yaml: valid, integration on, 1 warning
b.yaml:3:5: error: unknown key "enabeld" (did you mean "enabled"?)
b.yaml:5:7: warning: integrations.externalSecrets.sync.stores is what vCluster took before v0.29; since v0.27 it is integrations.externalSecrets.sync.toHost.stores
b.yaml:5:25: error: integrations.externalSecrets.sync.stores.enabled: expected true or false, found 1
✗ b.yaml: 2 problems, 1 warning
✓ c.yaml: valid, integration off
`,
    )
  })

  it("a file that cannot be read, and one that is no YAML", () => {
    const unread: FileReport = { file: "x", problems: [{ file: "x", message: "cannot be read: why" }], warnings: [] }
    assert.strictEqual(renderValidation([unread], plain), "x: error: cannot be read: why\n✗ x: 1 problem\n")
    assert.match(
      renderValidation([check("a: [")], plain),
      /^vcluster\.yaml:\d+:\d+: error: not valid YAML: .*\n✗ vcluster\.yaml: 1 problem\n$/,
    )
  })

  it("names of files and keys cannot fool a terminal", () => {
    const text = renderValidation([check('"\u001b[2J": {externalSecrets: {}}', "\u202ea.yaml")], plain)
    assert.isFalse(isUnsafe(text.replaceAll("\n", "")))
  })

  it("as data", () => {
    const data = validationData([check(values), check(broken, "b.yaml")])
    assert.deepInclude(data, { kind: "ConfigValidation", valid: false })
    assert.deepInclude(data.files[0], { file, valid: true, enabled: true, problems: [] })
    assert.deepStrictEqual(data.files[1]?.problems, [
      { line: 3, column: 5, message: 'unknown key "enabeld" (did you mean "enabled"?)' },
      {
        line: 5,
        column: 25,
        message: "integrations.externalSecrets.sync.stores.enabled: expected true or false, found 1",
      },
    ])
    assert.lengthOf(data.files[1]?.warnings ?? [], 1)
    assert.notProperty(data.files[1], "enabled")
    assert.isTrue(validationData([check("")]).valid)
  })
})
