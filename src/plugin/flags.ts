/**
 * Every flag of every command, once. A flag is an argument of cmd-ts, which decodes it, plus a description of its shape, which
 * the help and the first look at the command line (argv.ts) read.
 */
import { boolean, flag, multioption, option, optional, string } from "cmd-ts"
import { parseGoDuration } from "../effects/text/go-duration.ts"

export type FlagGroup = "command" | "host" | "virtual" | "output"

export interface FlagSpec {
  readonly long: string
  readonly short?: string
  readonly group: FlagGroup
  /** Placeholder of the value in the help; absent: the flag is a switch. */
  readonly value?: string
  /** What the flag means when it is given without a value; a value is then only read after `=`. */
  readonly bare?: string
  readonly repeatable?: boolean
  readonly description: string
}

const names = (spec: FlagSpec) =>
  spec.short === undefined ? { long: spec.long } : { long: spec.long, short: spec.short }

const invalid = (spec: FlagSpec, raw: string, why: string): Error =>
  new Error(`invalid value ${JSON.stringify(raw)} for --${spec.long}: ${why}`)

/** A switch; `--flag=false` turns it off, as in kubectl. */
const toggle = (spec: FlagSpec) => ({
  ...flag({ ...names(spec), type: boolean, defaultValue: () => false }),
  spec,
})

const text = (spec: FlagSpec & { readonly value: string }) => ({
  ...option({ ...names(spec), type: optional(string) }),
  spec,
})

const texts = (spec: FlagSpec & { readonly value: string; readonly repeatable: true }) => ({
  ...multioption({
    ...names(spec),
    type: { from: (values: Array<string>) => Promise.resolve<ReadonlyArray<string>>(values) },
    defaultValue: (): ReadonlyArray<string> => [],
  }),
  spec,
})

/** One word out of `choices`. */
const choice = <const Choice extends string, const Default extends Choice | undefined>(
  spec: FlagSpec & { readonly value: string },
  choices: ReadonlyArray<Choice>,
  fallback: Default,
) => ({
  ...option({
    ...names(spec),
    type: {
      from: (raw: string): Promise<Choice | Default> => {
        const found = choices.find((candidate) => candidate === raw)
        return found === undefined
          ? Promise.reject(invalid(spec, raw, `choose one of ${choices.join(", ")}`))
          : Promise.resolve(found)
      },
    },
    defaultValue: (): Choice | Default => fallback,
  }),
  spec,
})

/** Decoded by `decode`, which gives undefined for what it does not understand. */
const decoded = <A, Default>(
  spec: FlagSpec & { readonly value: string },
  decode: (raw: string) => A | undefined,
  expected: string,
  fallback: Default,
) => ({
  ...option({
    ...names(spec),
    type: {
      from: (raw: string): Promise<A | Default> => {
        const value = decode(raw)
        return value === undefined ? Promise.reject(invalid(spec, raw, expected)) : Promise.resolve(value)
      },
    },
    defaultValue: (): A | Default => fallback,
  }),
  spec,
})

/** Go's notation, as in kubectl; in milliseconds, never negative. */
const duration = (raw: string): number | undefined => {
  const nanoseconds = parseGoDuration(raw)
  return nanoseconds === undefined || nanoseconds < 0 ? undefined : nanoseconds / 1e6
}

const integer =
  (least: number, most: number) =>
  (raw: string): number | undefined => {
    const value = Number(raw)
    return /^\d+$/.test(raw) && value >= least && value <= most ? value : undefined
  }

// The host cluster: names and meanings are kubectl's.
const host = { group: "host" as const }
export const hostFlags = {
  namespace: text({
    ...host,
    long: "namespace",
    short: "n",
    value: "NAMESPACE",
    description: "Namespace of the vCluster",
  }),
  context: text({ ...host, long: "context", value: "NAME", description: "Context of the kubeconfig to use" }),
  kubeconfig: text({
    ...host,
    long: "kubeconfig",
    value: "FILE",
    description: "Kubeconfig instead of KUBECONFIG or ~/.kube/config",
  }),
  cluster: text({ ...host, long: "cluster", value: "NAME", description: "Cluster of the kubeconfig to use" }),
  user: text({ ...host, long: "user", value: "NAME", description: "User of the kubeconfig to use" }),
  server: text({ ...host, long: "server", short: "s", value: "URL", description: "Address of the API server" }),
  token: text({ ...host, long: "token", value: "TOKEN", description: "Bearer token" }),
  clientCertificate: text({
    ...host,
    long: "client-certificate",
    value: "FILE",
    description: "Client certificate for TLS",
  }),
  clientKey: text({ ...host, long: "client-key", value: "FILE", description: "Client key for TLS" }),
  as: text({ ...host, long: "as", value: "USER", description: "User to impersonate" }),
  asGroup: texts({
    ...host,
    long: "as-group",
    value: "GROUP",
    repeatable: true,
    description: "Group to impersonate; may be repeated",
  }),
  asUid: text({ ...host, long: "as-uid", value: "UID", description: "UID to impersonate" }),
  certificateAuthority: text({
    ...host,
    long: "certificate-authority",
    value: "FILE",
    description: "Certificate of the authority that signed the server's",
  }),
  tlsServerName: text({
    ...host,
    long: "tls-server-name",
    value: "NAME",
    description: "Name to expect in the server's certificate",
  }),
  insecureSkipTlsVerify: toggle({
    ...host,
    long: "insecure-skip-tls-verify",
    description: "Do not check the server's certificate (insecure)",
  }),
  requestTimeout: decoded(
    { ...host, long: "request-timeout", value: "DURATION", description: "Limit for one request, e.g. 30s; 0: none" },
    // kubectl takes a bare number as seconds.
    (raw) => (/^\d+$/.test(raw) ? Number(raw) * 1000 : duration(raw)),
    "expected a duration such as 30s or 1m30s",
    undefined,
  ),
}

const virtual = { group: "virtual" as const }
export const virtualFlags = {
  virtualKubeconfig: text({
    ...virtual,
    long: "virtual-kubeconfig",
    value: "FILE",
    description: "Kubeconfig of the virtual cluster",
  }),
  virtualContext: text({ ...virtual, long: "virtual-context", value: "NAME", description: "Its context to use" }),
  values: text({
    ...virtual,
    long: "values",
    short: "f",
    value: "FILE",
    description: "vcluster.yaml; default: what the vCluster runs with",
  }),
}

const output = { group: "output" as const }
export const outputFlags = {
  color: choice(
    { ...output, long: "color", value: "WHEN", bare: "always", description: "auto, always or never" },
    ["auto", "always", "never"],
    "auto",
  ),
  logFormat: choice(
    { ...output, long: "log-format", value: "FORMAT", description: "text or json; default: json in a pod" },
    ["text", "json"],
    undefined,
  ),
  verbosity: decoded(
    {
      ...output,
      long: "v",
      short: "v",
      value: "LEVEL",
      description: "Log level: 6 shows requests, 8 their bodies without secrets",
    },
    integer(0, 10),
    "expected a number from 0 to 10",
    0,
  ),
}

const own = { group: "command" as const }
export const output3 = choice(
  { ...own, long: "output", short: "o", value: "FORMAT", description: "json, yaml or wide" },
  ["json", "yaml", "wide"],
  undefined,
)
export const output2 = choice(
  { ...own, long: "output", short: "o", value: "FORMAT", description: "json or yaml" },
  ["json", "yaml"],
  undefined,
)
export const settingsFile = text({
  ...own,
  long: "values",
  short: "f",
  value: "FILE",
  description: "A file to check, as the other commands take it",
})
export const watch = toggle({
  ...own,
  long: "watch",
  short: "w",
  description: "Show anew whenever something changes, until interrupted",
})
export const client = toggle({
  ...own,
  long: "client",
  description: "Only the version of this program; asks no cluster",
})
export const follow = toggle({ ...own, long: "follow", description: "Go on syncing until interrupted" })
export const dryRun = choice(
  {
    ...own,
    long: "dry-run",
    value: "WHERE",
    bare: "server",
    description: "Show what would change as a diff; write nothing (kubectl's client and server are the same here)",
  },
  ["none", "client", "server", "true", "false"],
  "none",
)
export const allowMassDelete = toggle({
  ...own,
  long: "allow-mass-delete",
  description: "Carry out a pass that deletes more than half of what is synced",
})
export const acceptIdentity = toggle({
  ...own,
  long: "accept-identity",
  description: "Accept a virtual cluster that is not the one synced so far",
})
export const onceTimeout = decoded(
  { ...own, long: "once-timeout", value: "DURATION", description: "How long one pass may wait for ESO; default 2m" },
  duration,
  "expected a duration such as 90s or 5m",
  120_000,
)
export const workers = decoded(
  { ...own, long: "workers", value: "COUNT", description: "Objects in work at the same time; default 16" },
  integer(1, 64),
  "expected a number from 1 to 64",
  16,
)

/** What all commands that talk to clusters take. */
export const clusterFlags = { ...hostFlags, ...virtualFlags, ...outputFlags }

/** What cmd-ts decodes the arguments of a command to. */
type Decoded<Args> = {
  readonly [Name in keyof Args]: Args[Name] extends {
    parse: (context: never) => Promise<infer Outcome>
  }
    ? Extract<Outcome, { readonly _tag: "ok" }> extends { readonly value: infer Value }
      ? Value
      : never
    : never
}

export type ClusterArgs = Decoded<typeof clusterFlags>

/** For a look at a command line whose command is not known yet: flags may stand before it. */
export const allFlagSpecs: ReadonlyArray<FlagSpec> = [
  ...Object.values(clusterFlags).map((entry) => entry.spec),
  ...[output3, watch, client, follow, dryRun, allowMassDelete, acceptIdentity, onceTimeout, workers].map(
    (entry) => entry.spec,
  ),
]
