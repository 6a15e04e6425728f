/** What most end-to-end tests start from: the ground, ESO, a seeded vCluster, a store with known values, and the built binary. */
import { Context, type Duration, Effect, Layer, type Scope } from "effect"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { GroundError } from "../clusters/errors.ts"
import type { Eso, EsoOptions } from "../clusters/eso.ts"
import { type GroundOptions, type GroundShape, makeGround } from "../clusters/ground.ts"
import type { Moto } from "../clusters/moto.ts"
import type { Finished, Running } from "../clusters/programs.ts"
import { documentedValues, type Vcluster } from "../clusters/vcluster.ts"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { readyCondition } from "../../src/sync/tenancy/conditions.ts"
import { stringMapAt } from "../../src/effects/client/unstructured.ts"
import type { KubeError } from "./kube-error.ts"
import { clusterSecretStores, externalSecrets, secrets } from "./resources.ts"

export const binary = fileURLToPath(new URL("../../dist/kubectl-vcluster-es", import.meta.url))

export const vcluster = { name: "my-vcluster", namespace: "team-x" } as const

export interface PairOptions {
  readonly ground?: GroundOptions
  readonly eso?: EsoOptions | false
  readonly values?: Vcluster["values"]
  /** AWS Secrets Manager and Parameter Store, where ESO looks for them. Default false. */
  readonly moto?: boolean
  /** Start `sync --follow` at once. Default true. */
  readonly follow?: boolean
}

export interface SyncedPairShape {
  readonly ground: GroundShape
  readonly eso: Eso | undefined
  readonly moto: Moto | undefined
  /** Runs the binary to its end. Host, virtual cluster and vCluster are given; `args` comes after. */
  readonly command: (
    name: string,
    args?: ReadonlyArray<string>,
    timeout?: Duration.Input,
  ) => Effect.Effect<Finished, GroundError>
  /** Starts `sync --follow` and waits for nothing. */
  readonly launchFollow: (args?: ReadonlyArray<string>) => Effect.Effect<Running, GroundError>
  /** Starts `sync --follow` and waits for its first pass. */
  readonly startFollow: (args?: ReadonlyArray<string>) => Effect.Effect<Running, GroundError>
  /** The one started with the pair. */
  readonly syncer: Running | undefined
}

const connectionFlags = (ground: GroundShape): ReadonlyArray<string> => [
  vcluster.name,
  "-n",
  vcluster.namespace,
  "--kubeconfig",
  ground.host.kubeconfig,
  "--virtual-kubeconfig",
  ground.virtual.kubeconfig,
]

/** A store of ESO's `fake` provider, labelled as the documentation has it. */
export const fakeStore = (
  name: string,
  data: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>> = { "vcluster-accessible": "true" },
): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ClusterSecretStore",
  metadata: { name, labels },
  spec: { provider: { fake: { data: Object.entries(data).map(([key, value]) => ({ key, value })) } } },
})

export interface ExternalSecretOptions {
  readonly namespace?: string
  readonly target?: Readonly<Record<string, unknown>>
  readonly store?: string
  readonly key?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly spec?: Readonly<Record<string, unknown>>
}

export const externalSecret = (name: string, options: ExternalSecretOptions = {}): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: {
    name,
    namespace: options.namespace ?? "default",
    ...(options.labels === undefined ? {} : { labels: options.labels }),
    ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
  },
  spec: {
    refreshInterval: "1h",
    secretStoreRef: { name: options.store ?? "store", kind: "ClusterSecretStore" },
    ...(options.target === undefined ? {} : { target: options.target }),
    data: [{ secretKey: "password", remoteRef: { key: options.key ?? "/database/password" } }],
    ...options.spec,
  },
})

/** The decoded value of a Secret's key. */
export const valueOf = (secret: KubeObject | undefined, key: string): string | undefined => {
  const data = stringMapAt(secret, "data")
  return Object.hasOwn(data, key) ? atob(data[key] ?? "") : undefined
}

/** The `Ready` condition. */
export const readyOf = readyCondition

export const isReady = (object: KubeObject): boolean => readyOf(object)?.status === "True"
export const isRefused = (reason: string) => (object: KubeObject) =>
  readyOf(object)?.status === "False" && readyOf(object)?.reason === reason

/** Host name of an object of the pair's vCluster, where it is short enough not to be cut. */
export const onHost = (name: string, namespace = "default"): string => `${name}-x-${namespace}-x-${vcluster.name}`

export const hostRef = (name: string, namespace = "default") => ({
  namespace: vcluster.namespace,
  name: onHost(name, namespace),
})

const makePair = Effect.fnUntraced(function* (
  options: PairOptions,
): Effect.fn.Return<SyncedPairShape, GroundError | KubeError, Scope.Scope> {
  if (!existsSync(binary)) return yield* Effect.die(new Error(`${binary} is not built: npm run build`))
  const ground = yield* makeGround(options.ground)
  const moto = options.moto === true ? yield* ground.startMoto : undefined
  const env = { ...moto?.esoEnv }
  const eso = options.eso === false ? undefined : yield* ground.startEso({ env, ...options.eso })
  yield* ground.seedVcluster({ ...vcluster, values: options.values ?? documentedValues })
  if (eso !== undefined)
    yield* ground.host.kube.create(clusterSecretStores, fakeStore("store", { "/database/password": "s3cret" }))
  const flags = connectionFlags(ground)
  const launchFollow = (args: ReadonlyArray<string> = []) =>
    ground.start({ file: binary, args: ["sync", ...flags, "--follow", ...args] })
  const startFollow = Effect.fnUntraced(function* (args: ReadonlyArray<string> = []) {
    const running = yield* launchFollow(args)
    yield* running.waitForOutput(/in step/, { timeout: "60 seconds" })
    return running
  })
  return {
    ground,
    eso,
    moto,
    command: (name, args = [], timeout) => ground.run({ file: binary, args: [name, ...flags, ...args] }, timeout),
    launchFollow,
    startFollow,
    syncer: options.follow === false ? undefined : yield* startFollow(),
  }
})

export class SyncedPair extends Context.Service<SyncedPair, SyncedPairShape>()("vcluster-es/test/SyncedPair") {
  static readonly layer = (options: PairOptions = {}) => Layer.effect(SyncedPair, makePair(options))
}

/** Waits until an ExternalSecret's Secret is in the virtual cluster; gives the Secret. */
export const awaitSecret = (pair: SyncedPairShape, name: string, namespace = "default") =>
  pair.ground.virtual.kube.waitFor(secrets, { namespace, name }, (secret) => secret["data"] !== undefined)

/** Creates an ExternalSecret in the virtual cluster and waits until the tenant sees it ready. */
export const createReady = Effect.fnUntraced(function* (pair: SyncedPairShape, body: KubeObject) {
  const { kube } = pair.ground.virtual
  yield* kube.create(externalSecrets, body)
  return yield* kube.waitFor(externalSecrets, body.metadata, isReady)
})
