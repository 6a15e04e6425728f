/** `version`: what takes part, and at which version. Never fails because of a cluster. */
import { Cause, Effect, Option } from "effect"
import { findEso } from "../../sync/discovery/find-eso.ts"
import { stringAt } from "../../effects/client/unstructured.ts"
import { type ConnectArgs, findVcluster, type Host, openHost } from "../connect/connect.ts"
import { exitCodes } from "../../effects/exit-codes.ts"
import { printObject } from "../output/print-object.ts"
import { explainCause } from "../output/error.ts"
import { escapeText } from "../output/escape.ts"
import { toLocale } from "../output/style.ts"
import { Terminal } from "../output/terminal.ts"
import { renderVersion, skewWarning, versionData, type VersionReport } from "../output/version-text.ts"
import { packageVersion } from "../package-version.ts"

export interface VersionArgs extends ConnectArgs {
  /** This program alone. */
  readonly client: boolean
  /** Undefined: text for people. */
  readonly output: "json" | "yaml" | undefined
}

/** Who asks for versions waits for nobody. */
const patience = "3 seconds"

/** Why the clusters are left out, when they are. */
const reasonOf = (cause: Cause.Cause<unknown>): string => {
  const failure = Option.getOrUndefined(Cause.findErrorOption(cause))
  return Cause.isTimeoutError(failure) ? `no answer within ${patience}` : explainCause(cause).message
}

const ifAnswered = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A | undefined, never, R> =>
  effect.pipe(Effect.timeout(patience), Effect.option, Effect.map(Option.getOrUndefined))

/** Without the fields that nobody answered. */
const compact = (fields: object) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

const ask = Effect.fnUntraced(function* (host: Host, args: VersionArgs) {
  const [server, eso, resolved] = yield* Effect.all(
    [
      // Whoever may talk to the server may ask this: a failure means that nothing else can be asked.
      Effect.timeout(host.client.getPath("/version"), patience),
      ifAnswered(findEso(host.client)),
      ifAnswered(findVcluster(host, args)),
    ],
    { concurrency: "unbounded" },
  )
  const report: VersionReport = {
    client: packageVersion,
    host: compact({
      context: host.context,
      kubernetes: stringAt(server, "gitVersion"),
      eso: eso?.version,
      esoApi: eso?.crds,
    }),
    ...(resolved === undefined
      ? {}
      : {
          vcluster: {
            name: resolved.vcluster.name,
            namespace: resolved.vcluster.namespace,
            ...compact({ version: resolved.vcluster.version }),
          },
        }),
  }
  return report
})

export const version = Effect.fn("version")(function* (args: VersionArgs) {
  const terminal = yield* Terminal
  const alone: VersionReport = { client: packageVersion }
  const warn = (text: string) => terminal.err(`Warning: ${toLocale(terminal.errStyle, escapeText(text))}\n`)
  const asked = Effect.scoped(Effect.flatMap(openHost(args), (host) => ask(host, args)))
  const report = args.client
    ? alone
    : yield* asked.pipe(
        Effect.catchCause((cause) => Effect.as(warn(`the clusters are left out: ${reasonOf(cause)}`), alone)),
      )
  yield* terminal.out(args.output === undefined ? renderVersion(report) : printObject(args.output, versionData(report)))
  const warning = skewWarning(report)
  if (warning !== undefined) yield* warn(warning)
  return exitCodes.good
})
