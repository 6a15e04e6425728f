/** From measurements to the table, the ratios and the goals (pure). */
import type { Memory } from "./memory.ts"
import type { Requests } from "./requests.ts"
import type { Start } from "./start.ts"
import type { StartUp } from "./start-up.ts"

/** One round of one competitor. Times in seconds, latencies in milliseconds. */
export interface Round {
  readonly cold: number
  readonly coldWriting: number
  /** Only beside vcluster-es, whose bodies they are. */
  readonly raw?: number
  readonly back: number
  readonly generator: number
  readonly rotations: ReadonlyArray<number>
  readonly requests: Requests
  /** CPU seconds of the process for cold and back sync together. */
  readonly cpu: number
}

export interface Measured {
  readonly machine: string
  readonly load: { readonly before: number; readonly after: number }
  readonly objects: number
  readonly memoryObjects: number
  readonly rounds: { readonly ours: ReadonlyArray<Round>; readonly peer: ReadonlyArray<Round> }
  /** With everything in place. */
  readonly starts: { readonly ours: ReadonlyArray<Start>; readonly peer: ReadonlyArray<Start> }
  readonly memory: { readonly ours: Memory | undefined; readonly peer: Memory | undefined }
  readonly startUp: StartUp
}

export interface Row {
  readonly measure: string
  readonly unit: string
  readonly ours: number | undefined
  /** Who or what it is held against, and its figure. */
  readonly other: string
  readonly theirs: number | undefined
  readonly ratio: number | undefined
  readonly goal: string
  /** Undefined: no goal, or not measured. */
  readonly met: boolean | undefined
}

export const quantile = (values: ReadonlyArray<number>, share: number): number | undefined => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}

export const median = (values: ReadonlyArray<number>): number | undefined => {
  const sorted = values.toSorted((a, b) => a - b)
  const high = sorted[Math.floor(sorted.length / 2)]
  const low = sorted[Math.floor((sorted.length - 1) / 2)]
  return low === undefined || high === undefined ? undefined : (low + high) / 2
}

type Limit = { readonly atLeast: number } | { readonly atMost: number } | undefined

const keeps = (value: number | undefined, limit: Limit): boolean | undefined => {
  if (value === undefined || Number.isNaN(value) || limit === undefined) return undefined
  return "atLeast" in limit ? value >= limit.atLeast : value <= limit.atMost
}

const goalText = (limit: Limit, of: string): string => {
  if (limit === undefined) return ""
  return "atLeast" in limit ? `${of} ≥ ${limit.atLeast}` : `${of} ≤ ${limit.atMost}`
}

const compared = (
  measure: string,
  unit: string,
  ours: number | undefined,
  other: string,
  theirs: number | undefined,
  limit?: Limit,
): Row => {
  const ratio = ours === undefined || theirs === undefined ? undefined : ours / theirs
  return { measure, unit, ours, other, theirs, ratio, goal: goalText(limit, "ratio"), met: keeps(ratio, limit) }
}

const alone = (
  measure: string,
  unit: string,
  ours: number | undefined,
  theirs: number | undefined,
  limit: Limit,
): Row => ({
  measure,
  unit,
  ours,
  other: "peer",
  theirs,
  ratio: undefined,
  goal: goalText(limit, "value"),
  met: keeps(ours, limit),
})

const rate = (objects: number, seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : objects / seconds

/** Median over the rounds. */
const over = (rounds: ReadonlyArray<Round>, of: (round: Round) => number | undefined): number | undefined =>
  median(rounds.map(of).filter((value) => value !== undefined))

const throughput = ({ objects, rounds: { ours, peer } }: Measured): ReadonlyArray<Row> => {
  const coldOurs = over(ours, ({ cold }) => cold)
  const coldPeer = over(peer, ({ cold }) => cold)
  const raw = over(ours, (round) => round.raw)
  const writing = (rounds: ReadonlyArray<Round>) =>
    rate(
      objects,
      over(rounds, ({ coldWriting }) => coldWriting),
    )
  const back = (rounds: ReadonlyArray<Round>) => over(rounds, (round) => round.back)
  const cpu = (rounds: ReadonlyArray<Round>) => over(rounds, (round) => (round.cpu * 1000) / objects)
  return [
    compared(`cold sync of ${objects}`, "s", coldOurs, "peer", coldPeer),
    compared("cold sync, start included", "/s", rate(objects, coldOurs), "peer", rate(objects, coldPeer), {
      atLeast: 1,
    }),
    compared("cold sync, start included", "/s", rate(objects, coldOurs), "raw POSTs", rate(objects, raw), {
      atLeast: 0.8,
    }),
    compared("cold sync, first to last write", "/s", writing(ours), "peer", writing(peer)),
    compared("cold sync, first to last write", "/s", writing(ours), "raw POSTs", rate(objects, raw)),
    compared(`back sync of ${objects}`, "s", back(ours), "peer", back(peer)),
    compared("back sync", "/s", rate(objects, back(ours)), "peer", rate(objects, back(peer)), { atLeast: 1 }),
    compared("CPU per object, both ways", "ms", cpu(ours), "peer", cpu(peer)),
  ]
}

const latencyAt = (rounds: ReadonlyArray<Round>, share: number) =>
  over(rounds, (round) => quantile(round.rotations, share))

const latency = ({ rounds: { ours, peer } }: Measured): ReadonlyArray<Row> => {
  return [
    compared("rotation, p50", "ms", latencyAt(ours, 0.5), "peer", latencyAt(peer, 0.5)),
    compared("rotation, p99", "ms", latencyAt(ours, 0.99), "peer", latencyAt(peer, 0.99), { atMost: 1 }),
  ]
}

const perObject = (rounds: ReadonlyArray<Round>, what: "gets" | "writes") =>
  over(rounds, (round) => round.requests[what])

/** Its copy on the host, its Secret and its status in the virtual cluster: see docs/performance.md. */
const leastRequests = 3

const sum = (left: number | undefined, right: number | undefined): number | undefined =>
  left === undefined || right === undefined ? undefined : left + right

const requests = ({ rounds: { ours, peer } }: Measured): ReadonlyArray<Row> => {
  return [
    compared(
      "requests per new ExternalSecret",
      "",
      sum(perObject(ours, "gets"), perObject(ours, "writes")),
      "least possible",
      leastRequests,
      { atMost: 1 },
    ),
    alone("GETs per new ExternalSecret", "", perObject(ours, "gets"), perObject(peer, "gets"), { atMost: 0 }),
    // Its copy, its Secret, its status; the one status change of ESO is in it.
    alone("writes per new ExternalSecret", "", perObject(ours, "writes"), perObject(peer, "writes"), { atMost: 3 }),
  ]
}

const starts = ({ starts: { ours, peer } }: Measured): ReadonlyArray<Row> => {
  const row = (what: string, unit: string, of: (start: Start) => number, limit?: Limit): Row =>
    compared(`${what}, start to first write`, unit, median(ours.map(of)), "peer", median(peer.map(of)), limit)
  return [
    row("time", "ms", ({ millis }) => millis, { atMost: 0.7 }),
    row("requests", "", (start) => start.requests),
    row("read", "KiB", ({ kib }) => kib),
  ]
}

const memory = ({ memoryObjects, memory: { ours, peer } }: Measured): ReadonlyArray<Row> => {
  const row = (measure: string, of: (memory: Memory) => number, limit?: Limit): Row =>
    compared(
      `${measure}, ${memoryObjects} objects`,
      "MiB",
      ours === undefined ? undefined : of(ours),
      "peer",
      peer === undefined ? undefined : of(peer),
      limit,
    )
  return [
    row("RSS, peak of cold and back sync", ({ peak }) => peak, { atMost: 1 }),
    row("RSS, at rest after it", ({ restRss }) => restRss, { atMost: 1 }),
    row("PSS, at rest after it", ({ restPss }) => restPss),
    row("RSS, peak of a restart", ({ restartPeak }) => restartPeak, { atMost: 1 }),
    row("RSS, at rest after a restart", ({ restartRss }) => restartRss, { atMost: 1 }),
    row("PSS, at rest after a restart", ({ restartPss }) => restartPss),
  ]
}

export const rowsOf = (measured: Measured): ReadonlyArray<Row> => [
  ...throughput(measured),
  ...latency(measured),
  ...requests(measured),
  ...starts(measured),
  ...(measured.memoryObjects === 0 ? [] : memory(measured)),
  compared("version --client", "ms", median(measured.startUp.ours), "kubectl", median(measured.startUp.kubectl), {
    atMost: 0.5,
  }),
]

const figure = (value: number | undefined, unit: string): string => {
  if (value === undefined || Number.isNaN(value)) return "not measured"
  const digits = unit === "MiB" || unit === "/s" ? 0 : 2
  return `${value.toFixed(digits)}${unit === "" ? "" : ` ${unit}`}`
}

const verdict = (row: Row): string => {
  if (row.met === undefined) return row.goal === "" ? "" : "?"
  return row.met ? "met" : "MISSED"
}

const cells = (row: Row): ReadonlyArray<string> => [
  row.measure,
  figure(row.ours, row.unit),
  `${row.other}: ${figure(row.theirs, row.unit)}`,
  row.ratio === undefined ? "" : row.ratio.toFixed(2),
  row.goal,
  verdict(row),
]

/** A Markdown table, aligned so that a terminal shows it well. */
export const renderTable = (rows: ReadonlyArray<Row>): string => {
  const lines = [["measure", "vcluster-es", "beside", "ratio", "goal", ""], ...rows.map(cells)]
  const widths = (lines[0] ?? []).map((_, column) => Math.max(3, ...lines.map((line) => line[column]?.length ?? 0)))
  const render = (line: ReadonlyArray<string>) =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`
  const [head = [], ...body] = lines
  return [render(head), rule, ...body.map(render)].join("\n")
}

export const missedGoals = (rows: ReadonlyArray<Row>): ReadonlyArray<string> =>
  rows
    .filter((row) => row.met === false)
    .map(
      (row) =>
        `goal missed: ${row.measure} (${row.other}): ${row.goal}, but ${row.ratio === undefined ? figure(row.ours, row.unit) : `the ratio is ${row.ratio.toFixed(2)}`}`,
    )

/** Where the requests of one object go, for both. */
export const renderRequests = (name: string, round: Round | undefined): string => {
  const kinds = Object.entries(round?.requests.byKind ?? {}).toSorted(([, a], [, b]) => b - a)
  return `writes per new ExternalSecret, ${name}: ${kinds.length === 0 ? "not measured" : kinds.map(([kind, count]) => `${kind} ${count.toFixed(2)}`).join(", ")}`
}
