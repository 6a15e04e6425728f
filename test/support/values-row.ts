/** A row of the table of users' values, and how its texts are put together. */
import type { UserValues } from "./charts.ts"
import type { VclusterVersion } from "../clusters/tool-sets.ts"

export interface ValuesRow extends UserValues {
  readonly name: string
  /** The releases whose charts take them. Default: 0.30 and 0.36, which have today's shape. */
  readonly taken?: ReadonlyArray<VclusterVersion>
  /** The releases whose charts are asked. Default: those that take them. */
  readonly asked?: ReadonlyArray<VclusterVersion>
  /** What ours says of the file, where every chart refuses it: a problem, else a warning. */
  readonly says?: RegExp
}

export const all: ReadonlyArray<VclusterVersion> = ["0.26", "0.30", "0.36"]
export const today: ReadonlyArray<VclusterVersion> = ["0.30", "0.36"]
export const latest: ReadonlyArray<VclusterVersion> = ["0.36"]
export const none: ReadonlyArray<VclusterVersion> = []
export const oldOnly: ReadonlyArray<VclusterVersion> = ["0.26"]

export const indented = (text: string, by: number): string =>
  text
    .split("\n")
    .map((line) => (line === "" ? line : `${" ".repeat(by)}${line}`))
    .join("\n")

/** The integration, switched on, and what stands beside. */
export const on = (body = ""): string =>
  `integrations:\n  externalSecrets:\n    enabled: true\n${body === "" ? "" : `${indented(body, 4)}\n`}`

export const clusterStores = (selector: string): string =>
  on(`sync:\n  fromHost:\n    clusterStores:\n      enabled: true\n      selector:\n${indented(selector, 8)}`)

export const label = (value: string): string => clusterStores(`matchLabels:\n  commit: ${value}`)

export const mappings = (byName: string): string =>
  `${on()}sync:\n  toHost:\n    namespaces:\n      enabled: true\n      mappings:\n        byName:\n${indented(byName, 10)}\n`

export const base = "integrations.externalSecrets"
export const labels = `${base}.sync.fromHost.clusterStores.selector.matchLabels`
