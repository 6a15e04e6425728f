/** What the tests of the client share. */
import { Effect } from "effect"
import type { ApiError } from "../../src/effects/client/api-error.ts"
import { makeKubeClient } from "../../src/effects/client/http-kube-client.ts"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { loadKubeconfig, type Overrides } from "../../src/effects/config/kubeconfig.ts"
import type { SessionTimes } from "../../src/effects/transport/http2-session.ts"
import { Ground } from "../clusters/ground.ts"

export const userAgent = "kubectl-vcluster-es/0.0.0 (test)"

export const connect = Effect.fnUntraced(function* (
  kubeconfig: string,
  overrides: Overrides = {},
  times?: SessionTimes,
) {
  const source = yield* loadKubeconfig(kubeconfig, overrides)
  return yield* makeKubeClient({ cluster: "host", source, userAgent, fieldManager: "vcluster-es", times })
})

/** As the host's admin. */
export const hostClient = (times?: SessionTimes) =>
  Effect.flatMap(Ground, ({ host }) => connect(host.kubeconfig, {}, times))

export const configMap = (name: string, extra: object = {}, metadata: object = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default", ...metadata },
  ...extra,
})

export const refTo = (name: string) => ({ namespace: "default", name })

export const failure = <A>(effect: Effect.Effect<A, ApiError>) => Effect.flip(effect)

export const tagOf = <A>(effect: Effect.Effect<A, ApiError>) => Effect.map(failure(effect), ({ reason }) => reason._tag)
