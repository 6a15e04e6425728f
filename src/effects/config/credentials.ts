/**
 * From a kubeconfig's user to what a request carries. Files are read anew each time, for they are replaced (tokens, certificates).
 * Exec plugins and auth providers (OIDC …) are the official client library's business; it is large, so it is loaded only for a
 * user who needs it. Of its HTTP nothing is used: it opens a connection a request, and none under Bun with a private CA.
 */
import type { KubeConfig } from "@kubernetes/client-node"
import { Effect, Predicate } from "effect"
import type { RequestOptions } from "node:https"
import type { Credentials, KubeconfigError } from "./rest-config.ts"
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

const needsLibrary = (user: User): boolean =>
  !isGiven(user.token) &&
  !isGiven(user.tokenFile) &&
  (Predicate.isObject(user.exec) || Predicate.isObject(user["auth-provider"]))

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

/** The library's own view of the user: only what it is to work with. */
const forLibrary = ({ user, cluster, userName }: Identity): string => {
  const { exec } = user
  const env: ReadonlyArray<unknown> = Array.isArray(exec?.["env"]) ? exec["env"] : []
  return JSON.stringify({
    "current-context": "chosen",
    contexts: [{ name: "chosen", context: { cluster: "chosen", user: userName || "chosen" } }],
    clusters: [{ name: "chosen", cluster: { server: "https://not.used" } }],
    users: [
      {
        name: userName || "chosen",
        user: Predicate.isObject(exec)
          ? { exec: { ...exec, env: [...env, { name: "KUBERNETES_EXEC_INFO", value: execInfo(exec, cluster) }] } }
          : { "auth-provider": user["auth-provider"] },
      },
    ],
  })
}

const sayWho = ({ user }: Identity): string => {
  const [what, name] = Predicate.isObject(user.exec)
    ? (["credential plugin", user.exec["command"]] as const)
    : (["auth provider", user["auth-provider"]?.["name"]] as const)
  return `${what} ${typeof name === "string" ? name : "without a name"}`
}

/** The library's error in one line. What a plugin printed on standard output is a secret and never repeated. */
const libraryError = (cause: unknown, { user }: Identity): string => {
  const hint = user.exec?.["installHint"]
  if (Predicate.hasProperty(cause, "code") && cause.code === "ENOENT")
    return `is not installed${typeof hint === "string" && hint !== "" ? `; ${hint.trim()}` : ""}`
  if (cause instanceof SyntaxError || cause instanceof TypeError) return "printed no ExecCredential"
  const lines = (Predicate.isError(cause) ? cause.message : String(cause))
    .split("\n")
    .filter((line) => line.trim() !== "")
  return `failed: ${cutText((lines.at(-1) ?? "it said nothing").trim(), 300)}`
}

const headerText = (options: RequestOptions): string | undefined => {
  const found = Object.entries(options.headers ?? {}).find(([name]) => name.toLowerCase() === "authorization")
  return typeof found?.[1] === "string" ? found[1] : undefined
}

const keyText = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined)

/** Keeps one instance of the library's configuration, which caches tokens until they expire. */
const makeLibraryAuth = (identity: Identity) => {
  let config: KubeConfig | undefined
  return Effect.fnUntraced(function* (renew: boolean) {
    const { KubeConfig: Config } = yield* Effect.promise(() => import("@kubernetes/client-node"))
    // The cache of an exec plugin's token does not know that the server refused it. An auth provider's state is the only
    // copy of a refresh token that may be good once, so it stays.
    if (config === undefined || (renew && Predicate.isObject(identity.user.exec))) {
      config = new Config()
      config.loadFromString(forLibrary(identity))
    }
    const loaded = config
    const options: RequestOptions = {}
    const who = `${identity.origin}: ${sayWho(identity)}`
    yield* Effect.tryPromise({
      try: () => loaded.applyToHTTPSOptions(options),
      catch: (cause) => fail(`${who} ${libraryError(cause, identity)}`),
    })
    const given = { authorization: headerText(options), cert: keyText(options.cert), key: keyText(options.key) }
    if (given.authorization === undefined && given.cert === undefined)
      return yield* fail(`${who} gave neither a token nor a certificate; log in again`)
    return given
  })
}

/** @returns an effect for {@link ConnectionSource.credentials} */
export const makeCredentials = (
  identity: Identity,
): ((renew: boolean) => Effect.Effect<Credentials, KubeconfigError>) => {
  const { cluster, user, origin } = identity
  const fromLibrary = needsLibrary(user) ? makeLibraryAuth(identity) : undefined
  return Effect.fnUntraced(function* (renew) {
    const given = fromLibrary === undefined ? undefined : yield* fromLibrary(renew)
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
