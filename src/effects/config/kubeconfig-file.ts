/**
 * Kubeconfig files as kubectl reads them: which ones, how several are merged, what paths inside them are relative to
 * (client-go, `tools/clientcmd`). Which context is used is decided in `kubeconfig.ts`.
 */
import { Effect, Predicate, Result, Schema, SchemaIssue } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { delimiter, dirname, isAbsolute, join } from "node:path"
import { KubeconfigError } from "./rest-config.ts"
import { parseYaml, plainValue } from "./yaml-position.ts"
import type { PositionedProblem } from "./yaml-position.ts"

const text = Schema.optionalKey(Schema.NullOr(Schema.String))

const Cluster = Schema.Struct({
  server: text,
  "tls-server-name": text,
  "insecure-skip-tls-verify": Schema.optionalKey(Schema.NullOr(Schema.Boolean)),
  "certificate-authority": text,
  "certificate-authority-data": text,
  "proxy-url": text,
})
export type Cluster = typeof Cluster.Type

/** `exec` and `auth-provider` are read by the official client library, which knows their many shapes. */
const opaque = Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown)))

const User = Schema.Struct({
  "client-certificate": text,
  "client-certificate-data": text,
  "client-key": text,
  "client-key-data": text,
  token: text,
  tokenFile: text,
  username: text,
  password: text,
  as: text,
  "as-uid": text,
  "as-groups": Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))),
  "as-user-extra": Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.Array(Schema.String)))),
  exec: opaque,
  "auth-provider": opaque,
})
export type User = typeof User.Type

const Context = Schema.Struct({ cluster: text, user: text, namespace: text })
export type Context = typeof Context.Type

const listOf = <S extends Schema.Constraint>(entry: S) => Schema.optionalKey(Schema.NullOr(Schema.Array(entry)))

const File = Schema.Struct({
  "current-context": text,
  contexts: listOf(Schema.Struct({ name: Schema.String, context: Schema.NullOr(Context) })),
  clusters: listOf(Schema.Struct({ name: Schema.String, cluster: Schema.NullOr(Cluster) })),
  users: listOf(Schema.Struct({ name: Schema.String, user: Schema.NullOr(User) })),
})

/** One or several files, merged. */
export interface Kubeconfig {
  /** What it was read from, for messages. */
  readonly origin: string
  readonly current: string | undefined
  readonly contexts: ReadonlyMap<string, Context>
  readonly clusters: ReadonlyMap<string, Cluster>
  readonly users: ReadonlyMap<string, User>
}

/** What surrounds this process; tests give their own. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** `""`: there is none, and so no kubeconfig in the usual place. */
  readonly home: string
  /** Where a pod finds its service account. */
  readonly serviceAccount: string
}

export const fail = (message: string): KubeconfigError => new KubeconfigError({ message })

/** `~/.kube/config` */
export const shortPath = (path: string, home: string): string =>
  home !== "" && path.startsWith(join(home, "/")) ? join("~", path.slice(join(home, "/").length)) : path

/** The system's words without the path, which the message names already. */
const systemError = (cause: unknown): string => {
  const code = Predicate.hasProperty(cause, "code") ? cause.code : undefined
  if (code === "ENOENT") return "does not exist"
  if (code === "EACCES" || code === "EPERM") return "cannot be read: permission denied"
  if (code === "EISDIR") return "is a directory"
  return `cannot be read: ${String(code ?? (Predicate.isError(cause) ? cause.message : cause))}`
}

/** @param what how messages call the file, with its path */
export const readTextFile = (path: string, what: string): Effect.Effect<string, KubeconfigError> =>
  Effect.try({ try: () => readFileSync(path, "utf8"), catch: (cause) => fail(`${what} ${systemError(cause)}`) })

const missing = "is missing"

const schemaProblems = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => (issue._tag === "MissingKey" ? missing : ""),
})

/** Says where, never what: the value may be a token. */
const firstProblem = (issue: SchemaIssue.Issue): string => {
  const [first] = schemaProblems(issue).issues
  const path = (first?.path ?? []).map((part) => (Predicate.isObject(part) ? part.key : part))
  const place = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("")
  return `${place === "" ? "the file" : place.slice(1)} ${first?.message === missing ? missing : "has a value of the wrong type"}`
}

const decodeFile = Schema.decodeUnknownResult(File)

const absolute = <Entry>(entry: Entry, fields: ReadonlyArray<keyof Entry>, folder: string): Entry =>
  fields.reduce((changed, field) => {
    const path = changed[field]
    return typeof path === "string" && path !== "" && !isAbsolute(path)
      ? { ...changed, [field]: join(folder, path) }
      : changed
  }, entry)

/** A plugin given with a slash lies beside the kubeconfig; one without is looked for on PATH. */
const withCommand = (user: User, folder: string): User => {
  const command = user.exec?.["command"]
  return typeof command === "string" && command.includes("/") && !isAbsolute(command)
    ? { ...user, exec: { ...user.exec, command: join(folder, command) } }
    : user
}

const toMap = <Entry>(pairs: ReadonlyArray<readonly [string, Entry | null]>): Map<string, Entry> => {
  const map = new Map<string, Entry>()
  for (const [name, entry] of pairs) if (entry !== null && !map.has(name)) map.set(name, entry)
  return map
}

/** An alias may be a token that nobody put in quotes. */
const unreadable = (origin: string, [problem]: ReadonlyArray<PositionedProblem>): string => {
  const { line, column } = problem?.at ?? { line: 1, column: 1 }
  return `${origin}:${line}:${column}: ${(problem?.message ?? "not valid YAML").replace(/ \*\S+$/, "")}`
}

/** @param folder what relative paths are relative to; undefined: they stay */
export const parseKubeconfigText = (
  source: string,
  origin: string,
  folder: string | undefined,
): Result.Result<Kubeconfig, KubeconfigError> => {
  const parsed = parseYaml(source)
  if (Result.isFailure(parsed)) return Result.fail(fail(unreadable(origin, parsed.failure)))
  const decoded = decodeFile(plainValue(parsed.success) ?? {})
  if (Result.isFailure(decoded))
    return Result.fail(fail(`${origin} is not a kubeconfig: ${firstProblem(decoded.failure.issue)}`))
  const file = decoded.success
  const inFolder = <Entry>(entry: Entry | null, fields: ReadonlyArray<keyof Entry>): Entry | null =>
    entry === null || folder === undefined ? entry : absolute(entry, fields, folder)
  return Result.succeed({
    origin,
    current: file["current-context"] ?? undefined,
    contexts: toMap((file.contexts ?? []).map(({ name, context }) => [name, context] as const)),
    clusters: toMap(
      (file.clusters ?? []).map(({ name, cluster }) => [name, inFolder(cluster, ["certificate-authority"])] as const),
    ),
    users: toMap(
      (file.users ?? []).map(({ name, user }) => {
        const placed = inFolder(user, ["client-certificate", "client-key", "tokenFile"])
        return [name, placed === null || folder === undefined ? placed : withCommand(placed, folder)] as const
      }),
    ),
  })
}

const merge = (first: Kubeconfig, second: Kubeconfig): Kubeconfig => ({
  origin: `${first.origin}${delimiter}${second.origin}`,
  current: first.current === undefined || first.current === "" ? second.current : first.current,
  contexts: new Map([...second.contexts, ...first.contexts]),
  clusters: new Map([...second.clusters, ...first.clusters]),
  users: new Map([...second.users, ...first.users]),
})

const readFileAt = (path: string, { home }: Surroundings): Effect.Effect<Kubeconfig, KubeconfigError> => {
  const origin = shortPath(path, home)
  return Effect.flatMap(readTextFile(path, `kubeconfig ${origin}`), (source) =>
    Effect.fromResult(parseKubeconfigText(source, origin, dirname(path))),
  )
}

/** What a pod is given (client-go, `rest.InClusterConfig`), in the shape of a kubeconfig. */
const inCluster = ({ env, serviceAccount }: Surroundings): Kubeconfig | undefined => {
  const host = env["KUBERNETES_SERVICE_HOST"]
  const port = env["KUBERNETES_SERVICE_PORT"]
  const tokenFile = join(serviceAccount, "token")
  if (host === undefined || host === "" || port === undefined || port === "" || !existsSync(tokenFile)) return undefined
  const namespaceFile = join(serviceAccount, "namespace")
  const namespace = existsSync(namespaceFile) ? readFileSync(namespaceFile, "utf8").trim() : null
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${port}`
  return {
    origin: podOrigin,
    current: podOrigin,
    contexts: new Map([[podOrigin, { cluster: podOrigin, user: podOrigin, namespace }]]),
    clusters: new Map([[podOrigin, { server, "certificate-authority": join(serviceAccount, "ca.crt") }]]),
    users: new Map([[podOrigin, { tokenFile }]]),
  }
}

export const podOrigin = "the pod's service account"

/** Without a home there is none: a file beside wherever the program was started is not meant. */
export const usualFiles = (home: string): ReadonlyArray<string> => (home === "" ? [] : [join(home, ".kube", "config")])

const nothing = (env: Surroundings["env"]): KubeconfigError => {
  const named = env["KUBECONFIG"] ?? ""
  return named === ""
    ? fail("no kubeconfig: neither --kubeconfig, KUBECONFIG nor ~/.kube/config names a readable file")
    : fail(`no kubeconfig: KUBECONFIG names ${named}, which does not exist`)
}

/**
 * kubectl's order: `--kubeconfig`; the files of `KUBECONFIG`, merged (what the first of them says counts; missing ones are skipped);
 * `~/.kube/config`; the pod's service account.
 *
 * @param path `--kubeconfig`
 */
export const readKubeconfig = Effect.fnUntraced(function* (
  path: string | undefined,
  surroundings: Surroundings,
): Effect.fn.Return<Kubeconfig, KubeconfigError> {
  if (path !== undefined && path !== "") return yield* readFileAt(path, surroundings)
  const { env, home } = surroundings
  const listed = (env["KUBECONFIG"] ?? "").split(delimiter).filter((entry) => entry !== "")
  const files = (listed.length > 0 ? listed : usualFiles(home)).filter((entry) => existsSync(entry))
  const [first, ...others] = yield* Effect.forEach(files, (file) => readFileAt(file, surroundings))
  if (first !== undefined) return others.reduce(merge, first)
  return inCluster(surroundings) ?? (yield* nothing(env))
})
