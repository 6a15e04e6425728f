/** Which cluster, as whom: chooses from the kubeconfig by kubectl's flags. */
import { Effect, Result } from "effect"
import { homedir } from "node:os"
import type { ConnectionSource, KubeconfigError } from "./rest-config.ts"
import { makeCredentials } from "./credentials.ts"
import { fail, parseKubeconfigText, podOrigin, readKubeconfig } from "./kubeconfig-file.ts"
import type { Cluster, Context, Kubeconfig, Surroundings, User } from "./kubeconfig-file.ts"
import { nearestWord } from "../text/did-you-mean.ts"

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

/** `""` where there is none: in a pod without HOME, under a user ID that no file knows, asking for it is an error. */
const homeFolder = (): string => Result.getOrElse(Result.try(homedir), () => "")

const ownSurroundings = (): Surroundings => ({
  env: process.env,
  home: homeFolder(),
  serviceAccount: "/var/run/secrets/kubernetes.io/serviceaccount",
})

/** `does not exist in FILE (did you mean "prod"?)`, or what there is. */
const absent = (what: string, name: string, origin: string, known: ReadonlyMap<string, unknown>): KubeconfigError => {
  const near = nearestWord(name, known.keys())
  const all = [...known.keys()]
  const hint =
    near === undefined
      ? all.length === 0
        ? " (there are none)"
        : ` (there are: ${all.slice(0, 10).join(", ")}${all.length > 10 ? ", …" : ""})`
      : ` (did you mean ${JSON.stringify(near)}?)`
  return fail(`${what} ${JSON.stringify(name)} does not exist in ${origin}${hint}`)
}

interface Chosen {
  readonly contextName: string | undefined
  readonly context: Context | undefined
  readonly cluster: Cluster
  readonly user: User
  readonly userName: string
}

const noContext = (config: Kubeconfig): KubeconfigError => {
  const names = [...config.contexts.keys()].slice(0, 10).join(", ")
  return fail(
    `${config.origin} has no current context; name one with --context${names === "" ? "" : ` (there are: ${names})`}`,
  )
}

const chooseCluster = (config: Kubeconfig, overrides: Overrides, context: Context | undefined) => {
  const name = overrides.cluster ?? context?.cluster ?? ""
  const cluster = config.clusters.get(name)
  if (cluster !== undefined) return Effect.succeed(cluster)
  // `--server` alone says enough.
  return name === "" && overrides.server !== undefined
    ? Effect.succeed<Cluster>({})
    : Effect.fail(absent("cluster", name, config.origin, config.clusters))
}

/** @throws KubeconfigError for a context, cluster or user that is named but does not exist */
const choose = Effect.fnUntraced(function* (
  config: Kubeconfig,
  overrides: Overrides,
): Effect.fn.Return<Chosen, KubeconfigError> {
  const contextName = overrides.context ?? config.current
  const known = contextName === undefined || contextName === "" ? undefined : contextName
  const context = known === undefined ? undefined : config.contexts.get(known)
  if (known !== undefined && context === undefined)
    return yield* absent("context", known, config.origin, config.contexts)
  if (context === undefined && overrides.cluster === undefined && overrides.server === undefined)
    return yield* noContext(config)
  const cluster = yield* chooseCluster(config, overrides, context)
  const userName = overrides.user ?? context?.user ?? ""
  const user = userName === "" ? {} : config.users.get(userName)
  if (user === undefined) return yield* absent("user", userName, config.origin, config.users)
  return { contextName: known, context, cluster, user, userName }
})

/** What a flag says counts instead of what the kubeconfig says about the same, embedded or as a file. */
const overrideCluster = (cluster: Cluster, overrides: Overrides): Cluster => ({
  ...cluster,
  ...(overrides.server === undefined ? {} : { server: overrides.server }),
  ...(overrides.tlsServerName === undefined ? {} : { "tls-server-name": overrides.tlsServerName }),
  ...(overrides.certificateAuthority === undefined
    ? {}
    : { "certificate-authority": overrides.certificateAuthority, "certificate-authority-data": null }),
  ...(overrides.insecureSkipTlsVerify === undefined
    ? {}
    : { "insecure-skip-tls-verify": overrides.insecureSkipTlsVerify }),
})

const overrideUser = (user: User, { token, clientCertificate, clientKey, impersonate }: Overrides): User => ({
  ...user,
  // A token of the command line makes every other way to get one superfluous; a client certificate stays.
  ...(token === undefined ? {} : { token, tokenFile: null, exec: null, "auth-provider": null, username: null }),
  ...(clientCertificate === undefined
    ? {}
    : { "client-certificate": clientCertificate, "client-certificate-data": null }),
  ...(clientKey === undefined ? {} : { "client-key": clientKey, "client-key-data": null }),
  ...(impersonate?.user === undefined ? {} : { as: impersonate.user }),
  ...(impersonate?.uid === undefined ? {} : { "as-uid": impersonate.uid }),
  ...(impersonate?.groups === undefined || impersonate.groups.length === 0 ? {} : { "as-groups": impersonate.groups }),
})

const isUnnamed = (user: User): boolean =>
  (user.as ?? "") === "" && ((user["as-uid"] ?? "") !== "" || (user["as-groups"] ?? []).length > 0)

const checkServer = (server: string, origin: string): Effect.Effect<string, KubeconfigError> => {
  if (server === "") return Effect.fail(fail(`${origin}: the cluster has no server`))
  // kubectl takes `host:port` for http; nobody serves that any more.
  const url = URL.canParse(server) ? new URL(server) : undefined
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:"))
    return Effect.fail(fail(`${origin}: the server ${JSON.stringify(server)} is no https:// address`))
  // As it was written, port 443 too: that is how its owner knows it. A password in it would end up in messages.
  return Effect.succeed((url.username === "" ? server : `${url.origin}${url.pathname}`).replace(/\/+$/, ""))
}

interface Loaded {
  readonly source: ConnectionSource
  /** All of what was read that the source comes from. */
  readonly read: string
}

/** A source that stays the same one while what it is read from says the same; so it keeps what an exec plugin gave it. */
const reloadable = ({ source, read }: Loaded, load: Effect.Effect<Loaded, KubeconfigError>): ConnectionSource => {
  const same: ConnectionSource = {
    ...source,
    reload: Effect.map(load, (next) => (next.read === read ? same : reloadable(next, load))),
  }
  return same
}

const sourceOf = Effect.fnUntraced(function* (
  config: Kubeconfig,
  overrides: Overrides,
): Effect.fn.Return<Loaded, KubeconfigError> {
  const chosen = yield* choose(config, overrides)
  const cluster = overrideCluster(chosen.cluster, overrides)
  const user = overrideUser(chosen.user, overrides)
  if (isUnnamed(user)) return yield* fail("impersonating a group or a UID takes a user too: --as USER")
  const server = yield* checkServer(cluster.server ?? "", config.origin)
  const namespace = chosen.context?.namespace ?? ""
  const source: ConnectionSource = {
    context: config.origin === podOrigin ? undefined : chosen.contextName,
    inCluster: config.origin === podOrigin && overrides.server === undefined,
    namespace: namespace === "" ? undefined : namespace,
    server,
    serverName: cluster["tls-server-name"] ?? undefined,
    insecure: cluster["insecure-skip-tls-verify"] ?? false,
    proxyUrl: cluster["proxy-url"] ?? undefined,
    credentials: makeCredentials({ origin: config.origin, cluster, user, userName: chosen.userName }),
  }
  return { source, read: JSON.stringify([cluster, user]) }
})

const empty: Kubeconfig = {
  origin: "the command line",
  current: undefined,
  contexts: new Map(),
  clusters: new Map(),
  users: new Map(),
}

/**
 * Connects to nothing yet. The source can be read again.
 *
 * @param path `--kubeconfig`; undefined: kubectl's default order
 * @throws KubeconfigError no kubeconfig, a file that cannot be read or parsed, a name that does not exist in it
 */
export const loadKubeconfig = (
  path: string | undefined,
  overrides: Overrides = {},
  surroundings: Surroundings = ownSurroundings(),
): Effect.Effect<ConnectionSource, KubeconfigError> => {
  const load = (chosen: Overrides) =>
    readKubeconfig(path, surroundings).pipe(
      // `--server` works without any kubeconfig; one that is named must be there.
      Effect.catchIf(
        (error) => overrides.server !== undefined && path === undefined && error.message.startsWith("no kubeconfig"),
        () => Effect.succeed(empty),
      ),
      Effect.flatMap((config) => sourceOf(config, chosen)),
    )
  return Effect.map(load(overrides), (loaded) => {
    const { context, inCluster } = loaded.source
    // Somebody may use another context in another shell meanwhile: that is not where this program is at work.
    const again = load({ ...overrides, context: overrides.context ?? context }).pipe(
      Effect.filterOrFail(
        ({ source }) => source.inCluster === inCluster,
        () => fail("the kubeconfig is not there any more"),
      ),
    )
    return reloadable(loaded, again)
  })
}

/** A kubeconfig that is at hand as text. */
export interface KubeconfigText {
  readonly text: string
  /** What it is, for messages. */
  readonly origin: string
  readonly overrides?: Overrides | undefined
}

const loadText = ({ text, origin, overrides = {} }: KubeconfigText): Effect.Effect<Loaded, KubeconfigError> =>
  Effect.fromResult(parseKubeconfigText(text, origin, undefined)).pipe(
    Effect.flatMap((config) => Effect.flatMap(embeddedOnly(config), () => sourceOf(config, overrides))),
  )

/**
 * A kubeconfig that is at hand as text (out of a Secret).
 *
 * It is the operator's cluster that wrote it, yet nothing in it may run a program or read a file of this machine.
 *
 * @param origin what it is, for messages
 */
export const parseKubeconfig = (
  text: string,
  origin: string,
  overrides: Overrides = {},
): Effect.Effect<ConnectionSource, KubeconfigError> =>
  Effect.map(loadText({ text, origin, overrides }), ({ source }) => source)

/** As {@link parseKubeconfig}, for a text that can be had anew by `again`. */
export const parseKubeconfigAgain = (
  first: KubeconfigText,
  again: Effect.Effect<KubeconfigText, KubeconfigError>,
): Effect.Effect<ConnectionSource, KubeconfigError> =>
  Effect.map(loadText(first), (loaded) => reloadable(loaded, Effect.flatMap(again, loadText)))

const embeddedOnly = (config: Kubeconfig): Effect.Effect<void, KubeconfigError> => {
  const users = [...config.users.values()]
  const fields = [
    ...[...config.clusters.values()].map(
      (cluster) => [cluster["certificate-authority"], "certificate-authority"] as const,
    ),
    ...users.flatMap((user) => [
      [user["client-certificate"], "client-certificate"] as const,
      [user["client-key"], "client-key"] as const,
      [user.tokenFile, "tokenFile"] as const,
      [user.exec, "exec"] as const,
      [user["auth-provider"], "auth-provider"] as const,
    ]),
  ]
  const found = fields.find(([value]) => value !== undefined && value !== null && value !== "")
  return found === undefined
    ? Effect.void
    : Effect.fail(fail(`${config.origin}: ${found[1]} is not allowed in a kubeconfig that comes out of a cluster`))
}

/** What the default kubeconfig offers, for finding contexts that other tools made. */
export interface ContextList {
  readonly current: string | undefined
  readonly names: ReadonlyArray<string>
}

/** @param path `--kubeconfig`; inside a pod there are no contexts */
export const listContexts = (
  path: string | undefined,
  surroundings: Surroundings = ownSurroundings(),
): Effect.Effect<ContextList, KubeconfigError> =>
  Effect.map(readKubeconfig(path, surroundings), (config) =>
    config.origin === podOrigin
      ? { current: undefined, names: [] }
      : { current: config.current === "" ? undefined : config.current, names: [...config.contexts.keys()] },
  )
