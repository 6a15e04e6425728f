/** `status` for people: a head, the counts, and in full only what is broken. */
import { isGood, type StatusReport } from "../../sync/diagnose/status-report.ts"
import { ageOf } from "./age.ts"
import { escapeText, textWidth } from "./escape.ts"
import { type Canvas, renderProblems } from "./problems.ts"
import { paint, type Style, symbol, toLocale } from "./style.ts"
import { renderTable } from "./table.ts"

const join = (parts: ReadonlyArray<string | undefined>): string =>
  parts.filter((part) => part !== undefined).join(" · ")

const withV = (version: string): string => (/^\d/.test(version) ? `v${version}` : version)

const stateWords: Readonly<Record<StatusReport["vcluster"]["state"], string | undefined>> = {
  Running: undefined,
  Unknown: undefined,
  Starting: "starting",
  Paused: "paused",
  Restoring: "being restored",
  Sleeping: "asleep",
  ScaledDown: "scaled down to 0",
}

/** A holder of the Lease is a pod or a machine, and a few digits that tell its processes apart. */
const withoutProcess = (holder: string): string => holder.replace(/_[0-9a-f]{8}$/, "")

const vclusterLine = ({ vcluster, syncer }: StatusReport, { style, nowMs }: Canvas): string => {
  const state = stateWords[vcluster.state]
  const since = ageOf(vcluster.since, nowMs)
  const leader = ageOf(syncer.since, nowMs)
  const details = [
    syncer.version === undefined ? undefined : withV(syncer.version),
    leader === undefined ? undefined : `leader ${leader}`,
  ].filter((part) => part !== undefined)
  const holder = syncer.holder === undefined ? "" : ` in ${escapeText(withoutProcess(syncer.holder))}`
  return join([
    vcluster.version === undefined ? undefined : withV(escapeText(vcluster.version)),
    state === undefined
      ? undefined
      : `${symbol(style, "waiting")} ${state}${since === undefined ? "" : ` since ${since}`}`,
    "integration on",
    syncer.running === undefined
      ? "syncer not visible to you"
      : syncer.running
        ? `syncer ${symbol(style, "ok")}${holder}${details.length === 0 ? "" : ` (${details.join(", ")})`}`
        : `syncer ${symbol(style, "warning")} not running`,
  ])
}

const hostLine = ({ host }: StatusReport, { style }: Canvas): string => {
  if (host.crds.length === 0)
    return `ESO ${symbol(style, "broken")} not installed (no CRD externalsecrets.external-secrets.io)`
  const version = host.eso.version === undefined ? "" : ` ${withV(escapeText(host.eso.version))}`
  const health =
    host.eso.healthy === undefined
      ? " (health not visible to you)"
      : host.eso.healthy
        ? ` ${symbol(style, "ok")}`
        : ` ${symbol(style, "broken")} not ready`
  const bridged = host.crds.includes("v1") && !host.crds.includes("v1beta1") ? " (v1beta1 bridged)" : ""
  return join([
    `ESO${version}${health}`,
    `CRDs ${host.crds.map(escapeText).join(", ")} ${symbol(style, "ok")}${bridged}`,
  ])
}

const selection = (selector: string): string => (selector === "" ? "" : `, ${escapeText(selector)}`)

const switched = (what: string, setting: { readonly enabled: boolean; readonly selector: string }): string =>
  `${what} ${setting.enabled ? `on${selection(setting.selector)}` : "off"}`

const settingsLine = ({ settings }: StatusReport): string =>
  join([
    settings.externalSecrets.selector === "" ? undefined : `only ${escapeText(settings.externalSecrets.selector)}`,
    switched("stores", settings.stores),
    switched("cluster stores", settings.clusterStores),
    `policy ${escapeText(settings.policy)}`,
  ])

const pad = (text: string, width: number): string => text + " ".repeat(Math.max(0, width - textWidth(text)))

const head = (report: StatusReport, canvas: Canvas): ReadonlyArray<string> => {
  const vcluster = escapeText(report.vcluster.name)
  const host = escapeText(report.host.context ?? "in cluster")
  const width = Math.max(textWidth(vcluster), textWidth(host))
  const label = (text: string) => paint(canvas.style, "bold", pad(text, 9))
  return [
    `${label("vCluster")}${pad(vcluster, width)}  ${escapeText(report.vcluster.namespace)}  ${vclusterLine(report, canvas)}`,
    `${label("Host")}${pad(host, width)}  ${hostLine(report, canvas)}`,
    `${label("Settings")}${settingsLine(report)}`,
  ]
}

const countTable = (report: StatusReport, canvas: Canvas): ReadonlyArray<string> =>
  renderTable(
    [
      { header: "" },
      { header: "synced", align: "right" },
      { header: "waiting", align: "right" },
      { header: "broken", align: "right" },
      { header: "refused", align: "right" },
      { header: "", cut: "end" },
    ],
    report.counts.map((counts) => [
      `${escapeText(counts.kind)}s`,
      ...[counts.synced, counts.waiting, counts.broken, counts.refused].map(String),
      escapeText(counts.note ?? ""),
    ]),
    canvas.columns === undefined ? undefined : canvas.columns - 2,
  ).map((line) => `  ${line}`)

const tail = (report: StatusReport): ReadonlyArray<string> => (isGood(report) ? ["", "Everything is in step."] : [])

const notRunning = (report: StatusReport, style: Style): ReadonlyArray<string> =>
  report.syncer.running !== false
    ? []
    : [
        `${symbol(style, "warning")} no syncer is running: changes are carried over by single passes only`,
        `    fix   kubectl vcluster-es sync ${report.vcluster.name} -n ${report.vcluster.namespace} --follow`,
      ]

/**
 * @param wide also what is otherwise left out: problems past the first twenty, where the settings come from
 */
export const renderStatus = (report: StatusReport, canvas: Canvas, wide: boolean): string => {
  const problems = [...renderProblems(report.problems, canvas, wide), ...notRunning(report, canvas.style)]
  const hidden = report.notVisible.map((what) => `– not visible to you (${escapeText(what)})`)
  const lines = [
    ...head(report, canvas),
    ...(wide ? [`${" ".repeat(9)}from ${escapeText(report.settings.source)}`] : []),
    ...(report.counts.length === 0 ? [] : ["", ...countTable(report, canvas)]),
    ...(problems.length === 0 ? [] : ["", ...problems]),
    ...(hidden.length === 0 ? [] : ["", ...hidden]),
    ...tail(report),
  ]
  return lines.map((line) => `${toLocale(canvas.style, line)}\n`).join("")
}
