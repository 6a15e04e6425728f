/**
 * `npm run bench`: vcluster-es beside a syncer on controller-runtime and beside plain POSTs, in one run on the same API servers.
 *
 * The machine is shared by both API servers, the load and the syncer, so absolute figures say little: the ratios are the result.
 */
import { existsSync } from "node:fs"
import { cpus, loadavg, totalmem } from "node:os"
import { parseArgs } from "node:util"
import { Effect } from "effect"
import { runScript } from "../scripts/run-script.ts"
import { GroundError } from "../test/clusters/errors.ts"
import { binary } from "../test/support/synced-pair.ts"
import { type Competitor, competitors, cpuSeconds } from "./competitors.ts"
import { cleanUp, createExternalSecrets, openPlace, type Place, removeHostCopies, say } from "./ground.ts"
import { type Memory, measureMemory } from "./memory.ts"
import { backSync, coldSync, hostBodies, hostCopies, linesSince, mark, rawPosts, rotations } from "./phases.ts"
import { type Measured, missedGoals, renderRequests, renderTable, type Round, rowsOf } from "./report.ts"
import { requestsPerObject } from "./requests.ts"
import { measureStarts, type Start } from "./start.ts"
import { measureStartUp } from "./start-up.ts"

const usage = `usage: npm run bench -- [--json] [--rounds N] [--objects N] [--memory-objects N] [--full] [--vcluster]

  --rounds          rounds of cold sync, back sync and rotation for each, order alternating (2; with --full: 4)
  --objects         ExternalSecrets of a round (2000)
  --memory-objects  of the memory part (BENCH_OBJECTS, else 2000; with --full: 10000; 0: leave it out)
  --vcluster        the virtual cluster is a real vCluster on kine instead of a bare API server on etcd (for cold sync and rotation; no memory part)

The peer is built from the folder VCLUSTER_ES_BENCH_PEER (../shared/peer).`

interface Plan {
  readonly json: boolean
  readonly rounds: number
  readonly objects: number
  readonly memoryObjects: number
  /** The virtual cluster is a real vCluster. */
  readonly vcluster: boolean
}

const rotationCount = 500
const startUpRounds = 15
/** Starts with everything in place, of each. */
const startRounds = 5
const startObjects = 200

const planFrom = (argv: ReadonlyArray<string>): Plan => {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      json: { type: "boolean", default: false },
      full: { type: "boolean", default: false },
      vcluster: { type: "boolean", default: false },
      rounds: { type: "string" },
      objects: { type: "string" },
      "memory-objects": { type: "string" },
    },
  })
  const memoryObjects = values.vcluster ? 0 : values.full ? 10_000 : 2000
  return {
    json: values.json,
    rounds: Number(values.rounds ?? (values.full ? 4 : 2)),
    objects: Number(values.objects ?? 2000),
    memoryObjects: Number(values["memory-objects"] ?? process.env["BENCH_OBJECTS"] ?? memoryObjects),
    vcluster: values.vcluster,
  }
}

/** Both ways and the rotations; the syncer is gone at the end, its objects are not. */
const syncBothWays = Effect.fnUntraced(function* (place: Place, competitor: Competitor, objects: number) {
  const marks = yield* mark(place)
  const cold = yield* coldSync(place, competitor, objects)
  const bodies = yield* hostBodies(place, competitor.namespace)
  const copies = yield* hostCopies(place, competitor.namespace)
  const back = yield* backSync(place, competitor, cold.running, copies, objects)
  const cpu = cpuSeconds(cold.running)
  const requests = requestsPerObject(yield* linesSince(place, marks), competitor.agent, objects)
  const latencies = yield* rotations(place, competitor, copies.slice(0, rotationCount))
  return {
    bodies,
    round: {
      cold: cold.seconds,
      coldWriting: cold.writing,
      back: back.seconds,
      generator: back.generator,
      rotations: latencies,
      requests,
      cpu,
    } satisfies Round,
  }
}, Effect.scoped)

const playRound = Effect.fnUntraced(function* (place: Place, competitor: Competitor, { objects }: Plan) {
  yield* createExternalSecrets(place, 0, objects)
  const { bodies, round } = yield* syncBothWays(place, competitor, objects)
  yield* removeHostCopies(place)
  const raw = competitor.name === "vcluster-es" ? yield* rawPosts(place, competitor.namespace, bodies) : undefined
  yield* cleanUp(place)
  return raw === undefined ? round : { ...round, raw }
})

const playRounds = Effect.fnUntraced(function* (place: Place, rivals: ReadonlyArray<Competitor>, plan: Plan) {
  const rounds = { "vcluster-es": new Array<Round>(), peer: new Array<Round>() }
  for (let number = 1; number <= plan.rounds; number++) {
    // Whoever comes second meets a server that has more behind it.
    for (const competitor of number % 2 === 1 ? rivals : rivals.toReversed()) {
      yield* say(`round ${number} of ${plan.rounds}: ${competitor.name}, ${plan.objects} ExternalSecrets …`)
      const round = yield* playRound(place, competitor, plan)
      rounds[competitor.name].push(round)
      yield* say(`cold ${round.cold.toFixed(2)} s, back ${round.back.toFixed(2)} s, CPU ${round.cpu.toFixed(2)} s`)
    }
  }
  return { ours: rounds["vcluster-es"], peer: rounds.peer }
})

const machine = (): string =>
  `${cpus().length} cores (${cpus()[0]?.model.trim() ?? "?"}), ${Math.round(totalmem() / 2 ** 30)} GiB`

const measure = Effect.fnUntraced(function* (plan: Plan) {
  const before = loadavg()[0] ?? 0
  const place = yield* openPlace(plan.vcluster)
  const rivals = yield* competitors(place)
  const startUp = yield* measureStartUp(place, startUpRounds)
  const starts: ReadonlyMap<string, ReadonlyArray<Start>> = yield* measureStarts(
    place,
    rivals,
    startObjects,
    startRounds,
  )
  const rounds = yield* playRounds(place, rivals, plan)
  const memory =
    plan.memoryObjects === 0 ? new Map<string, Memory>() : yield* measureMemory(place, rivals, plan.memoryObjects)
  return {
    machine: `${machine()}; virtual cluster: ${plan.vcluster ? "a real vCluster on kine" : "an API server on etcd"}`,
    load: { before, after: loadavg()[0] ?? 0 },
    objects: plan.objects,
    memoryObjects: plan.memoryObjects,
    rounds,
    starts: { ours: starts.get("vcluster-es") ?? [], peer: starts.get("peer") ?? [] },
    memory: { ours: memory.get("vcluster-es"), peer: memory.get("peer") },
    startUp,
  } satisfies Measured
}, Effect.scoped)

const show = (measured: Measured, json: boolean): string => {
  const rows = rowsOf(measured)
  if (json) return JSON.stringify({ rows, missed: missedGoals(rows), measured }, undefined, 2)
  return [
    `${measured.machine}; load average ${measured.load.before.toFixed(1)} before, ${measured.load.after.toFixed(1)} after; medians of ${measured.rounds.ours.length} rounds`,
    "",
    renderTable(rows),
    "",
    renderRequests("vcluster-es", measured.rounds.ours[0]),
    renderRequests("peer", measured.rounds.peer[0]),
    ...missedGoals(rows),
  ].join("\n")
}

const bench = Effect.gen(function* () {
  const argv = process.argv.slice(2)
  if (argv.includes("--help")) {
    console.log(usage)
    return 0
  }
  const plan = yield* Effect.try({
    try: () => planFrom(argv),
    catch: (cause) => new GroundError({ message: `${String(cause)}\n${usage}` }),
  })
  if (!existsSync(binary)) return yield* new GroundError({ message: `${binary} is missing: npm run build` })
  console.log(show(yield* measure(plan), plan.json))
  return 0
})

runScript(bench)
