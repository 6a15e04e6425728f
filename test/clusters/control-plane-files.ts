/** The folder of one control plane: certificates, kubeconfigs, audit policy, and the flags that name them. */
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import type { Connection } from "../support/kube-http.ts"
import { auditPolicy } from "./audit-log.ts"
import { egressSelection, networkSocket } from "./cluster-network.ts"
import { describeCause, GroundError } from "./errors.ts"
import { renderKubeconfig } from "./kubeconfig.ts"
import type { KineVariant } from "./tool-sets.ts"
import { type CertificateAuthority, createAuthority, createSigningKey } from "./pki.ts"

/** `usual` is what the kubeconfigs trust; `other` is for tests of a changed certificate authority. */
export type ServingAuthority = "usual" | "other"

export interface Ports {
  readonly etcd: number
  readonly etcdPeer: number
  readonly apiServer: number
}

export interface Files {
  readonly folder: string
  readonly authorities: Readonly<Record<ServingAuthority, CertificateAuthority>>
  readonly path: (name: string) => string
}

const hostsOfEveryServer = [
  "localhost",
  "127.0.0.1",
  "::1",
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
]

const writeAll = async (folder: string, contents: Readonly<Record<string, string>>): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await Promise.all(
    Object.entries(contents).map(([name, text]) => writeFile(join(folder, name), text, { mode: 0o600 })),
  )
}

/** Writes what does not depend on ports. `hosts`: further names that the serving certificates are good for. */
export const writeFiles = (
  folder: string,
  name: string,
  hosts: ReadonlyArray<string>,
): Effect.Effect<Files, GroundError> =>
  Effect.tryPromise({
    try: async () => {
      const authorities = {
        usual: createAuthority(`vcluster-es ${name} CA`),
        other: createAuthority(`vcluster-es ${name} other CA`),
      }
      const serving = {
        commonName: "kube-apiserver",
        hosts: [...hostsOfEveryServer, ...hosts],
        usage: "server",
      } as const
      const usual = authorities.usual.issue(serving)
      const other = authorities.other.issue(serving)
      const tokens = createSigningKey()
      await writeAll(folder, {
        "ca.crt": authorities.usual.cert,
        "serving-usual.crt": usual.cert,
        "serving-usual.key": usual.key,
        "serving-other.crt": other.cert,
        "serving-other.key": other.key,
        "service-account.pub": tokens.publicKey,
        "service-account.key": tokens.privateKey,
        "audit-policy.yaml": auditPolicy,
        "egress.yaml": egressSelection(networkSocket(folder)),
      })
      return { folder, authorities, path: (file) => join(folder, file) }
    },
    catch: (cause) => new GroundError({ message: `cannot write the files of ${name}: ${describeCause(cause)}` }),
  })

/** The API server reaches webhooks through `cluster-network.ts`. */
export const clusterNetworkFlags = (files: Files): ReadonlyArray<string> => [
  `--egress-selector-config-file=${files.path("egress.yaml")}`,
]

/** Writes a kubeconfig (mode 600) and gives its path. */
export const writeKubeconfig = (
  path: string,
  context: string,
  connection: Connection,
  namespace?: string,
): Effect.Effect<string, GroundError> =>
  Effect.tryPromise({
    try: async () => {
      const text = renderKubeconfig({ context, connection, ...(namespace === undefined ? {} : { namespace }) })
      await writeFile(path, text, { mode: 0o600 })
      return path
    },
    catch: (cause) => new GroundError({ message: `cannot write ${path}: ${describeCause(cause)}` }),
  })

/** Who keeps a control plane's objects. The kines differ in what SQLite can tell (`tool-sets.ts`). */
export type Storage = "etcd" | KineVariant

/** Names the folder with the data of either storage. */
export const dataFolder = (files: Files): string => files.path("storage")

/** The folder must be there: SQLite makes none. `_journal` and the rest are what vCluster starts its kine with. */
export const kineFlags = (files: Files, ports: Ports): ReadonlyArray<string> => [
  `--endpoint=sqlite://${dataFolder(files)}/state.db?_journal=WAL&cache=shared&_busy_timeout=30000&_txlock=immediate`,
  `--listen-address=tcp://127.0.0.1:${ports.etcd}`,
  // No port for numbers that nobody reads.
  "--metrics-bind-address=0",
]

export const etcdFlags = (files: Files, ports: Ports): ReadonlyArray<string> => {
  const client = `http://127.0.0.1:${ports.etcd}`
  const peer = `http://127.0.0.1:${ports.etcdPeer}`
  return [
    `--data-dir=${dataFolder(files)}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    "--unsafe-no-fsync",
    "--log-level=warn",
  ]
}

export const apiServerFlags = (files: Files, ports: Ports, serving: ServingAuthority): ReadonlyArray<string> => [
  `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
  "--bind-address=127.0.0.1",
  `--secure-port=${ports.apiServer}`,
  `--tls-cert-file=${files.path(`serving-${serving}.crt`)}`,
  `--tls-private-key-file=${files.path(`serving-${serving}.key`)}`,
  `--client-ca-file=${files.path("ca.crt")}`,
  `--service-account-key-file=${files.path("service-account.pub")}`,
  `--service-account-signing-key-file=${files.path("service-account.key")}`,
  "--service-account-issuer=https://kubernetes.default.svc",
  "--authorization-mode=RBAC",
  "--service-cluster-ip-range=10.0.0.0/16",
  "--endpoint-reconciler-type=none",
  // On SIGTERM: tell watches to end instead of waiting a minute for them.
  "--shutdown-watch-termination-grace-period=1s",
  `--audit-policy-file=${files.path("audit-policy.yaml")}`,
  `--audit-log-path=${files.path("audit.log")}`,
  // Megabytes; far beyond any test, because a rotated log could not be counted.
  "--audit-log-maxsize=100000",
]

export const controllerManagerFlags = (files: Files, kubeconfig: string): ReadonlyArray<string> => [
  `--kubeconfig=${kubeconfig}`,
  [
    "--controllers=namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "root-ca-certificate-publisher-controller",
  ].join(","),
  "--leader-elect=false",
  // No port of its own: nothing here asks it anything.
  "--secure-port=0",
  `--service-account-private-key-file=${files.path("service-account.key")}`,
  `--root-ca-file=${files.path("ca.crt")}`,
  "--use-service-account-credentials=false",
  "--kube-api-qps=200",
  "--kube-api-burst=400",
]
