/** The place where it is measured: both API servers, ESO's CRDs without ESO, a client of ours for each side. */
import { copyFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import type { ControlPlane } from "../test/clusters/control-plane.ts"
import { installEsoCrds } from "../test/clusters/eso.ts"
import { type GroundShape, makeGround } from "../test/clusters/ground.ts"
import { documentedValues } from "../test/clusters/vcluster.ts"
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

export interface Place {
  readonly ground: GroundShape
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

export const clientOf = (cluster: ControlPlane, userAgent: string) =>
  Effect.acquireRelease(
    Effect.promise(() => connect(cluster.kube.connection, userAgent)),
    (client) => Effect.sync(client.close),
  )

/** One pass of the product installs the CRDs in the virtual cluster, the same for everybody. */
const installVirtualCrds = Effect.fnUntraced(function* (ground: GroundShape, file: string) {
  const { name, namespace } = vclusters.ours
  const args = ["sync", name, "-n", namespace, "--kubeconfig", ground.host.kubeconfig]
  const pass = yield* ground.run({ file, args: [...args, "--virtual-kubeconfig", ground.virtual.kubeconfig] })
  if (pass.code !== 0) return yield* Effect.die(new Error(`the first sync failed:\n${pass.stdout}${pass.stderr}`))
  return undefined
})

export const openPlace = Effect.gen(function* () {
  yield* say("starting two control planes …")
  // Its garbage collector would read owners while the next phase is measured, now more, now less.
  const alone = { controllerManager: false }
  const ground = yield* makeGround({ host: alone, virtual: alone, logsTo: "test-results/bench" })
  yield* installEsoCrds(ground.host)
  for (const vcluster of Object.values(vclusters)) yield* ground.seedVcluster({ ...vcluster, values: documentedValues })
  yield* ground.host.kube.create(clusterSecretStores, store)
  const copy = join(ground.folder, "kubectl-vcluster-es")
  yield* Effect.promise(() => copyFile(binary, copy))
  yield* installVirtualCrds(ground, copy)
  yield* ground.virtual.kube.create(namespaces, {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: tenantNamespace },
  })
  const host = yield* clientOf(ground.host, "bench-load")
  const virtual = yield* clientOf(ground.virtual, "bench-load")
  return { ground, host, virtual, binary: copy } satisfies Place
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
