/** `config show`: which settings are in force, and who says so. The virtual cluster is not needed. */
import { Clock, Effect } from "effect"
import { syncedBy } from "../../sync/kinds/kinds.ts"
import { parseValues } from "../../sync/settings/settings.ts"
import type { KnownPlace } from "../../sync/tenancy/namespace-mapping.ts"
import { readSettingsSecret } from "../../sync/discovery/settings-source.ts"
import { type ConnectArgs, findVcluster, openHost, readValues } from "../connect/connect.ts"
import { configData, renderConfig, type ConfigReport } from "../output/config-text.ts"
import { escapeText } from "../output/escape.ts"
import { exitCodes } from "../../effects/exit-codes.ts"
import { printObject } from "../output/print-object.ts"
import { toLocale } from "../output/style.ts"
import { Terminal } from "../output/terminal.ts"

export interface ConfigShowArgs extends ConnectArgs {
  /** Undefined: text for people. */
  readonly output: "json" | "yaml" | undefined
}

/** There is no other yet. */
const policy = "default"

const fromFile = Effect.fnUntraced(function* (path: string, known: KnownPlace) {
  const { text, source } = yield* readValues(path)
  const report: ConfigReport = {
    source,
    policy,
    settings: yield* Effect.fromResult(parseValues(text, source, syncedBy, known)),
  }
  return { report, warnings: [] }
})

const fromHost = Effect.fnUntraced(function* (args: ConfigShowArgs) {
  const host = yield* openHost(args)
  const { vcluster, warnings } = yield* findVcluster(host, args)
  const { text, source } = yield* readSettingsSecret(host.client, vcluster)
  const report: ConfigReport = {
    vcluster: { name: vcluster.name, namespace: vcluster.namespace },
    source,
    policy,
    settings: yield* Effect.fromResult(parseValues(text, source, syncedBy, vcluster)),
  }
  return { report, warnings }
})

export const configShow = Effect.fn("configShow")(function* (args: ConfigShowArgs) {
  const terminal = yield* Terminal
  const { report, warnings } =
    args.values === undefined
      ? yield* fromHost(args)
      : yield* fromFile(args.values, { name: args.vcluster, namespace: args.namespace })
  for (const warning of [...warnings, ...report.settings.warnings])
    yield* terminal.err(`Warning: ${toLocale(terminal.errStyle, escapeText(warning))}\n`)
  const canvas = { style: terminal.outStyle, columns: terminal.outColumns, nowMs: yield* Clock.currentTimeMillis }
  yield* terminal.out(
    args.output === undefined ? renderConfig(report, canvas) : printObject(args.output, configData(report)),
  )
  return exitCodes.good
}, Effect.scoped)
