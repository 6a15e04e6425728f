/** The process of a real vCluster, started as its StatefulSet's pod would start it, but by no kubelet. */
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { stringAt } from "../../src/effects/client/unstructured.ts"
import type { KubeError } from "../support/kube-error.ts"
import { secrets } from "../support/resources.ts"
import { auditPolicy } from "./audit-log.ts"
import type { ControlPlane } from "./control-plane.ts"
import { describeCause, GroundError } from "./errors.ts"
import { podFolder, startPod } from "./pod.ts"
import type { Running } from "./programs.ts"
import { serviceAccountPod } from "./service-account-pod.ts"
import { kineTool, kubernetesTools, vclusterProgram } from "./tools.ts"
import type { Watchdog } from "./watchdog.ts"

/** In the pod; on its volume, so they stay. */
export const auditLogInPod = "/data/audit.log"
const auditPolicyInPod = "/data/audit-policy.yaml"

/** Flags of its kube-apiserver, for the values of the chart. */
export const auditFlags: ReadonlyArray<string> = [
  `--audit-policy-file=${auditPolicyInPod}`,
  `--audit-log-path=${auditLogInPod}`,
  "--audit-log-maxsize=100000",
]

/** Where vCluster serves, in the pod (`controlPlane.proxy.port`). */
const servingPort = 8443

export interface VclusterPod {
  readonly name: string
  readonly namespace: string
  /** Of 127.0.0.1, where the pod is reached. */
  readonly port: number
}

/** The container's volumes that do not outlive it (`emptyDir`). */
const emptyVolumes = ["pki", "tmp", "root"]

const emptied = (folder: string): Effect.Effect<void, GroundError> =>
  Effect.tryPromise({
    try: () =>
      Promise.all(emptyVolumes.map((name) => rm(join(folder, "root", name), { recursive: true, force: true }))),
    catch: (cause) => new GroundError({ message: `cannot empty the pod's volumes: ${describeCause(cause)}` }),
  }).pipe(Effect.asVoid)

/** A key of a Secret; `""` where it is not there. */
export const decoded = (secret: KubeObject, key: string): string =>
  Buffer.from(stringAt(secret, "data", key) ?? "", "base64").toString("utf8")

export const podName = (pod: VclusterPod): string => `${pod.name}-0`

/** Its folder among the ground's pods: two vClusters may have one name. */
const folderName = (pod: VclusterPod): string => `${pod.namespace}-${podName(pod)}`

/** Its volumes, with the data. */
export const vclusterFolder = (watchdog: Watchdog, pod: VclusterPod): string => podFolder(watchdog, folderName(pod))

/** Where a file of the pod lies on this machine. */
export const fileInPod = (watchdog: Watchdog, pod: VclusterPod, path: string): string =>
  join(vclusterFolder(watchdog, pod), "root", path)

/** Starts the program with the settings that stand in Secret `vc-config-NAME` now, the rights of ServiceAccount `vc-NAME`, and the data of the run before. */
export const startVclusterPod = Effect.fnUntraced(function* (
  watchdog: Watchdog,
  host: ControlPlane,
  pod: VclusterPod,
): Effect.fn.Return<Running, GroundError | KubeError> {
  const { name, namespace } = pod
  const vcluster = yield* vclusterProgram
  const kubernetes = yield* kubernetesTools
  const kine = yield* kineTool("kine")
  const config = yield* host.kube.get(secrets, { namespace, name: `vc-config-${name}` })
  const account = yield* serviceAccountPod(host, { namespace, name: `vc-${name}` })
  yield* emptied(vclusterFolder(watchdog, pod))
  return yield* startPod(watchdog, {
    name: folderName(pod),
    command: ["/vcluster", "start"],
    mounts: [
      { from: vcluster, at: "/vcluster" },
      { from: kubernetes.apiServer, at: "/binaries/kube-apiserver" },
      { from: kubernetes.controllerManager, at: "/binaries/kube-controller-manager" },
      { from: kine, at: "/binaries/kine" },
    ],
    files: {
      ...account.files,
      "/var/lib/vcluster/config.yaml": decoded(config, "config.yaml"),
      [auditPolicyInPod]: auditPolicy,
      "/root/.keep": "",
      "/pki/.keep": "",
    },
    env: {
      ...account.env,
      HOME: "/root",
      PATH: "/binaries",
      VCLUSTER_NAME: name,
      POD_NAME: podName(pod),
      POD_NAMESPACE: namespace,
      NAMESPACE: namespace,
      POD_IP: "127.0.0.1",
      NODE_NAME: "node",
      NODE_IP: "127.0.0.1",
    },
    reaches: account.reaches,
    serves: [{ inside: servingPort, outside: pod.port }],
  })
})
