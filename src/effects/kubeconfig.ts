/**
 * Which cluster, as whom: kubeconfig files and in-cluster credentials, read as kubectl reads them, by the official client
 * library. It is large, so it is loaded only by those who connect; of its HTTP nothing is used (it opens a connection a
 * request, and not at all under Bun with a private CA).
 */
import type { KubeConfig } from "@kubernetes/client-node"
import { Effect, Predicate } from "effect"
import { existsSync, readFileSync } from "node:fs"
import type { RequestOptions } from "node:https"
import { homedir } from "node:os"
import { delimiter, join } from "node:path"
import type { ConnectionSource, Credentials } from "./connection-source.ts"
import { KubeconfigError } from "./connection-source.ts"

/** kubectl's flags that choose and change what the kubeconfig says. */
export interface Overrides {
  readonly context?: string | undefined
  readonly cluster?: string | undefined
  readonly user?: string | undefined
  readonly server?: string | undefined
  readonly token?: string | undefined
  /** Files. */
  readonly certificateAuthority?: string | undefined
  readonly clientCertificate?: string | undefined
  readonly clientKey?: string | undefined
  readonly tlsServerName?: string | undefined
  readonly insecureSkipTlsVerify?: boolean | undefined
  readonly impersonate?: {
    readonly user?: string | undefined
    readonly groups?: ReadonlyArray<string> | undefined
    readonly uid?: string | undefined
  }
}

const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"
const fail = (message: string) => new KubeconfigError({ message })
const textOf = (cause: unknown): string => (Predicate.isError(cause) ? cause.message : String(cause)).split("\n")[0] ?? ""

const loadLibrary = Effect.promise(() => import("@kubernetes/client-node"))

const readFile = (path: string, what: string): Effect.Effect<string, KubeconfigError> =>
  Effect.try({
    try: () => readFileSync(path, "utf8"),
    catch: (cause) =>
      fail(existsSync(path) ? `${what} ${path} cannot be read: ${textOf(cause)}` : `${what} ${path} does not exist`),
  })

const addFile = Effect.fnUntraced(function* (config: KubeConfig, path: string, single: boolean) {
  const { KubeConfig: Config } = yield* loadLibrary
  const text = yield* readFile(path, "kubeconfig")
  yield* Effect.try({
    try: () => {
      const next = new Config()
      next.loadFromString(text)
      next.makePathsAbsolute(join(path, ".."))
      if (single) config.loadFromOptions(next)
      else config.mergeConfig(next)
    },
    catch: (cause) => fail(`kubeconfig ${path} cannot be read: ${textOf(cause)}`),
  })
})

interface Loaded {
  readonly config: KubeConfig
  /** For messages. */
  readonly origin: string
}

const inCluster = (): boolean =>
  process.env["KUBERNETES_SERVICE_HOST"] !== undefined && existsSync(`${serviceAccount}/token`)

/** kubectl's order: the flag, KUBECONFIG (several files are merged, missing ones skipped), ~/.kube/config, the pod. */
const loadFiles = Effect.fnUntraced(function* (path: string | undefined): Effect.fn.Return<Loaded, KubeconfigError> {
  const { KubeConfig: Config } = yield* loadLibrary
  const config = new Config()
  if (path !== undefined) {
    yield* addFile(config, path, true)
    return { config, origin: path }
  }
  const listed = (process.env["KUBECONFIG"] ?? "").split(delimiter).filter((entry) => entry !== "")
  const home = join(homedir(), ".kube", "config")
  const files = (listed.length > 0 ? listed : [home]).filter((entry) => existsSync(entry))
  for (const file of files) yield* addFile(config, file, files.length === 1)
  if (files.length > 0) return { config, origin: files.join(delimiter) }
  if (inCluster()) {
    config.loadFromCluster()
    return { config, origin: "the pod's service account" }
  }
  return yield* fail("no kubeconfig: neither --kubeconfig, KUBECONFIG nor ~/.kube/config names a readable file")
})

const names = (entries: ReadonlyArray<{ readonly name: string }>): string => entries.map(({ name }) => name).join(", ")

/** Chooses context, cluster and user; what is missing is named, with what there is. */
const choose = Effect.fnUntraced(function* ({ config, origin }: Loaded, overrides: Overrides) {
  const contextName = overrides.context ?? config.getCurrentContext()
  const known = config.getContexts()
  const context = known.find(({ name }) => name === contextName)
  if (context === undefined && (overrides.cluster === undefined || overrides.user === undefined))
    return yield* fail(
      contextName === "" || contextName === undefined
        ? `${origin} has no current context; name one with --context${known.length === 0 ? "" : ` (there are: ${names(known)})`}`
        : `context "${contextName}" does not exist in ${origin}${known.length === 0 ? "" : ` (there are: ${names(known)})`}`,
    )
  const clusterName = overrides.cluster ?? context?.cluster ?? ""
  const cluster = config.getClusters().find(({ name }) => name === clusterName)
  if (cluster === undefined) return yield* fail(`cluster "${clusterName}" does not exist in ${origin}`)
  const userName = overrides.user ?? context?.user ?? ""
  const user = config.getUsers().find(({ name }) => name === userName)
  if (user === undefined && userName !== "") return yield* fail(`user "${userName}" does not exist in ${origin}`)
  return { context, cluster, user: user ?? { name: "" } }
})

const pem = (value: unknown): string | undefined => {
  if (typeof value === "string") return value
  if (value instanceof Uint8Array) return new TextDecoder().decode(value)
  return Array.isArray(value) ? value.map(pem).join("\n") : undefined
}

const impersonation = ({ impersonate }: Overrides): Record<string, string | ReadonlyArray<string>> => ({
  ...(impersonate?.user === undefined ? {} : { "impersonate-user": impersonate.user }),
  ...(impersonate?.uid === undefined ? {} : { "impersonate-uid": impersonate.uid }),
  ...(impersonate?.groups === undefined || impersonate.groups.length === 0
    ? {}
    : { "impersonate-group": impersonate.groups }),
})

const headersOf = (options: RequestOptions): Record<string, string> => {
  const headers = Object.entries(options.headers ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [[name.toLowerCase(), String(value)] as const],
  )
  const basic =
    typeof options.auth === "string" ? [["authorization", `Basic ${btoa(options.auth)}`] as const] : []
  return Object.fromEntries([...headers, ...basic])
}

/** What the library makes of the chosen user now: runs exec plugins, reads token files. */
const credentialsOf = (
  config: KubeConfig,
  origin: string,
  overrides: Overrides,
): Effect.Effect<Credentials, KubeconfigError> =>
  Effect.gen(function* () {
    const options: RequestOptions = {}
    yield* Effect.tryPromise({
      try: () => config.applyToHTTPSOptions(options),
      catch: (cause) => fail(`no credentials from ${origin}: ${textOf(cause)}`),
    })
    const file = (path: string | undefined, what: string) =>
      path === undefined ? Effect.succeed(undefined) : readFile(path, what)
    const ca = yield* file(overrides.certificateAuthority, "--certificate-authority")
    const cert = yield* file(overrides.clientCertificate, "--client-certificate")
    const key = yield* file(overrides.clientKey, "--client-key")
    return {
      ca: ca ?? pem(options.ca),
      cert: cert ?? pem(options.cert),
      key: key ?? pem(options.key),
      passphrase: options.passphrase,
      headers: {
        ...headersOf(options),
        ...(overrides.token === undefined ? {} : { authorization: `Bearer ${overrides.token}` }),
        ...impersonation(overrides),
      },
    }
  })

const sourceOf = Effect.fnUntraced(function* (
  loaded: Loaded,
  overrides: Overrides,
): Effect.fn.Return<ConnectionSource, KubeconfigError> {
  const { context, cluster, user } = yield* choose(loaded, overrides)
  const { KubeConfig: Config } = yield* loadLibrary
  const chosen = new Config()
  chosen.loadFromClusterAndUser({ ...cluster }, { ...user })
  const server = (overrides.server ?? cluster.server ?? "").replace(/\/+$/, "")
  if (!URL.canParse(server)) return yield* fail(`the server ${JSON.stringify(server)} in ${loaded.origin} is no URL`)
  return {
    context: loaded.origin === "the pod's service account" ? undefined : context?.name,
    namespace: context?.namespace,
    server,
    serverName: overrides.tlsServerName ?? cluster.tlsServerName,
    insecure: overrides.insecureSkipTlsVerify ?? cluster.skipTLSVerify ?? false,
    proxyUrl: cluster.proxyUrl,
    credentials: credentialsOf(chosen, loaded.origin, overrides),
  }
})

/** @param path `--kubeconfig`; undefined: kubectl's default order */
export const loadKubeconfig = (
  path: string | undefined,
  overrides: Overrides = {},
): Effect.Effect<ConnectionSource, KubeconfigError> =>
  Effect.flatMap(loadFiles(path), (loaded) => sourceOf(loaded, overrides))

/** A kubeconfig that is at hand as text (out of a Secret). @param origin what it is, for messages */
export const parseKubeconfig = Effect.fnUntraced(function* (
  text: string,
  origin: string,
  overrides: Overrides = {},
): Effect.fn.Return<ConnectionSource, KubeconfigError> {
  const { KubeConfig: Config } = yield* loadLibrary
  const config = new Config()
  yield* Effect.try({
    try: () => config.loadFromString(text),
    catch: (cause) => fail(`the kubeconfig in ${origin} cannot be read: ${textOf(cause)}`),
  })
  return yield* sourceOf({ config, origin }, overrides)
})

/** What the default kubeconfig offers, for finding contexts that other tools made. */
export interface ContextList {
  readonly current: string | undefined
  readonly names: ReadonlyArray<string>
}

export const listContexts = Effect.fnUntraced(function* (
  path: string | undefined,
): Effect.fn.Return<ContextList, KubeconfigError> {
  const { config } = yield* loadFiles(path)
  const current = config.getCurrentContext()
  return { current: current === "" ? undefined : current, names: config.getContexts().map(({ name }) => name) }
})
