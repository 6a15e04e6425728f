/** The place where it is measured: both API servers, ESO's CRDs without ESO, a client of ours for each side. */
import { copyFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import type { ControlPlane } from "../test/clusters/control-plane.ts"
import { installEsoCrds } from "../test/clusters/eso.ts"
import type { GroundError } from "../test/clusters/errors.ts"
import { type HostGround, makeGround, makeHostGround } from "../test/clusters/ground.ts"
import { documentedValues, seedVcluster } from "../test/clusters/vcluster.ts"
import type { KubeError } from "../test/support/kube-error.ts"
import { binary } from "../test/support/synced-pair.ts"
import { clusterSecretStores, namespaces } from "../test/support/resources.ts"
import { connect, inParallel, type LoadClient } from "./load-client.ts"
import {
  countOf,
  externalSecretsPath,
  itemsOf,
  secretsPath,
  store,
  tenantNamespace,
  textAt,
  virtualExternalSecret,
} from "./objects.ts"

/** What both virtual clusters can do. */
export type VirtualCluster = Pick<ControlPlane, "kube" | "kubeconfig" | "audit">

export interface Place {
  readonly ground: HostGround
  readonly virtualCluster: VirtualCluster
  readonly host: LoadClient
  readonly virtual: LoadClient
  /** A copy of the built binary: a rebuild meanwhile must not change what is measured. */
  readonly binary: string
}

/** One vCluster for each competitor, on the same servers. */
export const vclusters = {
  ours: { name: "ours", namespace: "bench-ours" },
  peer: { name: "peer", namespace: "bench-peer" },
} as const

export const say = (text: string): Effect.Effect<void> =>
  Effect.sync(() => {
    process.stderr.write(`bench: ${text}\n`)
  })

export const clientOf = (cluster: Pick<ControlPlane, "kube">, userAgent: string) =>
  Effect.acquireRelease(
    Effect.promise(() => connect(cluster.kube.connection, userAgent)),
    (client) => Effect.sync(client.close),
  )

/** One pass of the product installs the CRDs in the virtual cluster, the same for everybody. */
const installVirtualCrds = Effect.fnUntraced(function* (ground: HostGround, virtual: VirtualCluster, file: string) {
  const { name, namespace } = vclusters.ours
  const args = ["sync", name, "-n", namespace, "--kubeconfig", ground.host.kubeconfig]
  const pass = yield* ground.run({ file, args: [...args, "--virtual-kubeconfig", virtual.kubeconfig] })
  if (pass.code !== 0) return yield* Effect.die(new Error(`the first sync failed:\n${pass.stdout}${pass.stderr}`))
  return undefined
})

/** A garbage collector would read owners while the next phase is measured, now more, now less. */
const alone = { controllerManager: false }
const logs = { logsTo: "test-results/bench" }

const bareApiServer = Effect.gen(function* () {
  yield* say("starting two control planes …")
  const ground = yield* makeGround({ host: alone, virtual: alone, ...logs })
  return { ground, virtualCluster: ground.virtual }
})

/** On kine, with its own controller manager and syncer beside us: slower than a bare API server, for everybody alike. */
const realVcluster = Effect.gen(function* () {
  yield* say("starting a host and a real vCluster …")
  const ground = yield* makeHostGround({ host: alone, ...logs })
  const namespace = "bench-vcluster"
  const virtualCluster = yield* ground.startRealVcluster({ name: "bench", namespace, values: documentedValues })
  return { ground, virtualCluster }
})

type Clusters = Pick<Place, "ground" | "virtualCluster">

/** @param real whether the virtual cluster is a real vCluster */
export const openPlace = Effect.fnUntraced(function* (
  real: boolean,
): Effect.fn.Return<Place, GroundError | KubeError, Scope.Scope> {
  const { ground, virtualCluster }: Clusters = yield* real ? realVcluster : bareApiServer
  yield* installEsoCrds(ground.host)
  const { connection } = virtualCluster.kube
  for (const vcluster of Object.values(vclusters))
    yield* seedVcluster(ground.host, connection, { ...vcluster, values: documentedValues })
  yield* ground.host.kube.create(clusterSecretStores, store)
  const copy = join(ground.folder, "kubectl-vcluster-es")
  yield* Effect.promise(() => copyFile(binary, copy))
  yield* installVirtualCrds(ground, virtualCluster, copy)
  yield* virtualCluster.kube.create(namespaces, {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: tenantNamespace },
  })
  const host = yield* clientOf(ground.host, "bench-load")
  const virtual = yield* clientOf(virtualCluster, "bench-load")
  return { ground, virtualCluster, host, virtual, binary: copy }
})

/** The tenant's objects `from` to `to` (exclusive). */
export const createExternalSecrets = (place: Place, from: number, to: number): Effect.Effect<void> =>
  Effect.promise(() =>
    inParallel(
      Array.from({ length: to - from }, (_, index) => virtualExternalSecret(from + index)),
      (body) =>
        place.virtual.send({ method: "POST", path: externalSecretsPath(tenantNamespace), body: JSON.stringify(body) }),
    ),
  )

export const list = async (client: LoadClient, path: string): Promise<ReadonlyArray<unknown>> =>
  itemsOf(await client.send({ method: "GET", path }))

/** How many objects a collection has; cheap, so that asking disturbs nothing. */
export const count = async (client: LoadClient, path: string): Promise<number> =>
  countOf(await client.send({ method: "GET", path: `${path}?limit=1` }))

const removeAll = async (client: LoadClient, collection: string, selector = ""): Promise<void> => {
  const names = (await list(client, collection + selector)).map((item) => textAt(item, "metadata", "name"))
  await inParallel(names, (name) => client.send({ method: "DELETE", path: `${collection}/${name}` }))
}

const esoSecrets = "?labelSelector=reconcile.external-secrets.io%2Fmanaged%3Dtrue"

const removeHostNamespace = async (place: Place, namespace: string): Promise<void> => {
  await removeAll(place.host, secretsPath(namespace), esoSecrets)
  await removeAll(place.host, externalSecretsPath(namespace))
}

export const removeHostCopies = (place: Place): Effect.Effect<void> =>
  Effect.promise(() => inParallel(Object.values(vclusters), ({ namespace }) => removeHostNamespace(place, namespace)))

export const removeVirtualSecrets = (place: Place): Effect.Effect<void> =>
  Effect.promise(() => removeAll(place.virtual, secretsPath(tenantNamespace)))

/** As before the round: no ExternalSecret and no Secret on either side. */
export const cleanUp = (place: Place): Effect.Effect<void> =>
  Effect.gen(function* () {
    yield* removeVirtualSecrets(place)
    yield* Effect.promise(() => removeAll(place.virtual, externalSecretsPath(tenantNamespace)))
    yield* removeHostCopies(place)
  })
