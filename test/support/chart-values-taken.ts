/** Values as users write them, most of which the charts take: in files of all kinds, and on Helm's command line. */
import { documentedConfigs } from "./documented.ts"
import {
  all,
  today,
  none,
  latest,
  oldOnly,
  on,
  clusterStores,
  label,
  mappings,
  base,
  labels,
  type ValuesRow,
} from "./values-row.ts"

const quoted: ReadonlyArray<ValuesRow> = [
  ..."12e3456 1e3456 9e999 9063e506 1e400 0x123456789abcdef01 0o7777777777777777777777777 1234567 017 1e6 0b11 1_000 2026_11_27 true null"
    .split(" ")
    .map((text) => ({ name: `a label ${text} in quotes`, files: [label(`"${text}"`)] })),
  { name: "a label of 63 digits in quotes", files: [label(`"${"7".repeat(63)}"`)] },
  { name: "an empty label", files: [label('""')] },
]

/** The chart's schema wants a string. */
const unquoted: ReadonlyArray<ValuesRow> = [
  ..."1234567 017 1e6 0b11 1_000 1__0 2026_11_27 0x1F yes true".split(" ").map((text) => ({
    name: `a label ${text} without quotes`,
    files: [label(text)],
    taken: none,
    asked: today,
    says: /selector\.matchLabels\.commit: expected a string, found .*; put it in quotes/,
  })),
  { name: "a label 12e3456 without quotes is text", files: [label("12e3456")] },
  { name: "a date without quotes is text", files: [label("2026-11-27")] },
  { name: "a version without quotes is text", files: [label("1.2.3")] },
]

const documented: ReadonlyArray<ValuesRow> = Object.entries(documentedConfigs).map(([name, text]) => ({
  name: `the documentation's ${name}`,
  files: [text],
  taken: name === "basic" || name === "conflictSolved" ? all : ["0.30", "0.36"],
}))

const shapes: ReadonlyArray<ValuesRow> = [
  { name: "nothing", files: [""], taken: all },
  { name: "comments only", files: ["# later\n"], taken: all },
  {
    name: "empty maps",
    files: ["integrations: {externalSecrets: {}}\nsync: {toHost: {namespaces: {}}}\n"],
    taken: all,
  },
  {
    name: "matchExpressions",
    files: [
      clusterStores(
        "matchExpressions:\n  - {key: tier, operator: NotIn, values: [secret, '7', \"1e9\"]}\n  - {key: shared, operator: Exists}",
      ),
    ],
  },
  {
    name: "an anchor and merge keys, overridden below",
    files: [
      `sync:\n  toHost:\n    serviceAccounts: &on {enabled: true}\n${on("webhook: *on\nsync:\n  toHost:\n    stores:\n      <<: *on\n      selector: {matchLabels: {a: b}}")}`,
    ],
  },
  {
    name: "a merge key below what it replaces",
    files: [
      `sync:\n  toHost:\n    serviceAccounts: &off {enabled: false}\n${on("sync:\n  toHost:\n    stores:\n      enabled: true\n      <<: *off")}`,
    ],
  },
  {
    name: "yes and off",
    files: ["integrations: {externalSecrets: {enabled: yes, webhook: {enabled: off}}}\n"],
    taken: all,
  },
  { name: "JSON", files: ['{"integrations": {"externalSecrets": {"enabled": true}}}'], taken: all },
  { name: "CRLF and a byte order mark", files: [`\uFEFF${on().replaceAll("\n", "\r\n")}`], taken: all },
  { name: "%YAML 1.1", files: [`%YAML 1.1\n---\n${on()}`], taken: all },
  {
    name: "quoted keys, and folded text elsewhere",
    files: [`"integrations": {'externalSecrets': {"enabled": true}}\nlogging:\n  encoding: >-\n    json\n`],
    taken: all,
  },
  {
    name: "unicode and long text elsewhere",
    files: [
      `${on()}controlPlane:\n  advanced:\n    globalMetadata:\n      annotations:\n        note: "größe 😀 – ${"lang ".repeat(60)}"\n        lines: |\n          a: b\n            - c\n          "\n        breaks: "a\\Lb\\u2028 c\\td"\n        colon: 'a: b # c'\n        star: "*x"\n        at: "@x"\n`,
    ],
    taken: all,
  },
  {
    name: "numbers and nulls elsewhere",
    files: [
      `${on("version: v1")}controlPlane:\n  statefulSet:\n    scheduling:\n      podManagementPolicy: Parallel\n    probes:\n      livenessProbe: {enabled: true, failureThreshold: 10_000_000}\nexperimental:\n  deploy:\n    vcluster:\n      manifests: null\n`,
    ],
  },
  { name: "enabled: null is the default", files: ["integrations: {externalSecrets: {enabled: null}}\n"], taken: all },
  {
    name: "selectors that are null",
    files: [
      on(
        "sync: {toHost: {stores: {enabled: true, selector: null}}, fromHost: {clusterStores: {selector: {matchLabels: null}}}}",
      ),
    ],
  },
  {
    name: "exportKubeConfig with all it has",
    files: [
      `${on()}exportKubeConfig:\n  context: my-context\n  server: https://vc.example.com\n  serviceAccount: {name: admin, namespace: default, clusterRole: cluster-admin}\n`,
    ],
    taken: all,
  },
  {
    name: "exportKubeConfig with a Secret whose name is a quoted number",
    files: [`${on()}exportKubeConfig: {secret: {name: "010"}}\n`],
    taken: all,
  },
  {
    name: "exportKubeConfig with additional Secrets",
    files: [`${on()}exportKubeConfig:\n  additionalSecrets:\n    - {name: "12e3456", namespace: argocd}\n`],
    taken: all,
  },
  {
    name: "custom resources beside",
    files: [
      `${on()}sync: {toHost: {customResources: {certificates.cert-manager.io: {enabled: true}}, serviceAccounts: {enabled: true}}}\n`,
    ],
    taken: all,
  },
]

const namespaces: ReadonlyArray<ValuesRow> = [
  {
    name: "namespace mappings",
    files: [mappings('frontend: acme-frontend\nteam-a-*: h-team-a-*\nteam-b: "${name}-team-b"')],
    taken: all,
  },
  {
    name: "a mapping whose names are quoted numbers",
    files: [mappings('"010": host-10\n"1e6": "7e12345"\n"12e3456": "12345"')],
    taken: all,
  },
  {
    name: "keys that are other numbers, while mappings are off",
    files: [
      "sync: {toHost: {namespaces: {mappings: {byName: {3.50: float, 1e6: million, -0.0000001: small, 123456789.5: big}}}}}\n",
    ],
    taken: all,
  },
  {
    name: "keys that are whole numbers",
    files: [mappings("010: host-8\n0x10: host-16\n1_000: host-1000\n0b11: host-3\nyes: host-yes\n12e3456: host-hash")],
    taken: all,
  },
  {
    name: "a mapping to a number",
    files: [mappings("a: 12345")],
    taken: none,
    asked: today,
    says: /byName\.a: expected a string, found 12345; put it in quotes/,
  },
]

/** What Helm's command line makes of it. */
const flags: ReadonlyArray<ValuesRow> = [
  { name: "--set", flags: [`--set=${base}.enabled=true`, `--set=${labels}.commit=12e3456`] },
  {
    name: "--set of a number for a label",
    flags: [`--set=${base}.enabled=true`, `--set=${labels}.commit=1234567`],
    taken: none,
    asked: today,
  },
  {
    name: "--set-string",
    flags: [`--set=${base}.enabled=true`, `--set-string=${labels}.commit=1234567`, `--set-string=${labels}.on=true`],
  },
  { name: "--set-string for a boolean", flags: [`--set-string=${base}.enabled=true`], taken: none },
  {
    name: "--set-json",
    flags: [
      `--set-json=${base}={"enabled":true,"sync":{"toHost":{"stores":{"enabled":true,"selector":{"matchLabels":{"a":"1e3456"}}}}}}`,
    ],
  },
  { name: "--set-json with the escape \\/", flags: [`--set-json=${labels}={"a.io\\/b":"c"}`] },
  {
    name: "--set with dots in a key",
    flags: [`--set=${base}.enabled=true`, `--set=${labels}.example\\.com/shared=yes`],
    taken: ["0.30", "0.36"],
  },
  {
    name: "two files and a flag: the last counts",
    files: [label('"a"'), label('"1e3456"')],
    flags: [`--set=${base}.webhook.enabled=true`],
  },
  {
    name: "a file that takes a setting back",
    files: [label('"a"'), "integrations: {externalSecrets: {enabled: false}}\n"],
  },
]

const older: ReadonlyArray<ValuesRow> = [
  {
    name: "the shape of 0.21 to 0.26",
    files: [
      on(
        'sync:\n  externalSecrets: {enabled: false}\n  stores: {enabled: true}\n  clusterStores: {enabled: true, selector: {labels: {shared: "12e3456"}}}',
      ),
    ],
    taken: oldOnly,
    asked: all,
  },
  {
    name: "the old shape with an empty selector",
    files: [on("sync: {clusterStores: {enabled: true, selector: {labels: {}}}}")],
    taken: oldOnly,
    asked: all,
  },
]

/** The egress rule that `docs/webhook.md` advises. */
const egress = "[{ports: [{port: 10250}]}]"
const networkPolicies: ReadonlyArray<ValuesRow> = [
  {
    name: "an egress rule of the control plane, since 0.34",
    files: [`${on()}policies: {networkPolicy: {enabled: true, controlPlane: {egress: ${egress}}}}\n`],
    taken: latest,
    asked: all,
  },
  {
    name: "an egress rule of the control plane, up to 0.30",
    files: [`${on()}policies: {networkPolicy: {enabled: true, extraControlPlaneRules: ${egress}}}\n`],
    taken: ["0.26", "0.30"],
    asked: all,
  },
]

export const takenRows: ReadonlyArray<ValuesRow> = [
  ...quoted,
  ...unquoted,
  ...documented,
  ...shapes,
  ...namespaces,
  ...flags,
  ...older,
  ...networkPolicies,
]
