/**
 * The real open-source vCluster beside a host: its chart installed by Helm, its program run by `vcluster-pod.ts`.
 *
 * There is no kubelet and no scheduler. This file plays what they and the StatefulSet's controller would do for the vCluster's own pod: the
 * Pod object, its status, and the process that ends and starts with it. The tenants' pods never run; vCluster's syncer does all else.
 */
import { rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import { parse, stringify } from "yaml"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { arrayAt, stringAt } from "../../src/effects/client/unstructured.ts"
import { type Kube, makeKube } from "../support/kube.ts"
import type { KubeError } from "../support/kube-error.ts"
import type { Connection } from "../support/kube-http.ts"
import { pods, secrets, statefulSets } from "../support/resources.ts"
import { type AuditLog, makeAuditLog } from "./audit-log.ts"
import { writeKubeconfig } from "./control-plane-files.ts"
import type { ControlPlane } from "./control-plane.ts"
import { describeCause, GroundError } from "./errors.ts"
import { helm } from "./helm.ts"
import { freePort } from "./ports.ts"
import type { Running } from "./programs.ts"
import { isReady, untilReady } from "./readiness.ts"
import { vclusterTool } from "./tool-sets.ts"
import { vclusterChart } from "./tools.ts"
import {
  auditFlags,
  decoded,
  auditLogInPod,
  fileInPod,
  podName,
  startVclusterPod,
  vclusterFolder,
  type VclusterPod,
} from "./vcluster-pod.ts"
import type { Watchdog } from "./watchdog.ts"

export type Values = Readonly<Record<string, unknown>>

export interface RealVclusterOptions {
  /** Default `my-vcluster`. */
  readonly name?: string
  /** Default `team-x`. */
  readonly namespace?: string
  /** `vcluster.yaml`, as text or value. */
  readonly values: string | Values
}

export interface RealVcluster {
  readonly name: string
  readonly namespace: string
  /** `https://127.0.0.1:PORT`: what the Service `NAME` leads to in a cluster with a network. */
  readonly server: string
  readonly port: number
  /** Of its administrator; its only context is `virtual`. */
  readonly kubeconfig: string
  readonly kube: Kube
  /** Of its kube-apiserver. */
  readonly audit: AuditLog
  readonly log: () => string
  /** The pod ends; SIGTERM unless given. The data stays. */
  readonly stop: (signal?: NodeJS.Signals) => Effect.Effect<void, GroundError | KubeError>
  /** The pod comes (back); returns when the API server is ready. */
  readonly start: Effect.Effect<void, GroundError | KubeError>
  /** As `vcluster pause` and `vcluster resume` do it. */
  readonly pause: Effect.Effect<void, GroundError | KubeError>
  readonly resume: Effect.Effect<void, GroundError | KubeError>
  /** `helm upgrade` with these values, and the pod anew. */
  readonly upgrade: (to: { readonly values: string | Values }) => Effect.Effect<void, GroundError | KubeError>
  /** `helm uninstall`, the pod's end, and its volume with it. */
  readonly uninstall: Effect.Effect<void, GroundError | KubeError>
}

/** What the ground needs: the open-source image's name (nothing pulls it), no reports home, a log of requests. */
const groundValues: Values = {
  controlPlane: {
    statefulSet: { image: { repository: "loft-sh/vcluster-oss", tag: vclusterTool.version } },
    distro: { k8s: { apiServer: { extraArgs: auditFlags } } },
  },
  telemetry: { enabled: false },
}

const textOf = (values: string | Values): string => (typeof values === "string" ? values : stringify(values))

const fileError = (what: string) => (cause: unknown) =>
  new GroundError({ message: `cannot ${what}: ${describeCause(cause)}` })

/** Installs the chart, or upgrades to it. */
const release = Effect.fnUntraced(function* (
  watchdog: Watchdog,
  host: ControlPlane,
  pod: VclusterPod,
  values: string | Values,
): Effect.fn.Return<void, GroundError> {
  const files = [groundValues, values].map((each, index) => ({
    path: join(watchdog.folder, `${pod.namespace}-${pod.name}-values-${index}.yaml`),
    text: textOf(each),
  }))
  yield* Effect.tryPromise({
    try: () => Promise.all(files.map(({ path, text }) => writeFile(path, text))),
    catch: fileError("write the values"),
  })
  const folder = yield* vclusterChart("0.36")
  const from = files.flatMap(({ path }) => ["--values", path])
  yield* helm(watchdog, host, [
    "upgrade",
    "--install",
    pod.name,
    folder,
    `--namespace=${pod.namespace}`,
    "--create-namespace",
    ...from,
  ])
})

const pem = (config: unknown, ...path: ReadonlyArray<string>): string =>
  Buffer.from(stringAt(config, ...path) ?? "", "base64").toString("utf8")

/** What Secret `vc-NAME` says, by the way in that this ground has. */
const connectionFrom = (secret: KubeObject, server: string): Connection => {
  const config: unknown = parse(decoded(secret, "config"))
  const cluster = arrayAt(config, "clusters")[0]
  const user = arrayAt(config, "users")[0]
  return {
    server,
    ca: pem(cluster, "cluster", "certificate-authority-data"),
    cert: pem(user, "user", "client-certificate-data"),
    key: pem(user, "user", "client-key-data"),
  }
}

const podObject = (pod: VclusterPod, owner: KubeObject): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: podName(pod),
    namespace: pod.namespace,
    labels: { app: "vcluster", release: pod.name },
    ownerReferences: [
      { apiVersion: "apps/v1", kind: "StatefulSet", name: pod.name, uid: owner.metadata.uid ?? "", controller: true },
    ],
  },
  spec: {
    serviceAccountName: `vc-${pod.name}`,
    containers: [{ name: "syncer", image: `ghcr.io/loft-sh/vcluster-oss:${vclusterTool.version}` }],
  },
})

/** Plays the kubelet, and the StatefulSet's controller, for the vCluster's own pod. */
const playKubelet = (watchdog: Watchdog, host: ControlPlane, pod: VclusterPod) => {
  const { namespace, name } = pod
  let running: Running | undefined
  const report = (readyReplicas: number) => {
    const status = { replicas: readyReplicas, readyReplicas, availableReplicas: readyReplicas }
    return host.kube.patch(statefulSets, pod, { status }, "status")
  }
  const kubeconfigSecret = (from: Running) =>
    Effect.raceFirst(
      host.kube.waitFor(secrets, { namespace, name: `vc-${name}` }, (found) => decoded(found, "config") !== "", {
        timeout: "2 minutes",
      }),
      Effect.flatMap(from.finished, ({ stdout, stderr }) =>
        Effect.fail(new GroundError({ message: `vCluster ended:\n${(stdout + stderr).slice(-3000)}` })),
      ),
    )
  return {
    log: () => `${running?.stdout() ?? ""}${running?.stderr() ?? ""}`,
    /** Gives the Secret `vc-NAME`. */
    start: Effect.gen(function* () {
      const owner = yield* host.kube.get(statefulSets, pod)
      yield* host.kube.create(pods, podObject(pod, owner))
      running = yield* startVclusterPod(watchdog, host, pod)
      return yield* kubeconfigSecret(running)
    }),
    untilReady: (kube: Kube) =>
      Effect.suspend(() =>
        running === undefined ? Effect.void : untilReady(running.process, isReady(kube), "2 minutes"),
      ).pipe(Effect.andThen(report(1))),
    stop: Effect.fnUntraced(function* (signal: NodeJS.Signals = "SIGTERM") {
      yield* report(0)
      yield* running?.process.stop(signal) ?? Effect.void
      running = undefined
      yield* host.kube.delete(pods, { namespace, name: podName(pod) })
      yield* host.kube.waitUntilGone(pods, { namespace, name: podName(pod) })
    }),
    /** After `helm uninstall`, which takes the objects; the volume goes too. */
    remove: Effect.gen(function* () {
      yield* running?.process.stop("SIGTERM") ?? Effect.void
      running = undefined
      yield* Effect.tryPromise({
        try: () => rm(vclusterFolder(watchdog, pod), { recursive: true }),
        catch: fileError("remove the vCluster's volume"),
      })
    }),
  }
}

/** Installs a vCluster and returns when its API server is ready. It ends with the watchdog. */
export const startRealVcluster = Effect.fnUntraced(function* (
  watchdog: Watchdog,
  host: ControlPlane,
  options: RealVclusterOptions,
): Effect.fn.Return<RealVcluster, GroundError | KubeError> {
  const { name = "my-vcluster", namespace = "team-x" } = options
  const pod: VclusterPod = { name, namespace, port: yield* freePort }
  const server = `https://127.0.0.1:${pod.port}`
  yield* release(watchdog, host, pod, options.values)
  const kubelet = playKubelet(watchdog, host, pod)
  const kube = makeKube(connectionFrom(yield* kubelet.start, server))
  yield* kubelet.untilReady(kube)
  const start = Effect.andThen(kubelet.start, kubelet.untilReady(kube))
  const scale = (replicas: number, annotations: Readonly<Record<string, string | null>>) =>
    host.kube.patch(statefulSets, pod, { metadata: { annotations }, spec: { replicas } })
  return {
    name,
    namespace,
    server,
    port: pod.port,
    kube,
    kubeconfig: yield* writeKubeconfig(
      join(watchdog.folder, `${namespace}-${name}.kubeconfig`),
      "virtual",
      kube.connection,
    ),
    audit: makeAuditLog(fileInPod(watchdog, pod, auditLogInPod), kube),
    log: kubelet.log,
    stop: kubelet.stop,
    start,
    pause: Effect.andThen(scale(0, { "loft.sh/paused": "true", "loft.sh/paused-replicas": "1" }), kubelet.stop()),
    resume: Effect.andThen(scale(1, { "loft.sh/paused": null, "loft.sh/paused-replicas": null }), start),
    upgrade: ({ values }) =>
      kubelet.stop().pipe(Effect.andThen(release(watchdog, host, pod, values)), Effect.andThen(start)),
    uninstall: Effect.andThen(helm(watchdog, host, ["uninstall", name, "--namespace", namespace]), kubelet.remove),
  }
})
