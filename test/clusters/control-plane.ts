/** One real Kubernetes control plane without a container engine: etcd or kine, API server and, unless turned off, controller manager. */
import { cp, mkdir, rm } from "node:fs/promises"
import { Effect } from "effect"
import { type Kube, makeKube } from "../support/kube.ts"
import type { Connection } from "../support/kube-http.ts"
import { type AuditLog, makeAuditLog } from "./audit-log.ts"
import {
  apiServerFlags,
  clusterNetworkFlags,
  controllerManagerFlags,
  dataFolder,
  etcdFlags,
  type Files,
  kineFlags,
  type Ports,
  type ServingAuthority,
  type Storage,
  writeFiles,
  writeKubeconfig,
} from "./control-plane-files.ts"
import { describeCause, GroundError } from "./errors.ts"
import type { CertificateAuthority } from "./pki.ts"
import { freePort } from "./ports.ts"
import { isReady, untilReady } from "./readiness.ts"
import { type KubernetesTools, kineTool } from "./tools.ts"
import { type Process, type Watchdog } from "./watchdog.ts"

export interface ControlPlaneOptions {
  /** Name of its folder in the ground's, of its context and in messages. */
  readonly name: string
  /** Default: on. Garbage collection, namespace deletion, service accounts and their tokens. */
  readonly controllerManager?: boolean
  /** Further names that the serving certificate is good for. */
  readonly hosts?: ReadonlyArray<string>
  /** Its API server reaches webhooks through {@link serveClusterNetwork} only. Default false: by itself, and no Service leads anywhere. */
  readonly clusterNetwork?: boolean
  /** Default: etcd. */
  readonly storage?: Storage
  /** Further flags of kube-apiserver. */
  readonly apiServerFlags?: ReadonlyArray<string>
}

export interface UserOptions {
  /** Name of the user in RBAC. */
  readonly user: string
  readonly groups?: ReadonlyArray<string>
  /** Default namespace of the context. */
  readonly namespace?: string
  /** Default: the control plane's name. */
  readonly context?: string
  /** Whose server certificates it trusts; default `usual`. */
  readonly trusts?: ServingAuthority
}

export interface ControlPlane {
  readonly name: string
  /** `https://127.0.0.1:PORT`, the same for its whole life. */
  readonly server: string
  /** Path of the admin's kubeconfig (group system:masters); its only context has the control plane's name. */
  readonly kubeconfig: string
  readonly folder: string
  readonly authorities: Readonly<Record<ServingAuthority, CertificateAuthority>>
  /** As admin; trusts both authorities. */
  readonly kube: Kube
  readonly audit: AuditLog
  /** How that user connects, with a client certificate. */
  readonly connectionAs: (user: UserOptions) => Connection
  /** Writes a kubeconfig for that user to `FOLDER/FILE` and gives its path. */
  readonly kubeconfigAs: (file: string, user: UserOptions) => Effect.Effect<string, GroundError>
  /** Ends the API server only; with SIGKILL (the default) as in a crash. The storage and the port stay. */
  readonly stopApiServer: (signal?: NodeJS.Signals) => Effect.Effect<void>
  /** On the same port and data; returns when it is ready. */
  readonly startApiServer: (serving?: ServingAuthority) => Effect.Effect<void, GroundError>
  /** Freezes (SIGSTOP) or thaws it: connections stay open and nothing answers. */
  readonly freezeApiServer: Effect.Effect<void>
  readonly thawApiServer: Effect.Effect<void>
  readonly stopControllerManager: Effect.Effect<void>
  /** Also a way to make the garbage collector know new CRDs at once: by itself it looks every 30 seconds. */
  readonly restartControllerManager: Effect.Effect<void, GroundError>
  /** Copies the storage's data, with the API server down meanwhile. */
  readonly backup: (label: string) => Effect.Effect<void, GroundError>
  /** Puts a backup in the place of the data: the same UIDs, older resourceVersions. */
  readonly restore: (label: string) => Effect.Effect<void, GroundError>
  /** Ends all of it, for a test that needs it no more. */
  readonly stop: Effect.Effect<void>
  /** An empty cluster under the same address and credentials: new UIDs. */
  readonly wipe: Effect.Effect<void, GroundError>
}

/** How many times other ports are tried when one was taken between the look and the use. */
const attempts = 5

const isPortTaken = (error: GroundError): boolean => error.message.includes("address already in use")

const onFiles = (what: string, action: () => Promise<void>): Effect.Effect<void, GroundError> =>
  Effect.tryPromise({
    try: action,
    catch: (cause) => new GroundError({ message: `cannot ${what}: ${describeCause(cause)}` }),
  })

type Part = "storage" | "apiServer" | "controllerManager"

/** The processes of one control plane; at most one of each at a time. */
class Processes {
  readonly #watchdog: Watchdog
  readonly #tools: KubernetesTools
  readonly #options: ControlPlaneOptions
  readonly #files: Files
  readonly #ports: Ports
  readonly #kube: Kube
  readonly #controllerKubeconfig: string
  readonly #running = new Map<Part, Process>()
  #serving: ServingAuthority = "usual"

  constructor(
    watchdog: Watchdog,
    tools: KubernetesTools,
    options: ControlPlaneOptions,
    files: Files,
    ports: Ports,
    kube: Kube,
    controllerKubeconfig: string,
  ) {
    this.#watchdog = watchdog
    this.#tools = tools
    this.#options = options
    this.#files = files
    this.#ports = ports
    this.#kube = kube
    this.#controllerKubeconfig = controllerKubeconfig
  }

  start(): Effect.Effect<void, GroundError> {
    return Effect.andThen(this.startStorage(), this.startApiServer()).pipe(
      Effect.andThen(this.startControllerManager()),
    )
  }

  /** Not waited for: the API server does that. */
  startStorage(): Effect.Effect<void, GroundError> {
    const { storage = "etcd" } = this.#options
    if (storage === "etcd")
      return Effect.asVoid(this.#launch("storage", storage, this.#tools.etcd, etcdFlags(this.#files, this.#ports)))
    return Effect.gen({ self: this }, function* () {
      const program = yield* kineTool(storage)
      yield* onFiles("make the folder of kine's data", async () => {
        await mkdir(dataFolder(this.#files), { recursive: true })
      })
      yield* this.#launch("storage", storage, program, kineFlags(this.#files, this.#ports))
    })
  }

  startApiServer(serving: ServingAuthority = this.#serving): Effect.Effect<void, GroundError> {
    return Effect.suspend(() => {
      this.#serving = serving
      const flags = [
        ...apiServerFlags(this.#files, this.#ports, serving),
        ...(this.#options.clusterNetwork === true ? clusterNetworkFlags(this.#files) : []),
        ...(this.#options.apiServerFlags ?? []),
      ]
      return this.#launch("apiServer", "kube-apiserver", this.#tools.apiServer, flags).pipe(
        Effect.flatMap((process) => untilReady(process, isReady(this.#kube))),
      )
    })
  }

  startControllerManager(): Effect.Effect<void, GroundError> {
    if (this.#options.controllerManager === false) return Effect.void
    const flags = controllerManagerFlags(this.#files, this.#controllerKubeconfig)
    return Effect.asVoid(
      this.#launch("controllerManager", "kube-controller-manager", this.#tools.controllerManager, flags),
    )
  }

  stop(which: Part, signal?: NodeJS.Signals): Effect.Effect<void> {
    return Effect.suspend(() => {
      const process = this.#running.get(which)
      this.#running.delete(which)
      return process === undefined ? Effect.void : Effect.asVoid(process.stop(signal))
    })
  }

  signalApiServer(signal: NodeJS.Signals): Effect.Effect<void> {
    return Effect.suspend(() => this.#running.get("apiServer")?.signal(signal) ?? Effect.void)
  }

  /** Everything down (the storage in good order, so that its data is whole), `action`, everything up again. */
  whileDown(action: Effect.Effect<void, GroundError>): Effect.Effect<void, GroundError> {
    return this.stop("controllerManager").pipe(
      Effect.andThen(this.stop("apiServer")),
      Effect.andThen(this.stop("storage", "SIGTERM")),
      Effect.andThen(action),
      Effect.andThen(this.start()),
    )
  }

  #launch(
    which: Part,
    program: string,
    file: string,
    args: ReadonlyArray<string>,
  ): Effect.Effect<Process, GroundError> {
    return this.#watchdog
      .start({ name: `${this.#options.name}-${program}`, file, args })
      .pipe(Effect.tap((process) => Effect.sync(() => this.#running.set(which, process))))
  }

  stopAll(): Effect.Effect<void> {
    return Effect.all([this.stop("apiServer"), this.stop("controllerManager"), this.stop("storage")], { discard: true })
  }
}

const connectionOf = (files: Files, ports: Ports, user: UserOptions): Connection => {
  const request = { commonName: user.user, organizations: user.groups ?? [], usage: "client" } as const
  return {
    server: `https://127.0.0.1:${ports.apiServer}`,
    ca: files.authorities[user.trusts ?? "usual"].cert,
    ...files.authorities.usual.issue(request),
  }
}

const startOn = Effect.fnUntraced(function* (
  watchdog: Watchdog,
  tools: KubernetesTools,
  options: ControlPlaneOptions,
  files: Files,
): Effect.fn.Return<ControlPlane, GroundError> {
  const ports = { etcd: yield* freePort, etcdPeer: yield* freePort, apiServer: yield* freePort }
  const { name } = options
  const admin = connectionOf(files, ports, { user: "admin", groups: ["system:masters"] })
  const bothAuthorities = files.authorities.usual.cert + files.authorities.other.cert
  const kube = makeKube({ ...admin, ca: bothAuthorities })
  const controllers = connectionOf(files, ports, { user: "controllers", groups: ["system:masters"] })
  const controllerKubeconfig = yield* writeKubeconfig(files.path("controllers.kubeconfig"), "controllers", {
    ...controllers,
    ca: bothAuthorities,
  })
  const kubeconfig = yield* writeKubeconfig(`${watchdog.folder}/${name}.kubeconfig`, name, admin)
  const processes = new Processes(watchdog, tools, options, files, ports, kube, controllerKubeconfig)
  yield* Effect.onError(processes.start(), () => processes.stopAll())
  const data = dataFolder(files)
  const backupOf = (label: string) => files.path(`backup-${label}`)
  return {
    name,
    server: admin.server,
    kubeconfig,
    folder: files.folder,
    authorities: files.authorities,
    kube,
    audit: makeAuditLog(files.path("audit.log"), kube),
    connectionAs: (user) => connectionOf(files, ports, user),
    kubeconfigAs: (file, user) =>
      writeKubeconfig(files.path(file), user.context ?? name, connectionOf(files, ports, user), user.namespace),
    stopApiServer: (signal) => processes.stop("apiServer", signal),
    startApiServer: (serving) => processes.startApiServer(serving),
    freezeApiServer: processes.signalApiServer("SIGSTOP"),
    thawApiServer: processes.signalApiServer("SIGCONT"),
    stopControllerManager: processes.stop("controllerManager"),
    restartControllerManager: Effect.andThen(processes.stop("controllerManager"), processes.startControllerManager()),
    backup: (label) =>
      processes.whileDown(onFiles("copy the storage's data", () => cp(data, backupOf(label), { recursive: true }))),
    restore: (label) =>
      processes.whileDown(
        onFiles("restore the storage's data", async () => {
          await rm(data, { recursive: true })
          await cp(backupOf(label), data, { recursive: true })
        }),
      ),
    stop: processes.stopAll(),
    wipe: processes.whileDown(onFiles("remove the storage's data", () => rm(data, { recursive: true }))),
  }
})

/** Starts a control plane; returns when its API server is ready. It ends with the watchdog. */
export const startControlPlane = Effect.fnUntraced(function* (
  watchdog: Watchdog,
  tools: KubernetesTools,
  options: ControlPlaneOptions,
): Effect.fn.Return<ControlPlane, GroundError> {
  const files = yield* writeFiles(`${watchdog.folder}/${options.name}`, options.name, options.hosts ?? [])
  const attempt = Effect.suspend(() => startOn(watchdog, tools, options, files))
  return yield* Effect.retry(attempt, { times: attempts - 1, while: isPortTaken })
})
