/** From flags to connections: which host, which vCluster on it, what settings, and the way into the virtual cluster. */
import { Effect, type Scope } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import { type ConnectionSource, KubeconfigError } from "../../effects/config/rest-config.ts"
import { makeKubeClient } from "../../effects/client/http-kube-client.ts"
import type { KubeClient } from "../../effects/client/kube-client.ts"
import { listContexts, loadKubeconfig, type Overrides, parseKubeconfigAgain } from "../../effects/config/kubeconfig.ts"
import {
  type ConnectContext,
  parseConnectContext,
  resolveVcluster,
  type Vcluster,
} from "../../sync/discovery/find-vcluster.ts"
import { readSettingsSecret, type SettingsText } from "../../sync/discovery/settings-source.ts"
import { fieldManager } from "../../sync/external-secrets/managed-fields.ts"
import type { SetupError } from "../../sync/discovery/setup-error.ts"
import {
  findVirtualConnection,
  type KubeconfigInSecret,
  readConnectionSecret,
  type VirtualConnection,
} from "../../sync/discovery/virtual-connection.ts"
import type { ClusterArgs } from "../flags.ts"
import { packageVersion } from "../package-version.ts"
import { makeRequestLog } from "./request-log.ts"
import { UsageError } from "../usage-error.ts"
import { readValuesFile } from "./values-file.ts"

export type ConnectArgs = ClusterArgs & { readonly vcluster: string | undefined }

/** The host, and what the kubeconfig says about the vCluster. */
export interface Host {
  readonly client: KubeClient
  /** Undefined in a pod. */
  readonly context: string | undefined
  /** We talk to it by a pod's service account: names of its Services resolve. */
  readonly inCluster: boolean
  readonly namespace: string
  /** The vCluster that was named, or that the context of `vcluster connect` belongs to. */
  readonly vclusterName: string | undefined
  readonly contexts: ReadonlyArray<string>
  /** The context of `vcluster connect` that the user stands in. */
  readonly connected: string | undefined
}

/** Without a limit of the user's, a request that hangs is given up after this long. */
const defaultRequestTimeoutMs = 60_000

const userAgent = `kubectl-vcluster-es/${packageVersion} (${process.platform}/${process.arch})`

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

/** Names go into paths of requests: what is no name is refused before. */
const checkNames = (args: ConnectArgs): UsageError | undefined => {
  const { namespace, vcluster } = args
  if (namespace !== undefined && !dnsLabel.test(namespace)) {
    return new UsageError({ message: `${JSON.stringify(namespace)} is no name of a namespace` })
  }
  return vcluster === undefined || dnsLabel.test(vcluster)
    ? undefined
    : new UsageError({ message: `${JSON.stringify(vcluster)} is no name of a vCluster` })
}

const overridesOf = (args: ConnectArgs, connected: ConnectContext | undefined): Overrides => ({
  context: connected?.hostContext ?? args.context,
  cluster: args.cluster,
  user: args.user,
  server: args.server,
  token: args.token,
  certificateAuthority: args.certificateAuthority,
  clientCertificate: args.clientCertificate,
  clientKey: args.clientKey,
  tlsServerName: args.tlsServerName,
  // The flag can only turn the check off; `false` leaves it to the kubeconfig.
  insecureSkipTlsVerify: args.insecureSkipTlsVerify ? true : undefined,
  impersonate: { user: args.as, groups: args.asGroup, uid: args.asUid },
})

const clientFor = (cluster: "host" | "virtual", source: ConnectionSource, args: ConnectArgs) =>
  Effect.flatMap(makeRequestLog(args.verbosity), (log) =>
    makeKubeClient({
      cluster,
      source,
      userAgent,
      fieldManager,
      requestTimeoutMs: args.requestTimeout ?? defaultRequestTimeoutMs,
      ...log,
    }),
  )

/** Opens nothing yet but what the kubeconfig needs; the first request connects. */
export const openHost = Effect.fn("openHost")(function* (
  args: ConnectArgs,
): Effect.fn.Return<Host, KubeconfigError | UsageError, Scope.Scope> {
  const mistake = checkNames(args)
  if (mistake !== undefined) return yield* mistake
  const contexts = yield* listContexts(args.kubeconfig)
  const wanted = args.context ?? contexts.current
  const connected = wanted === undefined ? undefined : parseConnectContext(wanted)
  const source = yield* loadKubeconfig(args.kubeconfig, overridesOf(args, connected))
  return {
    client: yield* clientFor("host", source, args),
    context: source.context,
    inCluster: source.inCluster === true,
    namespace: args.namespace ?? connected?.namespace ?? source.namespace ?? "default",
    vclusterName: args.vcluster ?? connected?.name,
    contexts: contexts.names,
    connected: connected === undefined ? undefined : wanted,
  }
})

/** The vCluster that a command is about, and what is to be said about how it was found. */
export const findVcluster = (host: Host, args: ConnectArgs) =>
  resolveVcluster(host.client, host.namespace, host.vclusterName, {
    allGiven: args.virtualKubeconfig !== undefined && args.values !== undefined,
  })

/** @throws UsageError the file cannot be read */
export const readValues = (path: string): Effect.Effect<SettingsText, UsageError> =>
  readValuesFile(path).pipe(
    Effect.mapError(({ trouble }) => new UsageError({ message: `--values ${path} cannot be read: ${trouble}` })),
  )

/** The file that was named, else what the vCluster runs with. */
export const readSettings = (
  host: Host,
  vcluster: Vcluster,
  args: ConnectArgs,
): Effect.Effect<SettingsText, ApiError | SetupError | UsageError> =>
  args.values === undefined ? readSettingsSecret(host.client, vcluster) : readValues(args.values)

const textOf = ({ text, source, server }: KubeconfigInSecret) => ({ text, origin: source, overrides: { server } })

/** As {@link findVirtualConnection} read it, when the way that was found has changed since. */
const secretAgain = (host: Host, vcluster: Vcluster) =>
  readConnectionSecret(host.client, vcluster, host.inCluster).pipe(
    Effect.map(textOf),
    Effect.mapError(({ message }) => new KubeconfigError({ message })),
  )

const virtualSource = (
  connection: VirtualConnection,
  host: Host,
  vcluster: Vcluster,
  args: ConnectArgs,
): Effect.Effect<ConnectionSource, KubeconfigError> => {
  switch (connection._tag) {
    case "File":
      return loadKubeconfig(connection.path, { context: connection.context })
    case "Context":
      return loadKubeconfig(args.kubeconfig, { context: connection.context })
    default:
      return parseKubeconfigAgain(textOf(connection), secretAgain(host, vcluster))
  }
}

/** The flags that say who we are on the host say nothing here. */
export const openVirtual = Effect.fn("openVirtual")(function* (
  host: Host,
  vcluster: Vcluster,
  args: ConnectArgs,
): Effect.fn.Return<KubeClient, ApiError | SetupError | KubeconfigError, Scope.Scope> {
  const stands = host.connected !== undefined && vcluster.name === parseConnectContext(host.connected)?.name
  const connection = yield* findVirtualConnection(host.client, vcluster, {
    file: args.virtualKubeconfig,
    context: args.virtualContext ?? (stands ? host.connected : undefined),
    contexts: host.contexts,
    hostContext: host.context,
    inCluster: host.inCluster,
  })
  return yield* clientFor("virtual", yield* virtualSource(connection, host, vcluster, args), args)
})
