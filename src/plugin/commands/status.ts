/** `status`: the whole picture of one vCluster. Changes nothing. */
import { hostClusterSecretStores, isImported } from "../../sync/external-secrets/store-caches.ts"
import { Cause, Clock, Effect, Option, Stream } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import type { KubeClient, Selection } from "../../effects/client/kube-client.ts"
import type { Resource } from "../../effects/client/resource.ts"
import { leaseResource } from "../../effects/leader-election/lease.ts"
import { findEso, type EsoFacts } from "../../sync/discovery/find-eso.ts"
import { findInnerOperator } from "../../sync/discovery/find-inner-operator.ts"
import { observe, type Observation } from "../../sync/diagnose/snapshot.ts"
import type { ConversionBroken, OperatorMissing } from "../../sync/engine/errors.ts"
import { orUndefined } from "../../effects/client/ignore-not-found.ts"
import type { ObjectReport } from "../../sync/engine/report.ts"
import { externalSecrets } from "../../sync/resources.ts"
import { isOfOtherOperator, searchedFor } from "../../sync/diagnose/other-operator.ts"
import { statusOf } from "../../sync/diagnose/status.ts"
import { isGood, type StatusReport } from "../../sync/diagnose/status-report.ts"
import { leaseName } from "../../sync/engine/preflight.ts"
import { bothClients, VirtualClient } from "../../sync/engine/clients.ts"
import { VclusterTarget } from "../../sync/engine/target.ts"
import type { ConnectArgs } from "../connect/connect.ts"
import { explainCause, renderExplanation } from "../output/error.ts"
import { exitCodes } from "../../effects/exit-codes.ts"
import { escapeText } from "../output/escape.ts"
import { namingHost } from "../output/host-command.ts"
import { printObject } from "../output/print-object.ts"
import { statusData } from "../output/status-data.ts"
import { renderStatus } from "../output/status-text.ts"
import { toLocale } from "../output/style.ts"
import { Terminal } from "../output/terminal.ts"
import { type Lookout, makeLookout, type Prepared, whyAsleep } from "../connect/target.ts"

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

/** What `sync` would end with. */
const crdProblem = (error: ConversionBroken | OperatorMissing): ObjectReport => {
  const [text = "", command] = error.fix.split("\n")
  return {
    kind: "CustomResourceDefinition",
    name: error.crd,
    health: "broken",
    reason: error._tag,
    message: error.message,
    fix: { text, ...(command === undefined ? {} : { command, cluster: "virtual" }) },
  }
}

const without = (problem: ObjectReport): Looked => ({ observation: undefined, problems: [problem], denied: [] })

/** Whose words rest on whether an operator runs inside the virtual cluster: looked for only where they do. */
const withInnerOperator = Effect.fnUntraced(function* (observation: Observation) {
  if (!observation.reports.some(isOfOtherOperator)) return observation
  const now = yield* Clock.currentTimeMillis
  const search = yield* findInnerOperator(yield* VirtualClient, now)
  return { ...observation, reports: searchedFor(observation, search, now) }
})

const look = observe.pipe(
  Effect.flatMap(withInnerOperator),
  Effect.map((observation): Looked => ({ observation, problems: [], denied: [] })),
  // Of an ESO that is not there at all the head of the page says so.
  Effect.catchTag("ConversionBroken", (error) => Effect.succeed(without(crdProblem(error)))),
  Effect.catchTag("OperatorMissing", (error) =>
    Effect.succeed<Looked>(
      error.partly === true ? without(crdProblem(error)) : { observation: undefined, problems: [], denied: [] },
    ),
  ),
  Effect.catchReason("ApiError", "Forbidden", (_, error) =>
    Effect.succeed<Looked>({ observation: undefined, problems: [], denied: [error] }),
  ),
)

/** Stores that the operator has, but not for this vCluster. */
const countUnselected = ({ settings }: Prepared, { observation }: Looked): number | undefined =>
  settings.clusterStores.enabled && observation !== undefined
    ? [...observation.caches.of(hostClusterSecretStores).values()].filter((store) => !isImported(store, settings))
        .length
    : undefined

/** @param looking at both clusters; what is known without it while the virtual one sleeps */
const report = Effect.fnUntraced(function* <E>(prepared: Prepared, eso: EsoFacts, looking: Effect.Effect<Looked, E>) {
  const { host, vcluster } = prepared
  const [looked, lease] = yield* Effect.all(
    [
      looking,
      visible(
        orUndefined(host.client.get(leaseResource, { namespace: vcluster.namespace, name: leaseName(vcluster) })),
      ),
    ],
    { concurrency: "unbounded" },
  )
  const status = statusOf({
    vcluster,
    host: { server: host.client.server, ...(host.context === undefined ? {} : { context: host.context }) },
    eso,
    settings: prepared.settings,
    source: prepared.source,
    lease: Option.isSome(lease.denied) ? "hidden" : Option.getOrUndefined(lease.value),
    observation: looked.observation,
    problems: looked.problems,
    notVisible: [...looked.denied, ...Option.toArray(lease.denied)],
    unselectedStores: countUnselected(prepared, looked),
    nowMs: yield* Clock.currentTimeMillis,
  })
  return { ...status, problems: status.problems.map(namingHost(host.context)) }
})

const show = Effect.fnUntraced(function* (status: StatusReport, args: StatusArgs) {
  const terminal = yield* Terminal
  if (args.output === "json" || args.output === "yaml") return printObject(args.output, statusData(status))
  const canvas = { style: terminal.outStyle, columns: terminal.outColumns, nowMs: yield* Clock.currentTimeMillis }
  return renderStatus(status, canvas, args.output === "wide")
})

interface Mark {
  readonly client: KubeClient
  readonly resource: Resource
  readonly selection: Selection
  readonly resourceVersion: string
}

/** Where the watches begin: before the look, so that nothing falls between the two. */
const marksOf = Effect.fnUntraced(function* (eso: EsoFacts) {
  const [version] = eso.crds
  if (version === undefined) return []
  const { host, virtual } = yield* bothClients
  const { vcluster } = yield* VclusterTarget
  const resource = externalSecrets(version)
  const sides = [
    [host, { namespace: vcluster.namespace, metadataOnly: true }],
    [virtual, { metadataOnly: true }],
  ] as const
  return yield* Effect.forEach(
    sides,
    ([client, selection]) =>
      Effect.map(client.list(resource, { ...selection, limit: 1 }), ({ resourceVersion }): Mark => ({
        client,
        resource,
        selection,
        resourceVersion,
      })),
    { concurrency: "unbounded" },
  ).pipe(
    // What cannot be listed is told by the look; there is then no watch, but the next look comes all the same.
    Effect.orElseSucceed((): ReadonlyArray<Mark> => []),
  )
})

/** Something has changed that `status` shows: an ExternalSecret on either side. */
const changesSince = (marks: ReadonlyArray<Mark>): Stream.Stream<void> =>
  Stream.mergeAll(
    marks.map(({ client, resource, selection, resourceVersion }) =>
      client.watch(resource, { ...selection, resourceVersion }).pipe(
        Stream.filter((event) => event.type !== "BOOKMARK"),
        Stream.map(() => undefined),
        // Whatever ends a watch, the next look starts another; the one on the other side goes on.
        Stream.catchCause(() => Stream.never),
        Stream.concat(Stream.never),
      ),
    ),
    { concurrency: "unbounded" },
  ).pipe(Stream.concat(Stream.never))

/** Tells what has not been told. */
const tellWarnings = Effect.fnUntraced(function* (warnings: ReadonlyArray<string>, told: Set<string>) {
  const terminal = yield* Terminal
  for (const warning of warnings) {
    if (told.has(warning)) continue
    told.add(warning)
    yield* terminal.err(`Warning: ${toLocale(terminal.errStyle, escapeText(warning))}\n`)
  }
})

/**
 * One look, from the vCluster's own state on: it may have been paused or woken since the last one.
 *
 * @param told the warnings of the looks before
 */
const lookOnce = Effect.fnUntraced(function* (lookout: Lookout, args: StatusArgs, told: Set<string>) {
  const prepared = yield* lookout.prepare
  yield* tellWarnings(prepared.warnings, told)
  const sleeping = yield* whyAsleep(prepared.vcluster)
  if (sleeping !== undefined) {
    const problems = [asleepProblem(prepared, sleeping.message, sleeping.fix)]
    const asleep = Effect.succeed<Looked>({ observation: undefined, denied: [], problems })
    return { marks: [], status: yield* report(prepared, yield* findEso(prepared.host.client), asleep) }
  }
  const target = yield* lookout.target(prepared)
  const eso = yield* findEso(prepared.host.client)
  const marks = args.watch ? yield* Effect.provide(marksOf(eso), target) : []
  return { marks, status: yield* report(prepared, eso, Effect.provide(look, target)) }
})

/** Ages grow also where nothing happens. */
const lookAgainAfter = "30 seconds"
const quiet = "500 millis"

const clearScreen = "\u001b[H\u001b[2J\u001b[3J"

const showAgain = Effect.fnUntraced(function* (text: string, last: string) {
  const terminal = yield* Terminal
  if (terminal.outColumns !== undefined) return yield* terminal.out(clearScreen + text)
  if (text !== last) yield* terminal.out(last === "" ? text : `\n${text}`)
})

const untilChange = (marks: ReadonlyArray<Mark>) =>
  changesSince(marks).pipe(
    Stream.take(1),
    Stream.runDrain,
    Effect.andThen(Effect.sleep(quiet)),
    Effect.timeoutOption(lookAgainAfter),
  )

/** A cluster that does not answer for a while ends no watch; what the first look fails with would stay as it is. */
const tryAgainAfter = "2 seconds"

/** Never returns; fails only as the first look does. */
const stay = Effect.fnUntraced(function* (lookout: Lookout, args: StatusArgs) {
  const terminal = yield* Terminal
  let last = ""
  let complaint = ""
  const told = new Set<string>()
  const next = Effect.scoped(
    Effect.gen(function* () {
      const { marks, status } = yield* lookOnce(lookout, args, told)
      const text = yield* show(status, args)
      // After a complaint, also a picture that is the same as before is news.
      yield* showAgain(text, complaint === "" ? last : "")
      last = text
      complaint = ""
      yield* untilChange(marks)
    }),
  )
  const tell = (failure: LookFailure) =>
    Effect.suspend(() => {
      const text = renderExplanation(terminal.errStyle, explainCause(Cause.fail(failure)))
      if (text === complaint) return Effect.void
      complaint = text
      return terminal.err(text)
    })
  yield* next
  return yield* Effect.forever(
    next.pipe(Effect.catch((failure) => Effect.andThen(tell(failure), Effect.sleep(tryAgainAfter)))),
  )
})

type LookFailure = Effect.Error<ReturnType<typeof lookOnce>>

export const status = Effect.fn("status")(function* (args: StatusArgs) {
  const lookout = yield* makeLookout(args)
  if (args.watch) return yield* stay(lookout, args)
  const terminal = yield* Terminal
  const { status: seen } = yield* lookOnce(lookout, args, new Set())
  yield* terminal.out(yield* show(seen, args))
  return isGood(seen) ? exitCodes.good : exitCodes.badNews
}, Effect.scoped)
