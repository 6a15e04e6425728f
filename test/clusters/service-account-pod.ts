/** What every pod has of its ServiceAccount: the token, the CA and the address of the API server. */
import { Effect } from "effect"
import type { ControlPlane } from "./control-plane.ts"
import { GroundError } from "./errors.ts"
import type { PodOptions } from "./pod.ts"
import type { KubeError } from "../support/kube-error.ts"
import { serviceAccounts } from "../support/resources.ts"

const folder = "/var/run/secrets/kubernetes.io/serviceaccount"

export interface AccountRef {
  readonly namespace: string
  readonly name: string
}

const tokenOf = Effect.fnUntraced(function* (
  host: ControlPlane,
  { namespace, name }: AccountRef,
): Effect.fn.Return<string, GroundError | KubeError> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} }
  yield* host.kube.waitFor(serviceAccounts, { namespace, name })
  const answer = yield* host.kube.request({ method: "POST", path, body })
  const { body: found } = answer
  const status: unknown = typeof found === "object" && found !== null ? Reflect.get(found, "status") : undefined
  const token: unknown = typeof status === "object" && status !== null ? Reflect.get(status, "token") : undefined
  return typeof token === "string"
    ? token
    : yield* new GroundError({ message: `no token of ServiceAccount ${namespace}/${name}: HTTP ${answer.status}` })
})

/** Files, environment and way to the host's API server. A kubelet mounts and renews the same. */
export const serviceAccountPod = Effect.fnUntraced(function* (
  host: ControlPlane,
  account: AccountRef,
): Effect.fn.Return<Required<Pick<PodOptions, "files" | "env" | "reaches">>, GroundError | KubeError> {
  const port = Number(new URL(host.server).port)
  return {
    files: {
      [`${folder}/token`]: yield* tokenOf(host, account),
      [`${folder}/ca.crt`]: host.connectionAs({ user: "nobody" }).ca,
      [`${folder}/namespace`]: account.namespace,
    },
    env: { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(port) },
    reaches: [{ inside: port, outside: port }],
  }
})
