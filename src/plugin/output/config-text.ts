/** `config show` and `config validate`, for people and for programs. Settings are the operator's, file names may be anybody's. */
import type { CheckedValues, ConfigProblem, Settings } from "../../sync/settings/settings.ts"
import { type LabelSelector, toQuery } from "../../effects/client/label-selector.ts"
import { escapeText } from "./escape.ts"
import type { Canvas } from "./problems.ts"
import { dataVersion } from "./status-data.ts"
import { paint, type Style, symbol, toLocale } from "./style.ts"
import { renderTable } from "./table.ts"

export interface ConfigReport {
  /** Absent where a file was read and nobody was asked. */
  readonly vcluster?: { readonly name: string; readonly namespace: string }
  /** The file, or the Secret. */
  readonly source: string
  readonly settings: Settings
  /** Name of the policy in force. */
  readonly policy: string
}

/** One setting: its path in vcluster.yaml as of today, as data, in words, and where it comes from. */
interface Row {
  readonly path: string
  readonly value: unknown
  readonly text: string
  readonly from: string
}

const prefix = "integrations.externalSecrets"
/** vCluster up to v0.28 could switch ExternalSecrets off; since then there is nothing to show. */
const oldSwitch = `${prefix}.sync.externalSecrets.enabled`

const rowsOf = ({ origins, ...settings }: Settings): ReadonlyArray<Row> => {
  const row = (path: string, value: unknown, text: string): Row => ({
    path,
    value,
    text,
    from: origins.get(path) ?? "default",
  })
  const flag = (path: string, value: boolean) => row(path, value, String(value))
  const selector = (path: string, value: LabelSelector) => row(path, value, toQuery(value) || "(all)")
  const { namespaces, externalSecrets, stores, clusterStores, version } = settings
  const byName = namespaces.byName.map(({ virtual, host }) => [virtual, host] as const)
  return [
    flag(`${prefix}.enabled`, settings.enabled),
    row(`${prefix}.version`, version ?? null, version ?? "(the host's)"),
    flag(`${prefix}.webhook.enabled`, settings.webhook),
    ...(externalSecrets.enabled ? [] : [flag(oldSwitch, externalSecrets.enabled)]),
    selector(`${prefix}.sync.toHost.externalSecrets.selector`, externalSecrets.selector),
    flag(`${prefix}.sync.toHost.stores.enabled`, stores.enabled),
    selector(`${prefix}.sync.toHost.stores.selector`, stores.selector),
    flag(`${prefix}.sync.fromHost.clusterStores.enabled`, clusterStores.enabled),
    selector(`${prefix}.sync.fromHost.clusterStores.selector`, clusterStores.selector),
    flag("sync.toHost.namespaces.enabled", namespaces.enabled),
    flag("sync.toHost.namespaces.mappingsOnly", namespaces.mappingsOnly),
    row(
      "sync.toHost.namespaces.mappings.byName",
      Object.fromEntries(byName),
      byName.map(([virtual, host]) => `${virtual} → ${host}`).join(", ") || "(none)",
    ),
    flag("sync.toHost.serviceAccounts.enabled", settings.serviceAccounts),
  ]
}

export const configData = ({ vcluster, source, settings, policy }: ConfigReport) => ({
  apiVersion: dataVersion,
  kind: "Config",
  ...(vcluster === undefined ? {} : { vcluster }),
  source,
  policy,
  settings: rowsOf(settings).map(({ path, value, from }) => ({ path, value, from })),
  warnings: settings.warnings,
})

/** A head, and a table of all settings. */
export const renderConfig = (report: ConfigReport, { style, columns }: Canvas): string => {
  const { vcluster, source, settings, policy } = report
  const label = (text: string) => paint(style, "bold", text.padEnd(9))
  const state = settings.enabled ? "integration on" : `${symbol(style, "warning")} integration off`
  const lines = [
    ...(vcluster === undefined
      ? []
      : [`${label("vCluster")}${escapeText(vcluster.name)}  ${escapeText(vcluster.namespace)}`]),
    `${label("Settings")}${escapeText(source)} · ${state} · policy ${escapeText(policy)}`,
    "",
    ...renderTable(
      [
        { header: "SETTING", cut: "middle" },
        { header: "VALUE", cut: "end" },
        { header: "FROM", cut: "middle" },
      ],
      rowsOf(settings).map(({ path, text, from }) => [path, escapeText(text), escapeText(from)]),
      columns,
    ),
  ]
  return lines.map((line) => `${toLocale(style, line)}\n`).join("")
}

/** One file that was looked at. */
export interface FileReport extends CheckedValues {
  readonly file: string
}

export const isValid = (report: FileReport): boolean => report.problems.length === 0

const findingData = ({ line, column, message }: ConfigProblem) => ({
  ...(line === undefined ? {} : { line, column: column ?? 1 }),
  message,
})

export const validationData = (reports: ReadonlyArray<FileReport>) => ({
  apiVersion: dataVersion,
  kind: "ConfigValidation",
  valid: reports.every(isValid),
  files: reports.map((report) => ({
    file: report.file,
    valid: isValid(report),
    ...(report.settings === undefined ? {} : { enabled: report.settings.enabled }),
    problems: report.problems.map(findingData),
    warnings: report.warnings.map(findingData),
  })),
})

const count = (found: number, what: string): string => `${found} ${what}${found === 1 ? "" : "s"}`

const verdict = ({ settings, problems, warnings }: FileReport): string => {
  const warned = warnings.length === 0 ? [] : [count(warnings.length, "warning")]
  if (settings === undefined) return [count(problems.length, "problem"), ...warned].join(", ")
  return ["valid", settings.enabled ? "integration on" : "integration off", ...warned].join(", ")
}

const findingsOf = (report: FileReport): ReadonlyArray<readonly [level: string, ConfigProblem]> =>
  [
    ...report.problems.map((problem) => ["error", problem] as const),
    ...report.warnings.map((problem) => ["warning", problem] as const),
  ].toSorted(([, a], [, b]) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))

const placeOf = ({ file, line, column }: ConfigProblem): string =>
  line === undefined ? file : `${file}:${line}:${column ?? 1}`

/** A line for each finding, as compilers and linters write them, and one for the file as a whole. */
const renderFile = (report: FileReport, style: Style): ReadonlyArray<string> => [
  ...findingsOf(report).map(
    ([level, problem]) =>
      `${escapeText(placeOf(problem))}: ${paint(style, level === "error" ? "bad" : "warning", level)}: ${escapeText(problem.message)}`,
  ),
  `${symbol(style, isValid(report) ? "ok" : "broken")} ${escapeText(report.file)}: ${verdict(report)}`,
]

export const renderValidation = (reports: ReadonlyArray<FileReport>, style: Style): string =>
  reports
    .flatMap((report) => renderFile(report, style))
    .map((line) => `${toLocale(style, line)}\n`)
    .join("")
