/** Memory of a syncer that keeps many objects in step: its peak, and at rest. */
import { existsSync, readFileSync } from "node:fs"
import { Effect } from "effect"
import type { Running } from "../test/clusters/programs.ts"
import { type Competitor, cpuSeconds } from "./competitors.ts"
import { createExternalSecrets, type Place, removeVirtualSecrets, say } from "./ground.ts"
import { backSync, coldSync, hostCopies } from "./phases.ts"

/** MiB. Pss (proc(5), smaps_rollup) counts shared pages once among those who share them. */
export interface Memory {
  /** Highest RSS while all objects went to the host and back. */
  readonly peak: number
  readonly restRss: number
  readonly restPss: number
  /** The same after a restart, with everything in step already. */
  readonly restartPeak: number
  readonly restartRss: number
  readonly restartPss: number
}

const kib = (file: string, field: string): number => {
  if (!existsSync(file)) return Number.NaN
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync(file, "utf8"))
  return Number(found?.[1] ?? Number.NaN)
}

const look = ({ process: { pid } }: Running) => {
  const mib = (file: string, field: string) => kib(`/proc/${pid}/${file}`, field) / 1024
  return { peak: mib("status", "VmHWM"), rss: mib("status", "VmRSS"), pss: mib("smaps_rollup", "Pss") }
}

/** A tenth of a second of CPU in five seconds is rest: timers, bookmarks, the Lease. */
const quietFor = "5 seconds"
const quietCpu = 0.1

const untilAtRest = Effect.fnUntraced(function* (running: Running) {
  let before = Number.NEGATIVE_INFINITY
  while (cpuSeconds(running) - before > quietCpu) {
    before = cpuSeconds(running)
    yield* Effect.sleep(quietFor)
  }
  // Both runtimes give memory back some time after the last work.
  yield* Effect.sleep("10 seconds")
})

const firstRun = Effect.fnUntraced(function* (place: Place, competitor: Competitor, objects: number) {
  const { running } = yield* coldSync(place, competitor, objects)
  const copies = yield* hostCopies(place, competitor.namespace)
  yield* backSync(place, competitor, running, copies, objects)
  yield* untilAtRest(running)
  return look(running)
}, Effect.scoped)

const restarted = Effect.fnUntraced(function* (competitor: Competitor) {
  const running = yield* competitor.start
  yield* Effect.sleep("3 seconds")
  yield* untilAtRest(running)
  return look(running)
}, Effect.scoped)

/** The clusters are clean before; the ExternalSecrets stay in the virtual cluster afterwards. */
export const measureMemory = Effect.fnUntraced(function* (
  place: Place,
  rivals: ReadonlyArray<Competitor>,
  objects: number,
) {
  const results = new Map<string, Memory>()
  yield* say(`memory: creating ${objects} ExternalSecrets in the virtual cluster …`)
  yield* createExternalSecrets(place, 0, objects)
  for (const competitor of rivals) {
    yield* say(`memory: ${competitor.name} …`)
    const first = yield* firstRun(place, competitor, objects)
    const second = yield* restarted(competitor)
    results.set(competitor.name, {
      peak: first.peak,
      restRss: first.rss,
      restPss: first.pss,
      restartPeak: second.peak,
      restartRss: second.rss,
      restartPss: second.pss,
    })
    if (competitor !== rivals.at(-1)) yield* removeVirtualSecrets(place)
  }
  return results
})
