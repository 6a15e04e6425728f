/** The test ground: two real control planes, host and virtual, that end with the scope; or the host alone, for real vClusters beside it. */
import { cp, mkdir } from "node:fs/promises"
import { basename, join } from "node:path"
import { Cause, Context, type Duration, Effect, Exit, Layer, type Scope } from "effect"
import type { KubeError } from "../support/kube-error.ts"
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from "./control-plane.ts"
import { describeCause, GroundError } from "./errors.ts"
import { type Eso, type EsoOptions, startEso } from "./eso.ts"
import { type Moto, startMoto } from "./moto.ts"
import { type Finished, type Program, type Running, runProgram, startProgram } from "./programs.ts"
import { type KubernetesTools, kubernetesToolsFor } from "./tools.ts"
import { type RealVcluster, type RealVclusterOptions, startRealVcluster } from "./real-vcluster.ts"
import { adminOf, seedVcluster, type Vcluster } from "./vcluster.ts"
import { makeWatchdog, type Watchdog } from "./watchdog.ts"

export interface GroundOptions {
  readonly host?: Omit<ControlPlaneOptions, "name">
  readonly virtual?: Omit<ControlPlaneOptions, "name">
  /** Where the logs go when the scope ends with a failure (a test that failed, a ground that did not come up). */
  readonly logsTo?: string
}

/** A host and no virtual cluster yet. */
export interface HostGround {
  /** Removed at the end; kubeconfigs and logs are in it. */
  readonly folder: string
  readonly watchdog: Watchdog
  readonly tools: KubernetesTools
  readonly host: ControlPlane
  /** ESO on the host. */
  readonly startEso: (options?: EsoOptions) => Effect.Effect<Eso, GroundError | KubeError>
  /** A real vCluster on the host; any number, each in a namespace of its own. */
  readonly startRealVcluster: (options: RealVclusterOptions) => Effect.Effect<RealVcluster, GroundError | KubeError>
  /** Runs a program to its end. */
  readonly run: (program: Program, timeout?: Duration.Input) => Effect.Effect<Finished, GroundError>
  /** Starts a program that goes on. */
  readonly start: (program: Program) => Effect.Effect<Running, GroundError>
  readonly kubectl: (
    cluster: Pick<ControlPlane, "kubeconfig">,
    args: ReadonlyArray<string>,
    input?: string,
  ) => Effect.Effect<Finished, GroundError>
  /** Copies all logs, and what programs wrote, to a folder; no kubeconfig, no key. */
  readonly keepLogs: (folder: string) => Effect.Effect<void, GroundError>
}

export interface GroundShape extends HostGround {
  readonly virtual: ControlPlane
  /** A further control plane (a second virtual cluster, say). */
  readonly addControlPlane: (options: ControlPlaneOptions) => Effect.Effect<ControlPlane, GroundError>
  /** AWS Secrets Manager and Parameter Store; give its `esoEnv` to {@link startEso}. */
  readonly startMoto: Effect.Effect<Moto, GroundError>
  /** What a vCluster leaves on its host; its kubeconfig Secret is one of the virtual control plane, unless another is given. */
  readonly seedVcluster: (vcluster: Vcluster, virtual?: ControlPlane) => Effect.Effect<void, KubeError>
}

/** Folders of this process's grounds that are up, for {@link keepAllLogs}. */
const open = new Set<string>()

const isLog = (path: string): boolean => /\.(log|out|err)$/.test(path)

const copyLogs = (from: string, to: string): Effect.Effect<void, GroundError> =>
  Effect.tryPromise({
    try: async () => {
      await mkdir(to, { recursive: true })
      await cp(from, to, {
        recursive: true,
        filter: (path) => path === from || isLog(path) || ["host", "virtual"].includes(basename(path)),
      })
    },
    catch: (cause) => new GroundError({ message: `cannot copy the logs to ${to}: ${describeCause(cause)}` }),
  })

/** Copies the logs of every ground of this process; gives the folders. */
export const keepAllLogs = (folder: string): Effect.Effect<ReadonlyArray<string>, GroundError> =>
  Effect.forEach([...open], (ground, index) => {
    const target = index === 0 ? folder : join(folder, String(index + 1))
    return Effect.as(copyLogs(ground, target), target)
  })

/** Must come after the watchdog in the scope, so that it runs before the folder is removed. */
const rememberFolder = (folder: string, logsTo: string | undefined): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.sync(() => open.add(folder)),
      (_, exit) =>
        Effect.gen(function* () {
          open.delete(folder)
          if (logsTo === undefined || Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return
          yield* copyLogs(folder, logsTo)
          process.stderr.write(`test ground: logs kept in ${logsTo}\n`)
        }).pipe(Effect.ignore),
    ),
  )

const hostGround = (watchdog: Watchdog, tools: KubernetesTools, host: ControlPlane): HostGround => ({
  folder: watchdog.folder,
  watchdog,
  tools,
  host,
  startEso: (options) => startEso(watchdog, host, options),
  startRealVcluster: (options) => startRealVcluster(watchdog, host, options),
  run: (program, timeout) => runProgram(watchdog, program, timeout),
  start: (program) => startProgram(watchdog, program),
  kubectl: (cluster, args, input) =>
    runProgram(watchdog, {
      file: tools.kubectl,
      args: [`--kubeconfig=${cluster.kubeconfig}`, ...args],
      // No cache of discovery outside of the ground's folder.
      env: { HOME: watchdog.folder },
      ...(input === undefined ? {} : { input }),
    }),
  keepLogs: (folder) => copyLogs(watchdog.folder, folder),
})

const openGround = Effect.fnUntraced(function* (logsTo: string | undefined) {
  const tools = yield* kubernetesToolsFor("host")
  const others = yield* kubernetesToolsFor("others")
  const watchdog = yield* makeWatchdog({ prefix: "vcluster-es-ground-" })
  yield* rememberFolder(watchdog.folder, logsTo)
  return {
    tools,
    watchdog,
    start: (options: ControlPlaneOptions) =>
      startControlPlane(watchdog, options.name === "host" ? tools : others, options),
  }
})

/** Starts host and virtual side by side. Everything is gone when the scope has closed. */
export const makeGround = Effect.fnUntraced(function* (
  options: GroundOptions = {},
): Effect.fn.Return<GroundShape, GroundError, Scope.Scope> {
  const { watchdog, tools, start } = yield* openGround(options.logsTo)
  const [host, virtual] = yield* Effect.all(
    [start({ ...options.host, name: "host" }), start({ ...options.virtual, name: "virtual" })],
    { concurrency: 2 },
  )
  return {
    ...hostGround(watchdog, tools, host),
    virtual,
    addControlPlane: start,
    startMoto: startMoto(watchdog),
    seedVcluster: (vcluster, other = virtual) => seedVcluster(host, adminOf(other), vcluster),
  }
})

/** Starts a host alone. */
export const makeHostGround = Effect.fnUntraced(function* (
  options: Pick<GroundOptions, "host" | "logsTo"> = {},
): Effect.fn.Return<HostGround, GroundError, Scope.Scope> {
  const { watchdog, tools, start } = yield* openGround(options.logsTo)
  return hostGround(watchdog, tools, yield* start({ ...options.host, name: "host" }))
})

export class Ground extends Context.Service<Ground, GroundShape>()("vcluster-es/test/Ground") {
  static readonly layer = (options: GroundOptions = {}): Layer.Layer<Ground, GroundError> =>
    Layer.effect(Ground, makeGround(options))
}
