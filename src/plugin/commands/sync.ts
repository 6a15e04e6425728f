/** `sync`: one pass, a dry run, or for as long as it runs. */
import { packageVersion } from "../package-version.ts"
import { Clock, Effect, Layer } from "effect"
import { hostname } from "node:os"
import { observe } from "../../sync/diagnose/snapshot.ts"
import { plannedChanges } from "../../sync/diagnose/plan.ts"
import { SetupError } from "../../sync/discovery/setup-error.ts"
import type { SyncResult } from "../../sync/engine/report.ts"
import { Reporter, reporterLayer, silentReporter } from "../../sync/engine/reporter.ts"
import { SyncOptions } from "../../sync/engine/sync-options.ts"
import { follow, syncOnce } from "../../sync/engine/syncer.ts"
import type { ConnectArgs } from "../connect/connect.ts"
import { type LogFormat, logFormatFor, makeNarrator, type Narrator } from "../output/line-writer.ts"
import { exitCodes } from "../../effects/exit-codes.ts"
import { namingHost } from "../output/host-command.ts"
import { makeProgress } from "../output/progress.ts"
import { changeLine, isInStep, passLine, renderChange, renderDryRun, renderPass } from "../output/sync-text.ts"
import { Terminal } from "../output/terminal.ts"
import { type Prepared, prepare, targetLayer, whyAsleep } from "../connect/target.ts"

export interface SyncArgs extends ConnectArgs {
  readonly follow: boolean
  /** Shows what would change, and changes nothing. */
  readonly dryRun: boolean
  /** Milliseconds that one pass may take. */
  readonly onceTimeout: number
  readonly allowMassDelete: boolean
  readonly acceptIdentity: boolean
  readonly workers: number
}

/** Two processes on one machine are two syncers. */
const identity = (): string => `${process.env["POD_NAME"] ?? hostname()}_${crypto.randomUUID().slice(0, 8)}`

const optionsLayer = ({ workers, allowMassDelete, acceptIdentity }: SyncArgs): Layer.Layer<SyncOptions> =>
  Layer.sync(SyncOptions, () => ({
    identity: identity(),
    version: packageVersion,
    workers,
    allowMassDelete,
    acceptIdentity,
  }))

const dryRun = Effect.gen(function* () {
  const terminal = yield* Terminal
  const { acceptIdentity, allowMassDelete } = yield* SyncOptions
  const observation = yield* observe
  if (observation.identity !== undefined && !acceptIdentity) return yield* observation.identity
  if (observation.massDeletion !== undefined && !allowMassDelete) return yield* observation.massDeletion
  const [denied] = observation.notVisible
  if (denied !== undefined) return yield* denied
  const planned = plannedChanges(observation.actions)
  yield* terminal.out(renderDryRun(planned, terminal.outStyle))
  return planned.length === 0 ? exitCodes.good : exitCodes.badNews
})

/** How it is said: where, in which form, and by which context the host is known. */
interface Voice {
  readonly terminal: Terminal["Service"]
  readonly format: LogFormat
  readonly hostContext: string | undefined
}

const sayPass = ({ terminal, format, hostContext }: Voice, result: SyncResult, startedMs: number) =>
  Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis
    const pass = {
      objects: result.reports.map(namingHost(hostContext)),
      changes: result.changes,
      elapsedMs: nowMs - startedMs,
    }
    yield* terminal.out(
      format === "json"
        ? passLine(pass, nowMs)
        : renderPass(pass, { style: terminal.outStyle, columns: terminal.outColumns, nowMs }),
    )
  })

const progressReporter = (narrator: Narrator) =>
  Layer.effect(
    Reporter,
    Effect.map(makeProgress, (progress) => ({
      ...silentReporter,
      onProgress: (done, total) => progress.report({ done, total, what: "objects" }),
      onWarning: narrator.warn,
    })),
  )

const once = Effect.fnUntraced(function* (args: SyncArgs, narrator: Narrator, hostContext: string | undefined) {
  const terminal = yield* Terminal
  const startedMs = yield* Clock.currentTimeMillis
  const result = yield* Effect.provide(syncOnce(args.onceTimeout), progressReporter(narrator))
  yield* narrator.flush
  yield* sayPass({ terminal, format: args.logFormat ?? "text", hostContext }, result, startedMs)
  return isInStep({ objects: result.reports }) ? exitCodes.good : exitCodes.badNews
})

/** The changes of the first pass are told as one line; unless it drags on, because something waits for ESO. */
const firstPassPatienceMs = 30_000

const forever = Effect.fnUntraced(function* (args: SyncArgs, narrator: Narrator, hostContext: string | undefined) {
  const terminal = yield* Terminal
  const clock = yield* Clock.Clock
  const format = logFormatFor(args.logFormat)
  const startedMs = yield* Clock.currentTimeMillis
  let firstPassOver = false
  const reporter = reporterLayer({
    onChange: (change) => {
      const nowMs = clock.currentTimeMillisUnsafe()
      if (!firstPassOver && nowMs - startedMs < firstPassPatienceMs) return
      narrator.say(format === "json" ? changeLine(change, nowMs) : renderChange(change, nowMs, terminal.outStyle))
    },
    onWarning: narrator.warn,
    onFirstPass: (result) => {
      firstPassOver = true
      return sayPass({ terminal, format, hostContext }, result, startedMs)
    },
    ready: narrator.ready,
  })
  return yield* Effect.provide(follow, reporter)
})

/** As the flags say. */
const programOf = (args: SyncArgs, narrator: Narrator, { host }: Prepared) => {
  if (args.dryRun) return dryRun
  return args.follow ? forever(args, narrator, host.context) : once(args, narrator, host.context)
}

/** A loop that has ended is to be started anew, also where nobody reads what it said. */
const followPatience = "1 second"

export const sync = Effect.fn("sync")(function* (args: SyncArgs) {
  const narrator = yield* args.follow
    ? makeNarrator(logFormatFor(args.logFormat), followPatience)
    : makeNarrator(args.logFormat ?? "text")
  const prepared = yield* prepare(args)
  for (const warning of prepared.warnings) narrator.warn(warning)
  const sleeping = yield* whyAsleep(prepared.vcluster)
  if (sleeping !== undefined && !args.follow) {
    const { reason, message, fix } = sleeping
    return yield* new SetupError({
      reason,
      message: `${message}; nothing was changed`,
      ...(fix === undefined ? {} : { fix }),
    })
  }
  if (sleeping !== undefined) narrator.warn(`${sleeping.message}; waiting for it`)
  return yield* Effect.provide(programOf(args, narrator, prepared), [targetLayer(prepared, args), optionsLayer(args)])
}, Effect.scoped)
