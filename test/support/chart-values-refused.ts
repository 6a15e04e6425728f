import { all, indented, latest, none, on, type ValuesRow } from "./values-row.ts"

const nested = (path: string, value: string): string =>
  path.split(".").reduceRight((inner, step) => `{${step}: ${inner}}`, value)

/** Values of another type than the schema of every chart has them. */
const wrongTypes: ReadonlyArray<ValuesRow> = (
  [
    ["exportKubeConfig.secret.name", "010", /secret\.name: expected a string, found 8; put it in quotes/],
    ["exportKubeConfig.secret.namespace", "2026_11_27", /expected a string, found 20261127; put it in quotes/],
    ["exportKubeConfig.context", "yes", /context: expected a string, found true; put it in quotes/],
    ["exportKubeConfig.insecure", '"true"', /insecure: expected true or false, found "true"/],
    ["exportKubeConfig.serviceAccount.name", "[]", /serviceAccount\.name: expected a string, found a list/],
    ["exportKubeConfig.additionalSecrets", "[{name: 010}]", /additionalSecrets\[0\]\.name: expected a string, found 8/],
    ["exportKubeConfig.additionalSecrets", "{name: a}", /additionalSecrets: expected a list, found a map/],
    ["sync.toHost.namespaces.extraLabels", "{team: 010}", /extraLabels\.team: expected a string, found 8/],
    [
      "sync.toHost.customResources",
      '{a.b: {enabled: "true"}}',
      /\["a\.b"\]\.enabled: expected true or false, found "true"/,
    ],
    ["sync.fromHost.secrets.mappings.byName", "{a/b: 010}", /byName\["a\/b"\]: expected a string, found 8/],
    ["privateNodes.enabled", '"false"', /privateNodes\.enabled: expected true or false, found "false"/],
    ["plugins", "{a: {image: 5}}", /plugins\.a\.image: expected a string, found 5/],
  ] as const
).map(([path, value, says]) => ({
  name: `${path}: ${value}`,
  files: [nested(path, value)],
  taken: none,
  asked: all,
  says,
}))

/** What every chart refuses, or Helm cannot read. Where it is the templates that differ, all of them are asked. */
export const refusedRows: ReadonlyArray<ValuesRow> = [
  {
    name: "%YAML 1.2",
    files: [`%YAML 1.2\n---\n${on()}`],
    says: /:1:1: %YAML 1\.2: .*refuse every version but 1\.1; remove the line/,
  },
  {
    name: "JSON with the escape \\/",
    files: ['{"integrations": {"externalSecrets": {"version": "v1\\/x"}}}'],
    says: /the escape \\\/ is refused by kubectl and Helm; write \//,
  },
  {
    name: "an anchor with a dot",
    files: [`telemetry: &w.1 {enabled: true}\n${on("webhook: *w.1")}`],
    says: /:1:12: .*refuse an anchor whose name has other characters/,
  },
  { name: "a tab in an empty line", files: [on("webhook:\n\t\n  enabled: true")], says: /a tab here is refused/ },
  {
    name: "an address with a query in brackets",
    files: [`${on()}exportKubeConfig: {server: https://x/?a=b}\n`],
    says: /refuse a \? in a word within brackets; put it in quotes/,
  },
  {
    name: ".inf",
    files: [`${on()}controlPlane: {statefulSet: {highAvailability: {replicas: .inf}}}\n`],
    says: /\.inf is no number of JSON/,
  },
  { name: "a control character", files: [`${on()}# \u001B[31m\n`], says: /the control character U\+001B is refused/ },
  {
    name: "a boolean in quotes",
    files: ['integrations: {externalSecrets: {enabled: "true"}}\n'],
    says: /enabled: expected true or false, found "true"/,
  },
  { name: "a number for the version", files: [on("version: 1")], says: /version: expected a string, found 1/ },
  ...wrongTypes,
  ...[
    "integrations",
    "integrations.externalSecrets",
    "sync",
    "sync.toHost",
    "sync.toHost.namespaces",
    "sync.toHost.namespaces.mappings",
    "sync.toHost.serviceAccounts",
    "sync.toHost.customResources",
    "sync.fromHost",
    "sync.fromHost.secrets",
    "exportKubeConfig",
    "controlPlane",
    "rbac",
    "privateNodes",
    "experimental",
    "integrations.externalSecrets.version",
  ].map((path) => ({
    name: `${path} is null`,
    files: [nested(path, "null")],
    says: new RegExp(`${path.replaceAll(".", "\\.")} is null: .*leave the key out`),
  })),
  ...["webhook", "sync", "sync.toHost", "sync.toHost.stores", "sync.fromHost", "sync.fromHost.clusterStores"].map(
    (path) => ({
      name: `${path} is null while the integration is on`,
      files: [on(nested(path, "null").slice(1, -1))],
      says: new RegExp(`${path.replaceAll(".", "\\.")} is null: .*leave the key out`),
    }),
  ),
  {
    name: "an umbrella chart's values",
    files: [`vcluster:\n${indented(on(), 2)}`],
    says: /:2:3: |:1:1: .*not the values file of a vCluster: a vCluster's settings stand below vcluster, line 1; .*yq '\.vcluster' FILE/,
  },
  {
    name: "a HelmRelease",
    files: [
      `apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec:\n  values:\n${indented(on(), 4)}`,
    ],
    says: /:5:3: this is an object of kind HelmRelease: .*below spec\.values, line 5; .*yq '\.spec\.values' FILE/,
  },
  {
    name: "an Argo CD Application",
    files: [
      `apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      valuesObject:\n${indented(on(), 8)}`,
    ],
    says: /:6:7: this is an object of kind Application: .*below spec\.source\.helm\.valuesObject, line 6/,
  },
  {
    name: "an Argo CD Application with a text",
    files: [
      `apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  sources:\n    - helm:\n        values: |\n${indented(on(), 10)}`,
    ],
    says: /:6:9: .*below spec\.sources\[0\]\.helm\.values, line 6; .*a text of their own/,
  },
  {
    name: "the shape from before 0.20",
    files: ["sync:\n  services: {enabled: true}\nsyncer: {extraArgs: []}\n"],
    says: /:2:3: sync\.services is a setting from before v0\.20, .*vcluster convert config/,
  },
  {
    name: "syncer",
    files: [`${on()}syncer: {extraArgs: []}\n`],
    says: /:4:1: syncer is a setting from before v0\.20, .*vcluster convert config/,
  },
  {
    name: "a mistyped top key",
    files: [`${on()}controlPlan: {}\n`],
    says: /:4:1: unknown key "controlPlan" \(did you mean "controlPlane"\?\)/,
  },
  {
    name: "an unknown top key",
    files: [`${on()}whatever: {}\n`],
    says: /:4:1: unknown key "whatever": vCluster's chart refuses it/,
  },
  {
    name: "a mistyped key below sync",
    files: ["sync: {tohost: {}}\n"],
    says: /sync: unknown key "tohost" \(did you mean "toHost"\?\)/,
  },
  {
    name: "a mistyped key of the mappings",
    files: ["sync: {toHost: {namespaces: {mapping: {byName: {a: b}}}}}\n"],
    says: /unknown key "mapping" \(did you mean "mappings"\?\)/,
  },
  {
    name: "a mistyped setting",
    files: [on("sync: {fromHost: {clusterStore: {enabled: true}}}")],
    says: /unknown key "clusterStore" \(did you mean "clusterStores"\?\)/,
  },
].map((row) => ({ taken: none, asked: / is null/.test(row.name) ? all : latest, ...row }))
