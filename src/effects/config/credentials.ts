/**
 * From a kubeconfig's user to what a request carries. Files are read anew each time, for they are replaced (tokens, certificates).
 * Auth providers (OIDC …) are the official client library's business; it is large, so it is loaded only for a
 * user who needs it. Of its HTTP nothing is used: it opens a connection a request, and none under Bun with a private CA.
 */
import type { KubeConfig } from "@kubernetes/client-node"
import { Effect, Predicate } from "effect"
import type { RequestOptions } from "node:https"
import type { Credentials, KubeconfigError } from "./rest-config.ts"
import { type ExecPlugin, makeExecPlugin, pluginLimitMs } from "./exec-plugin.ts"
import { cutText } from "../text/cut-text.ts"
import { fail, readTextFile } from "./kubeconfig-file.ts"
import type { Cluster, User } from "./kubeconfig-file.ts"

/** Whom a connection is for. */
export interface Identity {
  /** Of the kubeconfig, for messages. */
  readonly origin: string
  readonly cluster: Cluster
  readonly user: User
  readonly userName: string
}

const isGiven = (value: string | null | undefined): value is string =>
  value !== undefined && value !== null && value !== ""

/** Embedded data counts before a file (client-go). */
const pem = (
  data: string | null | undefined,
  path: string | null | undefined,
  what: string,
): Effect.Effect<string | undefined, KubeconfigError> =>
  isGiven(data)
    ? Effect.succeed(Buffer.from(data, "base64").toString("utf8"))
    : isGiven(path)
      ? readTextFile(path, `${what} ${path}`)
      : Effect.undefined

const bearer = (token: string): string => `Bearer ${token.trim()}`

/** A token file counts before a token, and both before a password (client-go). */
const authorization = (user: User): Effect.Effect<string | undefined, KubeconfigError> => {
  if (isGiven(user.tokenFile)) return Effect.map(readTextFile(user.tokenFile, `token file ${user.tokenFile}`), bearer)
  if (isGiven(user.token)) return Effect.succeed(bearer(user.token))
  return isGiven(user.username)
    ? Effect.succeed(`Basic ${Buffer.from(`${user.username}:${user.password ?? ""}`).toString("base64")}`)
    : Effect.undefined
}

/** Kubernetes "User impersonation". Keys of extras are percent-encoded, for header names are ASCII. */
const impersonation = (user: User): Record<string, string | ReadonlyArray<string>> => {
  const extra = Object.entries(user["as-user-extra"] ?? {}).map(
    ([key, values]) => [`impersonate-extra-${encodeURIComponent(key).toLowerCase()}`, values] as const,
  )
  const groups = user["as-groups"] ?? []
  return Object.fromEntries<string | ReadonlyArray<string>>([
    ...(isGiven(user.as) ? [["impersonate-user", user.as] as const] : []),
    ...(isGiven(user["as-uid"]) ? [["impersonate-uid", user["as-uid"]] as const] : []),
    ...(groups.length > 0 ? [["impersonate-group", groups] as const] : []),
    ...extra,
  ])
}

/** Control characters would make a request of their own kind, or crash the HTTP layer. */
const isHeaderValue = (value: string): boolean => /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(value)

const checkHeaders = (headers: Credentials["headers"], origin: string): Effect.Effect<void, KubeconfigError> => {
  const bad = Object.entries(headers).find(([, value]) => ![value].flat().every(isHeaderValue))
  return bad === undefined
    ? Effect.void
    : Effect.fail(fail(`${origin}: the value for ${bad[0]} has characters that no header can carry`))
}

/** What client-go tells a plugin about its surroundings; some refuse to run without it. */
const execInfo = (exec: Readonly<Record<string, unknown>>, cluster: Cluster): string =>
  JSON.stringify({
    apiVersion: exec["apiVersion"] ?? "client.authentication.k8s.io/v1beta1",
    kind: "ExecCredential",
    spec: {
      interactive: false,
      ...(exec["provideClusterInfo"] === true
        ? {
            cluster: {
              server: cluster.server ?? undefined,
              "tls-server-name": cluster["tls-server-name"] ?? undefined,
              "insecure-skip-tls-verify": cluster["insecure-skip-tls-verify"] ?? undefined,
              "certificate-authority-data": cluster["certificate-authority-data"] ?? undefined,
            },
          }
        : {}),
    },
  })

const textOf = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined)

const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

const pluginOf = ({ cluster, origin }: Identity, exec: Readonly<Record<string, unknown>>): ExecPlugin => {
  const command = textOf(exec["command"])
  const env = listOf(exec["env"]).flatMap((entry) =>
    Predicate.isObject(entry) && "name" in entry && typeof entry.name === "string"
      ? [[entry.name, "value" in entry && typeof entry.value === "string" ? entry.value : ""] as const]
      : [],
  )
  return {
    command: command ?? "",
    args: listOf(exec["args"]).map(String),
    env: { ...Object.fromEntries(env), KUBERNETES_EXEC_INFO: execInfo(exec, cluster) },
    installHint: textOf(exec["installHint"]),
    who: `${origin}: credential plugin ${command ?? "without a name"}`,
  }
}

/** The library's own view of the user: only what it is to work with. */
const forLibrary = ({ user, userName }: Identity): string =>
  JSON.stringify({
    "current-context": "chosen",
    contexts: [{ name: "chosen", context: { cluster: "chosen", user: userName || "chosen" } }],
    clusters: [{ name: "chosen", cluster: { server: "https://not.used" } }],
    users: [{ name: userName || "chosen", user: { "auth-provider": user["auth-provider"] } }],
  })

/** The library's error in one line. */
const libraryError = (cause: unknown): string => {
  const lines = (Predicate.isError(cause) ? cause.message : String(cause))
    .split("\n")
    .filter((line) => line.trim() !== "")
  return `failed: ${cutText((lines.at(-1) ?? "it said nothing").trim(), 300)}`
}

const headerText = (options: RequestOptions): string | undefined => {
  const found = Object.entries(options.headers ?? {}).find(([name]) => name.toLowerCase() === "authorization")
  return typeof found?.[1] === "string" ? found[1] : undefined
}

/** What a plugin or a provider gave. */
interface Given {
  readonly authorization: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
}

type Login = (renew: boolean) => Effect.Effect<Given, KubeconfigError>

const checkGiven = (given: Given, who: string): Effect.Effect<Given, KubeconfigError> =>
  given.authorization === undefined && given.cert === undefined
    ? Effect.fail(fail(`${who} gave neither a token nor a certificate; log in again`))
    : Effect.succeed(given)

const byPlugin = (plugin: ExecPlugin, limitMs: number): Login => {
  const run = makeExecPlugin(plugin, limitMs)
  return (renew) =>
    Effect.flatMap(run(renew), ({ token, cert, key }) =>
      checkGiven({ authorization: token === undefined ? undefined : bearer(token), cert, key }, plugin.who),
    )
}

/**
 * Keeps one instance of the library's configuration, which caches tokens until they expire. It is never made anew: a provider's
 * state is the only copy of a refresh token that may be good once.
 */
const byProvider = (identity: Identity, limitMs: number): Login => {
  const name = identity.user["auth-provider"]?.["name"]
  const who = `${identity.origin}: auth provider ${typeof name === "string" ? name : "without a name"}`
  let config: KubeConfig | undefined
  return Effect.fnUntraced(function* () {
    const { KubeConfig: Config } = yield* Effect.promise(() => import("@kubernetes/client-node"))
    if (config === undefined) {
      config = new Config()
      config.loadFromString(forLibrary(identity))
    }
    const loaded = config
    const options: RequestOptions = {}
    yield* Effect.tryPromise({
      try: () => loaded.applyToHTTPSOptions(options),
      catch: (cause) => fail(`${who} ${libraryError(cause)}`),
    }).pipe(
      Effect.timeoutOrElse({
        duration: limitMs,
        orElse: () => Effect.fail(fail(`${who} gave no answer within ${limitMs / 1000} s`)),
      }),
    )
    const given = { authorization: headerText(options), cert: textOf(options.cert), key: textOf(options.key) }
    return yield* checkGiven(given, who)
  })
}

/** Undefined: what the user needs stands in the kubeconfig. */
const loginOf = (identity: Identity, limitMs: number): Login | undefined => {
  const { user } = identity
  if (isGiven(user.token) || isGiven(user.tokenFile)) return undefined
  if (Predicate.isObject(user.exec)) return byPlugin(pluginOf(identity, user.exec), limitMs)
  return Predicate.isObject(user["auth-provider"]) ? byProvider(identity, limitMs) : undefined
}

/**
 * @param limitMs after which a plugin or provider that gives no answer is given up
 * @returns an effect for {@link ConnectionSource.credentials}
 */
export const makeCredentials = (
  identity: Identity,
  limitMs: number = pluginLimitMs(process.stdin.isTTY),
): ((renew: boolean) => Effect.Effect<Credentials, KubeconfigError>) => {
  const { cluster, user, origin } = identity
  const login = loginOf(identity, limitMs)
  return Effect.fnUntraced(function* (renew) {
    const given = login === undefined ? undefined : yield* login(renew)
    const token = given?.authorization ?? (yield* authorization(user))
    const headers = { ...(token === undefined ? {} : { authorization: token }), ...impersonation(user) }
    yield* checkHeaders(headers, origin)
    return {
      ca: yield* pem(cluster["certificate-authority-data"], cluster["certificate-authority"], "certificate authority"),
      cert:
        given?.cert ?? (yield* pem(user["client-certificate-data"], user["client-certificate"], "client certificate")),
      key: given?.key ?? (yield* pem(user["client-key-data"], user["client-key"], "client key")),
      headers,
    }
  })
}
