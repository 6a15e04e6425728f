/**
 * The commands: what each is called, takes and says about itself. Light on purpose: what a command does is loaded when it runs,
 * so that help and mistakes answer at once.
 */
import { command, optional, positional, restPositionals, type Runner, runSafely, string, parse } from "cmd-ts"
import { Effect } from "effect"
import type { ColorChoice } from "./output/style.ts"
import type { Terminal } from "./output/terminal.ts"
import * as flags from "./flags.ts"
import type { FlagSpec } from "./flags.ts"
import type { CommandDoc } from "./help.ts"
import { UsageError } from "./usage-error.ts"

/** Anything that a command may fail with speaks for itself; output/error.ts knows the words for those we expect. */
export interface Failure {
  readonly _tag: string
  readonly message: string
}

/** A decoded command line, ready to run. */
export interface Program {
  /** Gives the exit code. */
  readonly run: Effect.Effect<number, Failure, Terminal>
  readonly color: ColorChoice
  readonly verbosity: number
  readonly logFormat: "text" | "json" | undefined
  /** A command that is meant to run until somebody stops it has done its work when that happens. */
  readonly untilStopped: boolean
}

export interface Command {
  readonly doc: CommandDoc
  readonly specs: ReadonlyArray<FlagSpec>
  /** How many words it takes after its name. */
  readonly operands: number
  readonly decode: (argv: Array<string>) => Effect.Effect<Program, UsageError>
}

const specsOf = (
  args: Readonly<Record<string, { readonly parse: unknown; readonly spec?: FlagSpec }>>,
): ReadonlyArray<FlagSpec> => Object.values(args).flatMap(({ spec }) => (spec === undefined ? [] : [spec]))

const decodeWith =
  <Args>(runner: Runner<Args, Program>) =>
  (argv: Array<string>): Effect.Effect<Program, UsageError> =>
    Effect.gen(function* () {
      // cmd-ts renders its errors into a box with a caret; its first message alone is what we print.
      const parsed = yield* Effect.promise(() => parse(runner, argv))
      if (parsed._tag === "error") {
        const message = parsed.error.errors[0]?.message ?? "the command line cannot be read"
        return yield* new UsageError({ message: message.charAt(0).toLowerCase() + message.slice(1) })
      }
      const program = yield* Effect.promise(() => runSafely(runner, argv))
      if (program._tag === "error") return yield* new UsageError({ message: "the command line cannot be read" })
      return program.value
    })

const vcluster = positional({ displayName: "VCLUSTER", type: optional(string) })

const messages = (args: { color: ColorChoice; verbosity: number; logFormat: "text" | "json" | undefined }) => ({
  color: args.color,
  verbosity: args.verbosity,
  logFormat: args.logFormat,
})

const statusArgs = { ...flags.clusterFlags, output: flags.output3, watch: flags.watch, vcluster }

const status: Command = {
  doc: {
    name: "status",
    summary: "Show what is synced, what is broken, why, and the command that fixes it",
    about: [
      "Looks at both clusters and changes nothing. Exit code 0: all is in step; 1: something is not, and is listed.",
      "VCLUSTER may be left out when the namespace has only one, or in a context that `vcluster connect` made.",
    ],
    operands: "[VCLUSTER]",
    examples: [
      { what: "The only vCluster in the namespace of the current context", line: "status" },
      { what: "One of several", line: "status my-vcluster -n team-x" },
      { what: "The problems only, for a script", line: "status -n team-x -o json | jq .problems" },
      { what: "Stay and look", line: "status -n team-x --watch" },
    ],
  },
  specs: specsOf(statusArgs),
  operands: 1,
  decode: decodeWith(
    command({
      name: "status",
      args: statusArgs,
      handler: (args): Program => ({
        ...messages(args),
        untilStopped: args.watch,
        run: Effect.flatMap(
          Effect.promise(() => import("./commands/status.ts")),
          (room) => room.status(args),
        ),
      }),
    }),
  ),
}

const syncArgs = {
  ...flags.clusterFlags,
  follow: flags.follow,
  dryRun: flags.dryRun,
  onceTimeout: flags.onceTimeout,
  allowMassDelete: flags.allowMassDelete,
  acceptIdentity: flags.acceptIdentity,
  workers: flags.workers,
  vcluster,
}

const sync: Command = {
  doc: {
    name: "sync",
    summary: "Bring both clusters in step: once, or for as long as it runs",
    about: [
      "One pass ends when every object is in step, or when --once-timeout is over. Exit code 0: in step; 1: something is refused, broken or still waiting, and is listed.",
      "With --follow it goes on until it is interrupted, and then exits with 0. That is what the pod runs.",
      "With --dry-run it writes nothing, shows the changes as a diff, and exits with 1 when there are any.",
    ],
    operands: "[VCLUSTER]",
    examples: [
      { what: "One pass", line: "sync my-vcluster -n team-x" },
      { what: "What one pass would change", line: "sync my-vcluster -n team-x --dry-run" },
      { what: "Sync until interrupted, from a laptop", line: "sync my-vcluster -n team-x --follow" },
      {
        what: "With settings from a file instead of what the vCluster runs with",
        line: "sync my-vcluster -n team-x -f vcluster.yaml",
      },
    ],
  },
  specs: specsOf(syncArgs),
  operands: 1,
  decode: decodeWith(
    command({
      name: "sync",
      args: syncArgs,
      handler: (args): Program => ({
        ...messages(args),
        untilStopped: args.follow,
        run: Effect.flatMap(
          Effect.promise(() => import("./commands/sync.ts")),
          (room) => room.sync({ ...args, dryRun: args.dryRun !== "none" && args.dryRun !== "false" }),
        ),
      }),
    }),
  ),
}

const versionArgs = { ...flags.clusterFlags, output: flags.output2, client: flags.client, vcluster }

const version: Command = {
  doc: {
    name: "version",
    summary: "Show the versions of this program, of ESO, of the vCluster and of its syncer",
    about: ["What a cluster would have to say is left out when it does not answer at once."],
    operands: "[VCLUSTER]",
    examples: [
      { what: "This program only", line: "version --client" },
      { what: "For a bug report", line: "version my-vcluster -n team-x -o yaml" },
    ],
  },
  specs: specsOf(versionArgs),
  operands: 1,
  decode: decodeWith(
    command({
      name: "version",
      args: versionArgs,
      handler: (args): Program => ({
        ...messages(args),
        untilStopped: false,
        run: Effect.flatMap(
          Effect.promise(() => import("./commands/version.ts")),
          (room) => room.version(args),
        ),
      }),
    }),
  ),
}

const configShowArgs = { ...flags.clusterFlags, output: flags.output2, vcluster }

const configShow: Command = {
  doc: {
    name: "config show",
    summary: "Show the settings in force, and where each of them comes from",
    about: [
      "Reads the Secret vc-config-VCLUSTER on the host; the virtual cluster is not needed. With -f nothing but the file is read, and no cluster is asked.",
      "FROM is `default`, or file (or Secret), line and column. A setting that an older vCluster spelled otherwise is shown under its name of today. Exit code 2: the settings are not valid; the problems are listed.",
    ],
    operands: "[VCLUSTER]",
    examples: [
      { what: "What a vCluster runs with", line: "config show my-vcluster -n team-x" },
      { what: "What a file would mean", line: "config show -f vcluster.yaml" },
      {
        what: "All that is not a default, for a script",
        line: `config show -n team-x -o json | jq '.settings[] | select(.from != "default")'`,
      },
    ],
  },
  specs: specsOf(configShowArgs),
  operands: 1,
  decode: decodeWith(
    command({
      name: "config show",
      args: configShowArgs,
      handler: (args): Program => ({
        ...messages(args),
        untilStopped: false,
        run: Effect.flatMap(
          Effect.promise(() => import("./commands/config-show.ts")),
          (room) => room.configShow(args),
        ),
      }),
    }),
  ),
}

const configValidateArgs = {
  ...flags.outputFlags,
  namespace: flags.hostFlags.namespace,
  values: flags.settingsFile,
  output: flags.output2,
  files: restPositionals({ displayName: "FILE", type: string }),
}

const configValidate: Command = {
  doc: {
    name: "config validate",
    summary: "Check files of settings; asks no cluster",
    about: [
      "Reads vcluster.yaml files, or merged Helm values, in every shape that vCluster has taken since v0.21, and lists everything that is wrong or doubtful with file, line and column. FILE - is standard input. Needs no cluster and no kubeconfig.",
      "Exit code 0: all files are valid, whatever they are warned of; 2: a file is not, or cannot be read.",
      "With -n, the namespace that the vCluster will live in, more can be seen to be dangerous.",
    ],
    operands: "FILE...",
    examples: [
      { what: "Before vcluster create", line: "config validate vcluster.yaml" },
      { what: "What a vCluster of Helm runs with", line: "config validate - < values.yaml" },
      { what: "Every file, for a script", line: "config validate clusters/*.yaml -o json | jq .files" },
    ],
  },
  specs: specsOf(configValidateArgs),
  operands: Number.POSITIVE_INFINITY,
  decode: decodeWith(
    command({
      name: "config validate",
      args: configValidateArgs,
      handler: (args): Program => ({
        ...messages(args),
        untilStopped: false,
        run: Effect.flatMap(
          Effect.promise(() => import("./commands/config-validate.ts")),
          (room) => room.configValidate(args),
        ),
      }),
    }),
  ),
}

/** In the order of the help. */
export const commands: ReadonlyArray<Command> = [status, sync, configShow, configValidate, version]
