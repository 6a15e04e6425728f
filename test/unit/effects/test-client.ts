/** Clients for tests, and what they ask for. */
import { Effect } from "effect"
import type { ServerHttp2Stream } from "node:http2"
import type { ApiError } from "../../../src/effects/client/api-error.ts"
import type { ConnectionSource, Credentials } from "../../../src/effects/config/rest-config.ts"
import { type HttpKubeClientOptions, makeKubeClient } from "../../../src/effects/client/http-kube-client.ts"
import type { Resource } from "../../../src/effects/client/resource.ts"
import { answer, authority, configMap } from "./fault-server.ts"

export const configMaps: Resource = {
  group: "",
  version: "v1",
  plural: "configmaps",
  kind: "ConfigMap",
  namespaced: true,
}
export const ref = { namespace: "default", name: "a" }

export const clientFor = (source: ConnectionSource, options: Partial<HttpKubeClientOptions> = {}) =>
  makeKubeClient({ cluster: "host", source, userAgent: "test/1 (os/arch)", fieldManager: "tester", ...options })

/** One read over a connection of its own. */
export const getFrom = (source: ConnectionSource, options: Partial<HttpKubeClientOptions> = {}) =>
  Effect.scoped(Effect.flatMap(clientFor(source, options), (client) => client.get(configMaps, ref)))

export const failure = <A>(effect: Effect.Effect<A, ApiError>) => Effect.flip(effect)

/** Trusts the test's CA unless told otherwise. */
export const fixed = (credentials: Partial<Credentials>): ConnectionSource["credentials"] => {
  const all = { ca: authority.cert, cert: undefined, key: undefined, headers: {}, ...credentials }
  return () => Effect.succeed(all)
}

export const ok = (stream: ServerHttp2Stream) => answer(stream, 200, configMap("a"))
