/**
 * ESO's validating webhook on a control plane: the real `external-secrets webhook` and `external-secrets certcontroller`, with
 * the objects that ESO's chart makes for them (`eso-webhook-objects.ts`). What a kubelet would do, putting the
 * Secret's files where the webhook reads them, is done here.
 */
import { mkdir, rename, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { connect } from "node:tls"
import { Effect, type Scope } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import type { KubeError } from "../support/kube-error.ts"
import { secrets, validatingWebhookConfigurations } from "../support/resources.ts"
import type { ClusterNetwork } from "./cluster-network.ts"
import type { ControlPlane } from "./control-plane.ts"
import { describeCause, GroundError } from "./errors.ts"
import { answers } from "./eso.ts"
import {
  caBundles,
  createWebhookObjects,
  webhookConfigurations,
  webhookHost,
  webhookRef,
} from "./eso-webhook-objects.ts"
import { freePort } from "./ports.ts"
import type { EsoVersion } from "./tool-sets.ts"
import { type EsoTools, esoTools } from "./tools.ts"
import { type Process, tailOf, type Watchdog } from "./watchdog.ts"

export interface EsoWebhook {
  /** Its port on the loopback address: where the networks of the clusters lead to. */
  readonly port: number
  /** SIGKILL; nothing when it is down already. */
  readonly stop: Effect.Effect<void>
  /** Returns when it answers. */
  readonly start: Effect.Effect<void, GroundError>
  /** An empty Secret: the certcontroller makes a new CA. Returns when it is in use on the cluster, and gives it (base64). */
  readonly rotate: Effect.Effect<string, KubeError>
}

const fieldOf = (secret: KubeObject, key: string): string | undefined => {
  const data: unknown = secret["data"]
  const value: unknown = typeof data === "object" && data !== null ? Reflect.get(data, key) : undefined
  return typeof value === "string" && value !== "" ? value : undefined
}

const files = ["ca.crt", "tls.key", "tls.crt"] as const

const project = (secret: KubeObject, folder: string): Effect.Effect<void, GroundError> =>
  Effect.tryPromise({
    try: async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const written = files.map((file) => ({ path: join(folder, file), data: fieldOf(secret, file) ?? "" }))
      await Promise.all(
        written.map(({ path, data }) => writeFile(`${path}.new`, Buffer.from(data, "base64"), { mode: 0o600 })),
      )
      await Promise.all(written.map(({ path }) => rename(`${path}.new`, path)))
    },
    catch: (cause) => new GroundError({ message: `cannot write the webhook's certificate: ${describeCause(cause)}` }),
  })

const isComplete = (secret: KubeObject): boolean => files.every((file) => fieldOf(secret, file) !== undefined)

/** Waits for a Secret other than `former`, and puts its files in place. @returns its CA, base64 */
const projectNext = Effect.fnUntraced(function* (cluster: ControlPlane, folder: string, former: string | undefined) {
  const secret = yield* cluster.kube.waitFor(
    secrets,
    webhookRef,
    (found) => isComplete(found) && fieldOf(found, "tls.crt") !== former,
    { timeout: "30 minutes", what: "another certificate of ESO's webhook" },
  )
  yield* project(secret, folder)
  return fieldOf(secret, "tls.crt")
})

const serves = (port: number, ca: string): Effect.Effect<boolean> =>
  Effect.promise(
    () =>
      new Promise((resolve) => {
        const socket = connect({
          port,
          host: "127.0.0.1",
          servername: webhookHost,
          ca: Buffer.from(ca, "base64"),
        })
        const done = (trusted: boolean) => {
          socket.destroy()
          resolve(trusted)
        }
        socket.once("secureConnect", () => done(true)).once("error", () => done(false))
      }),
  )

/** The webhook reads its files again when they change, and says nothing about it. */
const untilServing = (port: number, ca: string): Effect.Effect<void> =>
  Effect.gen(function* () {
    while (!(yield* serves(port, ca))) yield* Effect.sleep("50 millis")
  })

const awaitCa = Effect.fnUntraced(function* (
  cluster: ControlPlane,
  former: string | undefined,
): Effect.fn.Return<string, KubeError> {
  const secret = yield* cluster.kube.waitFor(
    secrets,
    webhookRef,
    (found) => isComplete(found) && fieldOf(found, "ca.crt") !== former,
    { what: "a CA of ESO's certcontroller", timeout: "60 seconds" },
  )
  const ca = fieldOf(secret, "ca.crt") ?? ""
  yield* Effect.forEach(
    webhookConfigurations,
    ({ metadata }) =>
      cluster.kube.waitFor(
        validatingWebhookConfigurations,
        metadata,
        (found) => caBundles(found).every((bundle) => bundle === ca),
        { what: "ESO's CA in its webhook configurations", timeout: "60 seconds" },
      ),
    { concurrency: 2, discard: true },
  )
  return ca
})

const untilAnswering = (process: Process, url: string): Effect.Effect<void, GroundError> => {
  const poll = Effect.gen(function* () {
    while (!(yield* answers(url))) yield* Effect.sleep("50 millis")
  })
  const failed = (how: string) =>
    Effect.flatMap(tailOf(process.stdout), (log) =>
      Effect.fail(new GroundError({ message: `ESO's webhook ${how}; its log ends:\n${log}` })),
    )
  return Effect.raceFirst(
    poll,
    Effect.flatMap(process.exit, () => failed("ended")),
  ).pipe(Effect.timeoutOrElse({ duration: "60 seconds", orElse: () => failed("is not ready after 60 seconds") }))
}

/** The webhook's process, that can be stopped and started; always on the same port. */
class WebhookServer {
  readonly #watchdog: Watchdog
  readonly #cluster: ControlPlane
  readonly #tools: EsoTools
  readonly #folder: string
  readonly port: number
  #starts = 0
  #running: Process | undefined

  constructor(watchdog: Watchdog, cluster: ControlPlane, tools: EsoTools, folder: string, port: number) {
    this.#watchdog = watchdog
    this.#cluster = cluster
    this.#tools = tools
    this.#folder = folder
    this.port = port
  }

  readonly start = Effect.gen({ self: this }, function* () {
    const metricsPort = yield* freePort
    const healthPort = yield* freePort
    this.#running = yield* this.#watchdog.start({
      name: `${this.#cluster.name}-eso-webhook-${++this.#starts}`,
      file: this.#tools.controller,
      args: [
        "webhook",
        `--port=${this.port}`,
        `--dns-name=${webhookHost}`,
        `--cert-dir=${this.#folder}`,
        `--metrics-addr=127.0.0.1:${metricsPort}`,
        `--healthz-addr=127.0.0.1:${healthPort}`,
      ],
      env: { KUBECONFIG: this.#cluster.kubeconfig },
    })
    yield* untilAnswering(this.#running, `http://127.0.0.1:${healthPort}/readyz`)
  })

  readonly stop = Effect.suspend(() =>
    this.#running === undefined ? Effect.void : Effect.asVoid(this.#running.stop()),
  )
}

const startCertController = Effect.fnUntraced(function* (watchdog: Watchdog, cluster: ControlPlane, tools: EsoTools) {
  const metricsPort = yield* freePort
  const healthPort = yield* freePort
  return yield* watchdog.start({
    name: `${cluster.name}-eso-certcontroller`,
    file: tools.controller,
    args: [
      "certcontroller",
      // The chart's is five minutes, which is how long a new CA takes at most.
      "--crd-requeue-interval=2s",
      `--service-name=${webhookRef.name}`,
      `--service-namespace=${webhookRef.namespace}`,
      `--secret-name=${webhookRef.name}`,
      `--secret-namespace=${webhookRef.namespace}`,
      `--metrics-addr=127.0.0.1:${metricsPort}`,
      `--healthz-addr=127.0.0.1:${healthPort}`,
    ],
    env: { KUBECONFIG: cluster.kubeconfig },
  })
})

/**
 * Starts ESO's webhook and certcontroller on a cluster that has ESO's CRDs; returns when the cluster's admission goes through it.
 *
 * @param host how the cluster itself reaches it (its control plane was started with `clusterNetwork`)
 * @param others the networks of further clusters that may ask it, by its name
 */
export const startEsoWebhook = Effect.fnUntraced(function* (
  watchdog: Watchdog,
  cluster: ControlPlane,
  host: ClusterNetwork,
  others: ReadonlyArray<ClusterNetwork> = [],
  version: EsoVersion = "0.20",
): Effect.fn.Return<EsoWebhook, GroundError | KubeError, Scope.Scope> {
  const tools = yield* esoTools(version)
  const port = yield* freePort
  const address = yield* createWebhookObjects(cluster)
  for (const network of [host, ...others]) network.route(`${webhookHost}:443`, port)
  host.route(`${address}:443`, port)
  const certificates = join(cluster.folder, "webhook-certificates")
  yield* startCertController(watchdog, cluster, tools)
  const first = yield* projectNext(cluster, certificates, undefined)
  const server = new WebhookServer(watchdog, cluster, tools, certificates, port)
  yield* server.start
  const follow = (former: string | undefined): Effect.Effect<never, GroundError | KubeError> =>
    Effect.flatMap(projectNext(cluster, certificates, former), follow)
  yield* Effect.forkScoped(follow(first), { startImmediately: true })
  yield* awaitCa(cluster, undefined)
  const rotate = Effect.gen(function* () {
    const former = yield* cluster.kube.get(secrets, webhookRef)
    yield* cluster.kube.patch(secrets, webhookRef, { data: null })
    const ca = yield* awaitCa(cluster, fieldOf(former, "ca.crt"))
    yield* untilServing(port, ca)
    return ca
  })
  return { port, stop: server.stop, start: server.start, rotate }
})
