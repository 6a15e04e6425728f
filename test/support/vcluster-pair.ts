/**
 * A real vCluster beside the real ESO, and our syncer as a pod of the vCluster's namespace has it: the binary, the token of a ServiceAccount with the
 * rights of docs/rbac.md, the Service's name, and nothing else. It finds its way by `vc-NAME` and `vc-config-NAME`.
 */
import { existsSync } from "node:fs"
import { it, layer, type Vitest } from "@effect/vitest"
import { Context, Effect, Layer, type Scope } from "effect"
import { GroundError } from "../clusters/errors.ts"
import type { Eso } from "../clusters/eso.ts"
import { type HostGround, makeHostGround } from "../clusters/ground.ts"
import { canRunPods, type PodOptions, startPod, systemLibraries } from "../clusters/pod.ts"
import type { Running } from "../clusters/programs.ts"
import type { RealVcluster, RealVclusterOptions } from "../clusters/real-vcluster.ts"
import { serviceAccountPod } from "../clusters/service-account-pod.ts"
import { kineTool } from "../clusters/tools.ts"
import { documentedValues } from "../clusters/vcluster.ts"
import { untilGranted, userOf } from "./access-review.ts"
import type { KubeError } from "./kube-error.ts"
import { keepLogsOnFailure } from "./on-ground.ts"
import { block } from "./rbac-page.ts"
import { clusterSecretStores } from "./resources.ts"
import { binary, fakeStore } from "./synced-pair.ts"

export interface VclusterPairShape {
  readonly ground: HostGround
  readonly eso: Eso
  readonly vcluster: RealVcluster
  /** The one started with the pair. */
  readonly syncer: Running | undefined
  /** Starts `sync --follow` in a pod and waits for nothing. */
  readonly launchSyncer: Effect.Effect<Running, GroundError | KubeError>
  /** Starts it and waits for its first pass. */
  readonly startSyncer: Effect.Effect<Running, GroundError | KubeError>
  /** Any command of the binary in such a pod, to its end. */
  readonly command: (args: ReadonlyArray<string>) => Effect.Effect<Running, GroundError | KubeError>
}

export interface VclusterPairOptions {
  readonly vcluster?: Partial<RealVclusterOptions>
  /** Start `sync --follow` at once. Default true. */
  readonly follow?: boolean
  /** Default: the store `store` with `/database/password`. */
  readonly values?: Readonly<Record<string, string>>
}

/** The page is written for this vCluster. */
const account = { namespace: "team-x", name: "vcluster-es" }

const resolver = (vcluster: RealVcluster): PodOptions["files"] => ({
  "/etc/hosts": `127.0.0.1 localhost ${vcluster.name}.${vcluster.namespace}\n`,
})

let pods = 0

export const inPod = Effect.fnUntraced(function* (
  ground: HostGround,
  vcluster: RealVcluster,
  args: ReadonlyArray<string>,
): Effect.fn.Return<Running, GroundError | KubeError> {
  const { files, env, reaches } = yield* serviceAccountPod(ground.host, account)
  return yield* startPod(ground.watchdog, {
    name: `syncer-${++pods}`,
    command: ["/kubectl-vcluster-es", ...args],
    mounts: [{ from: binary, at: "/kubectl-vcluster-es" }, ...systemLibraries],
    files: { ...files, ...resolver(vcluster) },
    env: { ...env, HOSTNAME: `syncer-${pods}` },
    // The Service NAME: port 443 leads to vCluster's 8443.
    reaches: [...reaches, { inside: 443, outside: vcluster.port }],
  })
})

export const makeVclusterPair = Effect.fnUntraced(function* (
  options: VclusterPairOptions = {},
): Effect.fn.Return<VclusterPairShape, GroundError | KubeError, Scope.Scope> {
  if (!existsSync(binary)) return yield* new GroundError({ message: `${binary} is not built: npm run build` })
  const ground = yield* makeHostGround({ logsTo: "test-results/vcluster-pair" })
  const start = ground.startRealVcluster({ values: documentedValues, ...options.vcluster })
  const [eso, vcluster] = yield* Effect.all([ground.startEso(), start], { concurrency: 2 })
  yield* ground.host.kube.create(
    clusterSecretStores,
    fakeStore("store", options.values ?? { "/database/password": "s3cret" }),
  )
  const applied = yield* ground.kubectl(ground.host, ["apply", "-f", "-"], block("rbac.yaml"))
  if (applied.code !== 0) return yield* new GroundError({ message: `docs/rbac.md: ${applied.stderr}` })
  yield* untilGranted(ground.host.kube, {
    user: userOf(account.namespace, account.name),
    group: "external-secrets.io",
    verb: "watch",
    resource: "clustersecretstores",
  })
  const command = (args: ReadonlyArray<string>) => inPod(ground, vcluster, args)
  const launchSyncer = command(["sync", vcluster.name, "--follow"])
  const startSyncer = Effect.tap(launchSyncer, (running) =>
    running.waitForOutput(/"kind":"Pass","inStep":true/, { timeout: "90 seconds" }),
  )
  return {
    ground,
    eso,
    vcluster,
    command,
    launchSyncer,
    startSyncer,
    syncer: options.follow === false ? undefined : yield* startSyncer,
  }
})

/** Why this machine cannot run a real vCluster; its tests are skipped then, which `make test` counts as a failure. Builds what is not in the cache yet. */
export const whyNoVcluster: string | undefined = await Effect.runPromise(
  canRunPods.pipe(
    Effect.andThen(kineTool("kine")),
    Effect.matchEffect({
      onSuccess: () => Effect.undefined,
      onFailure: (error) => (error.missing === undefined ? Effect.undefined : Effect.succeed(error.message)),
    }),
  ),
)

export class VclusterPair extends Context.Service<VclusterPair, VclusterPairShape>()("vcluster-es/test/VclusterPair") {
  static readonly layer = (options: VclusterPairOptions = {}) => Layer.effect(VclusterPair, makeVclusterPair(options))
}

/** A group of tests that share one pair, with real time; logs are kept when one fails. */
export const besideVcluster = (
  name: string,
  define: (it: Vitest.MethodsNonLive<VclusterPair>) => void,
  options: VclusterPairOptions = {},
): void => {
  if (whyNoVcluster !== undefined) {
    it.skip(`${name} (skipped, because ${whyNoVcluster})`, () => {})
    return
  }
  layer(VclusterPair.layer(options), { excludeTestServices: true, timeout: "30 minutes" })(name, (tests) => {
    keepLogsOnFailure(name)
    define(tests)
  })
}
