/** The versions of all that take part, for people and for programs. */
import { escapeText } from "./escape.ts"
import { dataVersion } from "./status-data.ts"

/** A part that did not answer, or is not there, is absent. */
export interface VersionReport {
  readonly client: string
  readonly host?: {
    readonly context?: string
    readonly kubernetes?: string
    readonly eso?: string
    readonly esoApi?: ReadonlyArray<string>
  }
  readonly vcluster?: { readonly name: string; readonly namespace: string; readonly version?: string }
  readonly syncer?: string
}

const withV = (version: string): string => (/^\d/.test(version) ? `v${version}` : version)

/** `0.3.1` → [0, 3]; below 1.0 a minor version may change everything. */
const line = (version: string): string => {
  const [major = "", minor = ""] = version.replace(/^v/, "").split(".")
  return major === "0" ? `0.${minor}` : major
}

export const skewWarning = (report: VersionReport): string | undefined =>
  report.syncer === undefined || line(report.syncer) === line(report.client)
    ? undefined
    : `the syncer in the cluster is ${withV(report.syncer)}, this program ${withV(report.client)}: use the same line of versions`

export const renderVersion = (report: VersionReport): string => {
  const { host, vcluster } = report
  const esoApi = host?.esoApi === undefined || host.esoApi.length === 0 ? "" : ` (serves ${host.esoApi.join(", ")})`
  const rows: ReadonlyArray<readonly [string, string | undefined]> = [
    ["kubectl-vcluster-es", withV(report.client)],
    ["Syncer", report.syncer === undefined ? undefined : withV(report.syncer)],
    [
      "vCluster",
      vcluster?.version === undefined
        ? undefined
        : `${withV(vcluster.version)} (${vcluster.namespace}/${vcluster.name})`,
    ],
    ["ESO", host?.eso === undefined ? (esoApi === "" ? undefined : esoApi.trim()) : withV(host.eso) + esoApi],
    ["Kubernetes", host?.kubernetes],
  ]
  const shown = rows.flatMap(([what, value]) =>
    value === undefined ? [] : [`${`${what}:`.padEnd(22)}${escapeText(value)}\n`],
  )
  return shown.join("")
}

export const versionData = (report: VersionReport) => ({ apiVersion: dataVersion, kind: "Version", ...report })
