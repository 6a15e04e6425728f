/** Who is measured: vcluster-es as it is built, and the peer, a syncer on controller-runtime that is no part of this repository. */
import { existsSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { Effect, type Scope } from "effect"
import { GroundError } from "../test/clusters/errors.ts"
import type { Running } from "../test/clusters/programs.ts"
import { type Place, say, vclusters } from "./ground.ts"

export type CompetitorName = "vcluster-es" | "peer"

export interface Competitor {
  readonly name: CompetitorName
  /** Its host namespace. */
  readonly namespace: string
  /** How its `User-Agent` begins. */
  readonly agent: string
  /** Ends with the scope. */
  readonly start: Effect.Effect<Running, GroundError, Scope.Scope>
  /** The same, by other ways into the clusters. */
  readonly startThrough: (kubeconfigs: Kubeconfigs) => Effect.Effect<Running, GroundError, Scope.Scope>
}

/** Paths. */
export interface Kubeconfigs {
  readonly host: string
  readonly virtual: string
}

/** The next one starts on a machine without this one. */
const stop = (running: Running) =>
  Effect.andThen(running.signal("SIGTERM"), running.finished).pipe(
    Effect.timeoutOrElse({
      duration: "10 seconds",
      orElse: () => Effect.andThen(running.signal("SIGKILL"), running.finished),
    }),
  )

const competitor = (
  place: Place,
  name: CompetitorName,
  who: { readonly namespace: string; readonly agent: string },
  file: string,
  argsFor: (kubeconfigs: Kubeconfigs) => ReadonlyArray<string>,
): Competitor => {
  const startThrough = (kubeconfigs: Kubeconfigs) =>
    Effect.acquireRelease(place.ground.start({ file, args: argsFor(kubeconfigs) }), stop)
  const start = startThrough({ host: place.ground.host.kubeconfig, virtual: place.virtualCluster.kubeconfig })
  return { name, ...who, start, startThrough }
}

const vclusterEs = (place: Place): Competitor => {
  const { name, namespace } = vclusters.ours
  const argsFor = ({ host, virtual }: Kubeconfigs) => {
    const clusters = ["--kubeconfig", host, "--virtual-kubeconfig", virtual]
    return ["sync", name, "-n", namespace, ...clusters, "--follow"]
  }
  return competitor(place, "vcluster-es", { namespace, agent: "kubectl-vcluster-es/" }, place.binary, argsFor)
}

/** `VCLUSTER_ES_BENCH_PEER`, else beside the repository. */
const peerFolder = (): string => resolve(process.env["VCLUSTER_ES_BENCH_PEER"] ?? "../shared/peer")

const buildPeer = Effect.fnUntraced(function* (place: Place, folder: string): Effect.fn.Return<string, GroundError> {
  yield* say(`building the peer in ${folder} with Go (minutes the first time) …`)
  const file = join(place.ground.folder, "peer")
  const built = yield* place.ground.run({ file: "go", args: ["build", "-o", file, "."], cwd: folder }, "20 minutes")
  if (built.code !== 0) return yield* new GroundError({ message: `go build in ${folder}:\n${built.stderr}` })
  return file
})

const peer = Effect.fnUntraced(function* (place: Place) {
  const folder = peerFolder()
  if (!existsSync(join(folder, "go.mod"))) {
    yield* say(`no peer in ${folder} (VCLUSTER_ES_BENCH_PEER): its rows will say "not measured"`)
    return undefined
  }
  const { name, namespace } = vclusters.peer
  const argsFor = ({ host, virtual }: Kubeconfigs) => {
    const clusters = [`--host-kubeconfig=${host}`, `--virtual-kubeconfig=${virtual}`]
    return [...clusters, `--namespace=${namespace}`, `--vcluster=${name}`]
  }
  return competitor(place, "peer", { namespace, agent: "peer/" }, yield* buildPeer(place, folder), argsFor)
})

export const competitors = Effect.fnUntraced(function* (place: Place) {
  const other = yield* peer(place)
  return other === undefined ? [vclusterEs(place)] : [vclusterEs(place), other]
})

/** CPU seconds a process has used so far (proc(5): utime and stime in ticks of 1/100 s); 0 where there is no /proc. */
export const cpuSeconds = ({ process: { pid } }: Running): number => {
  const file = `/proc/${pid}/stat`
  if (!existsSync(file)) return 0
  const fields = readFileSync(file, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ")
  return (Number(fields[11]) + Number(fields[12])) / 100
}
