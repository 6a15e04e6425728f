/** The real External Secrets Operator on a control plane. */
import { readFile } from "node:fs/promises"
import { request } from "node:http"
import { Effect } from "effect"
import { parseAllDocuments } from "yaml"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import type { KubeError } from "../support/kube-error.ts"
import { crds } from "../support/resources.ts"
import type { ControlPlane } from "./control-plane.ts"
import { describeCause, GroundError } from "./errors.ts"
import { freePort } from "./ports.ts"
import { createEsoDeployment, reportEso } from "./eso-deployment.ts"
import { esoReleases, type EsoVersion } from "./tool-sets.ts"
import { type EsoTools, esoTools } from "./tools.ts"
import { type Process, tailOf, type Watchdog } from "./watchdog.ts"

export interface EsoOptions {
  /** Default 0.20. */
  readonly version?: EsoVersion
  /** Further flags of the controller. */
  readonly flags?: ReadonlyArray<string>
  /** Added to its environment, e.g. `AWS_SECRETSMANAGER_ENDPOINT`. */
  readonly env?: Readonly<Record<string, string>>
  /** Default true: installs the CRDs first. */
  readonly installCrds?: boolean
}

export interface Eso {
  readonly version: EsoVersion
  /** `http://127.0.0.1:PORT/metrics`; another port after each start. */
  readonly metrics: () => string
  /** SIGKILL unless given; nothing when it is down already. Its Deployment says so. */
  readonly stop: (signal?: NodeJS.Signals) => Effect.Effect<void>
  /** Returns when it reconciles. */
  readonly start: Effect.Effect<void, GroundError>
}

/** Controllers that must have workers before ESO counts as started. */
const controllersWith = (flags: ReadonlyArray<string>): ReadonlyArray<string> => [
  "externalsecret",
  "secretstore",
  ...(flags.includes("--enable-cluster-store-reconciler=false") ? [] : ["clustersecretstore"]),
]

const isCrd = (value: unknown): value is KubeObject =>
  typeof value === "object" &&
  value !== null &&
  Reflect.get(value, "kind") === "CustomResourceDefinition" &&
  typeof Reflect.get(value, "metadata") === "object"

/** The CRDs of a bundle, as objects. */
export const readCrds = (path: string): Effect.Effect<ReadonlyArray<KubeObject>, GroundError> =>
  Effect.tryPromise({
    try: async () => parseAllDocuments(await readFile(path, "utf8")).map((document): unknown => document.toJS()),
    catch: (cause) => new GroundError({ message: `cannot read the CRDs in ${path}: ${describeCause(cause)}` }),
  }).pipe(Effect.map((documents) => documents.filter(isCrd)))

const isTrueCondition = (condition: unknown, type: string): boolean =>
  typeof condition === "object" &&
  condition !== null &&
  Reflect.get(condition, "type") === type &&
  Reflect.get(condition, "status") === "True"

export const isEstablished = (crd: KubeObject): boolean => {
  const { status } = crd
  const conditions: unknown = typeof status === "object" && status !== null ? Reflect.get(status, "conditions") : []
  return Array.isArray(conditions) && conditions.some((condition) => isTrueCondition(condition, "Established"))
}

/** Installs ESO's CRDs of a version; returns when they are served. `only`: names without the group, e.g. `externalsecrets`. */
export const installEsoCrds = Effect.fnUntraced(function* (
  cluster: ControlPlane,
  version: EsoVersion = "0.20",
  only?: ReadonlyArray<string>,
): Effect.fn.Return<void, GroundError | KubeError> {
  const tools = yield* esoTools(version)
  const all = yield* readCrds(tools.crds)
  const wanted = all.filter((crd) => only === undefined || only.includes(crd.metadata.name.split(".")[0] ?? ""))
  yield* Effect.forEach(wanted, (crd) => cluster.kube.apply(crds, crd, "eso"), { concurrency: 4, discard: true })
  const names = new Set(wanted.map((crd) => crd.metadata.name))
  yield* cluster.kube.waitForList(
    crds,
    {},
    (found) => found.filter((crd) => names.has(crd.metadata.name) && isEstablished(crd)).length === names.size,
    { what: "ESO's CRDs established" },
  )
})

export const answers = (url: string): Effect.Effect<boolean> =>
  Effect.promise(
    (signal) =>
      new Promise((resolve) => {
        request(url, { signal }, (response) => {
          response.resume()
          resolve(response.statusCode === 200)
        })
          .on("error", () => resolve(false))
          .end()
      }),
  )

/** ESO has no sign of its own for "reconciling"; controller-runtime logs when a controller's workers start, after its caches are filled. */
const hasWorkers = (log: string, controllers: ReadonlyArray<string>): boolean =>
  controllers.every((name) =>
    log.split("\n").some((line) => line.includes("Starting workers") && line.includes(`"controller":"${name}"`)),
  )

const untilReconciling = (
  process: Process,
  metrics: string,
  controllers: ReadonlyArray<string>,
): Effect.Effect<void, GroundError> => {
  const poll = Effect.gen(function* () {
    for (;;) {
      const log = yield* tailOf(process.stdout, 1000)
      if (hasWorkers(log, controllers) && (yield* answers(metrics))) return
      yield* Effect.sleep("50 millis")
    }
  })
  const failed = (how: string) =>
    Effect.flatMap(tailOf(process.stdout), (log) =>
      Effect.fail(new GroundError({ message: `ESO ${how}; its log ends:\n${log}` })),
    )
  return Effect.raceFirst(
    poll,
    Effect.flatMap(process.exit, () => failed("ended")),
  ).pipe(Effect.timeoutOrElse({ duration: "60 seconds", orElse: () => failed("does not reconcile after 60 seconds") }))
}

/** Each start gets a log of its own (`eso-0.20-1.log`): the signs of an earlier one must not count. */
class Operator {
  readonly #watchdog: Watchdog
  readonly #cluster: ControlPlane
  readonly #tools: EsoTools
  readonly #options: EsoOptions
  #starts = 0
  #running: Process | undefined
  metrics = ""

  constructor(watchdog: Watchdog, cluster: ControlPlane, tools: EsoTools, options: EsoOptions) {
    this.#watchdog = watchdog
    this.#cluster = cluster
    this.#tools = tools
    this.#options = options
  }

  readonly start: Effect.Effect<void, GroundError> = Effect.gen({ self: this }, function* () {
    const metricsPort = yield* freePort
    const livePort = yield* freePort
    this.metrics = `http://127.0.0.1:${metricsPort}/metrics`
    this.#starts++
    const running = yield* this.#watchdog.start({
      name: `${this.#cluster.name}-eso-${this.#tools.version}-${this.#starts}`,
      file: this.#tools.controller,
      args: [
        `--metrics-addr=127.0.0.1:${metricsPort}`,
        ...(this.#tools.hasLiveAddress ? [`--live-addr=127.0.0.1:${livePort}`] : []),
        // ESO's default. Its `fake` provider writes a map without a lock: several workers now and then end the whole process.
        "--concurrent=1",
        ...(this.#options.flags ?? []),
      ],
      env: { ...this.#options.env, KUBECONFIG: this.#cluster.kubeconfig },
    })
    this.#running = running
    yield* untilReconciling(running, this.metrics, controllersWith(this.#options.flags ?? []))
    yield* reportEso(this.#cluster, true)
    yield* Effect.forkDetach(this.#restartAfterCrash(running))
  })

  /** As a Deployment would. 2 is how a Go program ends that panics; who is stopped ends by a signal. */
  #restartAfterCrash(running: Process): Effect.Effect<void> {
    return Effect.flatMap(running.exit, ({ code }) =>
      code === 2 && this.#running === running ? Effect.ignore(this.start) : Effect.void,
    )
  }

  stop(signal?: NodeJS.Signals): Effect.Effect<void> {
    return Effect.suspend(() =>
      this.#running === undefined || this.#running.hasExited()
        ? Effect.void
        : Effect.andThen(this.#running.stop(signal), reportEso(this.#cluster, false)),
    )
  }
}

/** Installs the CRDs and starts ESO on the cluster; returns when it reconciles. It ends with the watchdog. */
export const startEso = Effect.fnUntraced(function* (
  watchdog: Watchdog,
  cluster: ControlPlane,
  options: EsoOptions = {},
): Effect.fn.Return<Eso, GroundError | KubeError> {
  const version = options.version ?? "0.20"
  const tools = yield* esoTools(version)
  if (options.installCrds !== false) {
    yield* installEsoCrds(cluster, version)
    // So that the garbage collector knows the new kinds now.
    yield* cluster.restartControllerManager
  }
  yield* createEsoDeployment(cluster, esoReleases[version].version)
  const operator = new Operator(watchdog, cluster, tools, options)
  yield* operator.start
  return { version, metrics: () => operator.metrics, stop: (signal) => operator.stop(signal), start: operator.start }
})
