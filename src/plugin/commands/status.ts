/** `status`: the whole picture of one vCluster. Changes nothing. */
import { Clock, Effect, Option, type Scope, Stream } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import { leaseResource } from "../../effects/leader-election/lease.ts"
import { findEso, type EsoFacts } from "../../sync/discovery/find-eso.ts"
import { observe, type Observation } from "../../sync/diagnose/snapshot.ts"
import { orUndefined } from "../../effects/client/ignore-not-found.ts"
import type { ObjectReport } from "../../sync/engine/report.ts"
import { clusterSecretStores, externalSecrets } from "../../sync/resources.ts"
import { statusOf } from "../../sync/diagnose/status.ts"
import { isGood, type StatusReport } from "../../sync/diagnose/status-report.ts"
import { leaseName } from "../../sync/engine/preflight.ts"
import type { SyncTarget } from "../../sync/engine/target.ts"
import type { ConnectArgs } from "../connect/connect.ts"
import { exitCodes } from "../output/exit-codes.ts"
import { escapeText } from "../output/escape.ts"
import { printObject } from "../output/print-object.ts"
import { statusData } from "../output/status-data.ts"
import { renderStatus } from "../output/status-text.ts"
import { toLocale } from "../output/style.ts"
import { Terminal } from "../output/terminal.ts"
import { openTarget, prepare, type Prepared, whyAsleep } from "../connect/target.ts"

export interface StatusArgs extends ConnectArgs {
  /** Undefined: text for people. */
  readonly output: "json" | "yaml" | "wide" | undefined
  readonly watch: boolean
}

interface Looked {
  readonly observation: Observation | undefined
  readonly problems: ReadonlyArray<ObjectReport>
  readonly denied: ReadonlyArray<ApiError>
}

const asleepProblem = (prepared: Prepared, message: string, fix: string | undefined): ObjectReport => ({
  kind: "vCluster",
  name: prepared.vcluster.name,
  health: "waiting",
  reason: prepared.vcluster.state,
  message,
  ...(fix === undefined ? {} : { fix: { text: "", command: fix } }),
})

/** What rights keep from us is left out of the picture, and named. */
const visible = <A>(request: Effect.Effect<A, ApiError>) =>
  request.pipe(
    Effect.map((value) => ({ value: Option.some(value), denied: Option.none<ApiError>() })),
    Effect.catchReason("ApiError", "Forbidden", (_, error) =>
      Effect.succeed({ value: Option.none<A>(), denied: Option.some(error) }),
    ),
  )

const look = Effect.fnUntraced(function* (target: SyncTarget) {
  const looked = yield* observe(target).pipe(
    Effect.map((observation): Looked => ({ observation, problems: [], denied: [] })),
    // The head of the page says so.
    Effect.catchTag("OperatorMissing", () =>
      Effect.succeed<Looked>({ observation: undefined, problems: [], denied: [] }),
    ),
    Effect.catchReason("ApiError", "Forbidden", (_, error) =>
      Effect.succeed<Looked>({ observation: undefined, problems: [], denied: [error] }),
    ),
  )
  return looked
})

/** Stores that the operator has, but not for this vCluster. */
const countUnselected = Effect.fnUntraced(function* (prepared: Prepared, eso: EsoFacts, looked: Looked) {
  const [version] = eso.crds
  if (!prepared.settings.clusterStores.enabled || looked.observation === undefined || version === undefined)
    return undefined
  const all = yield* prepared.host.client.list(clusterSecretStores(version), { metadataOnly: true })
  return Math.max(0, all.items.length - looked.observation.caches.hostClusterSecretStores.size())
})

const report = Effect.fnUntraced(function* (prepared: Prepared, target: SyncTarget | undefined, asleep: Looked) {
  const { host, vcluster } = prepared
  const [looked, eso, lease] = yield* Effect.all(
    [
      target === undefined ? Effect.succeed(asleep) : look(target),
      findEso(host.client),
      visible(
        orUndefined(host.client.get(leaseResource, { namespace: vcluster.namespace, name: leaseName(vcluster) })),
      ),
    ],
    { concurrency: "unbounded" },
  )
  const unselected = yield* visible(countUnselected(prepared, eso, looked))
  return statusOf({
    vcluster,
    host: { server: host.client.server, ...(host.context === undefined ? {} : { context: host.context }) },
    eso,
    settings: prepared.settings,
    source: prepared.source,
    lease: Option.isSome(lease.denied) ? "hidden" : Option.getOrUndefined(lease.value),
    observation: looked.observation,
    problems: looked.problems,
    notVisible: [...looked.denied, ...Option.toArray(lease.denied), ...Option.toArray(unselected.denied)],
    unselectedStores: Option.getOrUndefined(unselected.value),
    nowMs: yield* Clock.currentTimeMillis,
  })
})

const show = Effect.fnUntraced(function* (status: StatusReport, args: StatusArgs) {
  const terminal = yield* Terminal
  if (args.output === "json" || args.output === "yaml") return printObject(args.output, statusData(status))
  const canvas = { style: terminal.outStyle, columns: terminal.outColumns, nowMs: yield* Clock.currentTimeMillis }
  return renderStatus(status, canvas, args.output === "wide")
})

/** One look, from the vCluster's own state on: it may have been paused or woken since the last one. */
const lookOnce = Effect.fnUntraced(function* (args: StatusArgs) {
  const terminal = yield* Terminal
  const prepared = yield* prepare(args)
  for (const warning of prepared.warnings) {
    yield* terminal.err(`Warning: ${toLocale(terminal.errStyle, escapeText(warning))}\n`)
  }
  const sleeping = yield* whyAsleep(prepared.vcluster)
  const target = sleeping === undefined ? yield* openTarget(prepared, args) : undefined
  const asleep: Looked = {
    observation: undefined,
    denied: [],
    problems: sleeping === undefined ? [] : [asleepProblem(prepared, sleeping.message, sleeping.fix)],
  }
  return { prepared, target, status: yield* report(prepared, target, asleep) }
})

/** Ages grow also where nothing happens. */
const lookAgainAfter = "30 seconds"
const quiet = "500 millis"

/** Something has changed that `status` shows: an ExternalSecret on either side. */
const changes = (prepared: Prepared, target: SyncTarget | undefined, status: StatusReport): Stream.Stream<void> => {
  const [version] = status.host.crds
  if (version === undefined || target === undefined) return Stream.never
  const resource = externalSecrets(version)
  const watching = (side: "host" | "virtual", namespace: string | undefined) =>
    Stream.unwrap(
      Effect.map(target.clients[side].list(resource, { namespace, metadataOnly: true }), ({ resourceVersion }) =>
        target.clients[side].watch(resource, { namespace, metadataOnly: true, resourceVersion }),
      ),
    )
  return Stream.merge(watching("host", prepared.vcluster.namespace), watching("virtual", undefined)).pipe(
    Stream.filter((event) => event.type !== "BOOKMARK"),
    Stream.map(() => undefined),
    // Whatever ends a watch, the next look starts another.
    Stream.catchCause(() => Stream.never),
  )
}

const clearScreen = "\u001b[H\u001b[2J\u001b[3J"

const stay = (args: StatusArgs): Effect.Effect<never, LookFailure, Terminal | Scope.Scope> =>
  Effect.gen(function* () {
    const terminal = yield* Terminal
    for (let last = ""; ;) {
      last = yield* Effect.scoped(
        Effect.gen(function* () {
          const { prepared, target, status } = yield* lookOnce(args)
          const text = yield* show(status, args)
          if (terminal.outColumns !== undefined) yield* terminal.out(clearScreen + text)
          else if (text !== last) yield* terminal.out(last === "" ? text : `\n${text}`)
          yield* changes(prepared, target, status).pipe(
            Stream.take(1),
            Stream.runDrain,
            Effect.andThen(Effect.sleep(quiet)),
            Effect.timeoutOption(lookAgainAfter),
          )
          return text
        }),
      )
    }
  })

type LookFailure = Effect.Error<ReturnType<typeof lookOnce>>

export const status = Effect.fn("status")(function* (args: StatusArgs) {
  if (args.watch) return yield* stay(args)
  const terminal = yield* Terminal
  const { status: seen } = yield* lookOnce(args)
  yield* terminal.out(yield* show(seen, args))
  return isGood(seen) ? exitCodes.good : exitCodes.badNews
}, Effect.scoped)
