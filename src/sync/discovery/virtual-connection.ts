/** The way into the virtual cluster: what was named, else a context of `vcluster connect`, else the Secret of the vCluster. */
import { Effect, Result } from "effect"
import * as Base64 from "effect/encoding/Base64"
import { parse } from "yaml"
import type { ApiError } from "../../effects/client/api-error.ts"
import type { KubeClient } from "../../effects/client/kube-client.ts"
import { connectContextName, type Vcluster } from "./find-vcluster.ts"
import { orUndefined } from "../../effects/client/ignore-not-found.ts"
import { secrets } from "../resources.ts"
import { arrayAt, stringAt } from "../../effects/client/unstructured.ts"
import { kubeconfigObstacle } from "../settings/settings-conflicts.ts"
import { readSettingsSecret } from "./settings-source.ts"
import { SetupError } from "./setup-error.ts"

/** The text of a kubeconfig; `server` stands in for the one that it names. */
export interface KubeconfigInSecret {
  readonly _tag: "Text"
  readonly text: string
  readonly source: string
  readonly server: string | undefined
}

export type VirtualConnection =
  /** A kubeconfig of its own. */
  | { readonly _tag: "File"; readonly path: string; readonly context: string | undefined }
  /** A context of the kubeconfig that also names the host. */
  | { readonly _tag: "Context"; readonly context: string }
  | KubeconfigInSecret

export interface ConnectionHints {
  /** `--virtual-kubeconfig` */
  readonly file: string | undefined
  /** `--virtual-context` */
  readonly context: string | undefined
  /** Contexts of the kubeconfig that names the host. */
  readonly contexts: ReadonlyArray<string>
  /** The host's among them; undefined in a pod. */
  readonly hostContext: string | undefined
  /** We run in a pod of the host cluster and use its service account: names of Services resolve. */
  readonly inCluster: boolean
}

const connectCommand = ({ name, namespace }: Vcluster): string =>
  `vcluster connect ${name} -n ${namespace} --update-current=false, then --virtual-kubeconfig ./kubeconfig.yaml`

const noWay = (vcluster: Vcluster, why: string): SetupError =>
  new SetupError({
    reason: "NoVirtualConnection",
    message: `no way into the virtual cluster ${vcluster.name}: ${why}`,
    fix: connectCommand(vcluster),
  })

const localHosts = new Set(["localhost", "127.0.0.1", "[::1]"])

/** The server of the kubeconfig's only cluster, where the text is one. */
const serverOf = (text: string): string | undefined =>
  Result.try(() => stringAt(arrayAt(parse(text), "clusters")[0], "cluster", "server")).pipe(
    Result.getOrElse(() => undefined),
  )

/**
 * The kubeconfig in Secret `vc-NAME`. vCluster writes `https://localhost:8443` there unless `exportKubeConfig.server` says
 * otherwise; inside the host cluster its Service stands for that, whose certificate has the name `NAME.NAMESPACE` (vCluster,
 * pkg/server/cert/cert.go), but not `NAME.NAMESPACE.svc`.
 *
 * Certificates in it are renewed, and all of it is another one when the vCluster is made anew: so it can be read again at any time.
 */
export const readConnectionSecret = Effect.fnUntraced(function* (
  client: KubeClient,
  vcluster: Vcluster,
  inCluster: boolean,
): Effect.fn.Return<KubeconfigInSecret, ApiError | SetupError> {
  const name = `vc-${vcluster.name}`
  const secret = yield* client.get(secrets, { namespace: vcluster.namespace, name }).pipe(orUndefined)
  if (secret === undefined) {
    const obstacle = yield* readSettingsSecret(client, vcluster).pipe(
      Effect.map(({ text }) => kubeconfigObstacle(text)),
      // That the Secret is missing is the news; settings that cannot be read are told by who needs them.
      Effect.orElseSucceed(() => undefined),
    )
    return yield* noWay(
      vcluster,
      `there is neither a context of vcluster connect nor a Secret ${name} in namespace ${vcluster.namespace}${obstacle === undefined ? "" : `; ${obstacle}`}`,
    )
  }
  const text = Result.getOrUndefined(Base64.decodeString(stringAt(secret, "data", "config") ?? ""))
  const server = text === undefined ? undefined : serverOf(text)
  if (text === undefined || server === undefined || !URL.canParse(server)) {
    return yield* noWay(vcluster, `the key config of Secret ${vcluster.namespace}/${name} is no kubeconfig`)
  }
  const source = `Secret ${vcluster.namespace}/${name}`
  if (!localHosts.has(new URL(server).hostname)) return { _tag: "Text", text, source, server: undefined }
  if (!inCluster) {
    return yield* noWay(
      vcluster,
      `Secret ${name} leads to ${vcluster.name}.${vcluster.namespace}, a name that resolves only inside the host cluster`,
    )
  }
  return { _tag: "Text", text, source, server: `https://${vcluster.name}.${vcluster.namespace}:443` }
})

/**
 * @throws SetupError `NoVirtualConnection`
 * @throws ApiError the Secret cannot be read
 */
export const findVirtualConnection = (
  client: KubeClient,
  vcluster: Vcluster,
  hints: ConnectionHints,
): Effect.Effect<VirtualConnection, ApiError | SetupError> => {
  if (hints.file !== undefined) return Effect.succeed({ _tag: "File", path: hints.file, context: hints.context })
  if (hints.context !== undefined) return Effect.succeed({ _tag: "Context", context: hints.context })
  const connected = hints.hostContext === undefined ? undefined : connectContextName(vcluster, hints.hostContext)
  return connected !== undefined && hints.contexts.includes(connected)
    ? Effect.succeed({ _tag: "Context", context: connected })
    : readConnectionSecret(client, vcluster, hints.inCluster)
}
