/** The three clusters of the comparison: a plain one with an ESO of its own (webhook included), and host and virtual cluster with ours between them. */
import { Context, Effect, Layer } from "effect"
import { serveClusterNetwork } from "../clusters/cluster-network.ts"
import { startEsoWebhook } from "../clusters/eso-webhook.ts"
import { startEso } from "../clusters/eso.ts"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import type { Kube } from "../support/kube.ts"
import { clusterSecretStores, namespaces } from "../support/resources.ts"
import { fakeStore, SyncedPair } from "../support/synced-pair.ts"
import type { Row, Side } from "./entry.ts"

/** What every store of ESO's fake provider here knows, unless a row has its own. */
export const commonValues = {
  "/database/password": "s3cret",
  "/database/user": "admin",
  "/login": JSON.stringify({ user: "admin", password: "s3cret", port: 5432, nested: { a: "b" } }),
  "/base64": Buffer.from("plain text").toString("base64"),
  "/binary": Buffer.from([0, 255, 128, 10, 13, 0]).toString("base64"),
  "/odd": JSON.stringify({ "a b/c": "1", ünï: "2" }),
  "/dangerous": '{"__proto__":"x","constructor":"y","toString":"z"}',
  "/docker": JSON.stringify({ auths: { "registry.example.com": { auth: "dTpw" } } }),
}

interface Clusters {
  readonly plain: Kube
  readonly virtual: Kube
  readonly host: Kube
}

export class ComparedClusters extends Context.Service<ComparedClusters, Clusters>()(
  "vcluster-es/test/ComparedClusters",
) {
  static readonly layer = Layer.effect(
    ComparedClusters,
    Effect.gen(function* () {
      const { ground } = yield* SyncedPair
      const plain = yield* ground.addControlPlane({ name: "plain", clusterNetwork: true })
      const network = yield* serveClusterNetwork(plain)
      yield* startEso(ground.watchdog, plain)
      yield* startEsoWebhook(ground.watchdog, plain, network)
      const store = fakeStore("store", commonValues)
      yield* plain.kube.create(clusterSecretStores, store)
      yield* ground.host.kube.patch(clusterSecretStores, { name: "store" }, { spec: store["spec"] })
      return { plain: plain.kube, virtual: ground.virtual.kube, host: ground.host.kube }
    }),
  ).pipe(Layer.provide(SyncedPair.layer()))
}

const namespace = (name: string): KubeObject => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } })

/** At most 63 characters of a row's name, as a namespace. */
const slug = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replaceAll(/^-+|-+$/g, "")

/** Makes the row's namespace on both sides, and its store, where it has one. */
export const prepare = Effect.fnUntraced(function* (
  clusters: Clusters,
  row: Pick<Row, "name" | "store">,
  index: number,
) {
  const name = `${slug(row.name)}-${index}`
  const sides: readonly [Side, Side] = [
    { name: "plain", kube: clusters.plain, operator: clusters.plain, namespace: name, store: name },
    { name: "virtual", kube: clusters.virtual, operator: clusters.host, namespace: name, store: name },
  ]
  yield* Effect.forEach(sides, (side) =>
    Effect.gen(function* () {
      yield* side.kube.create(namespaces, namespace(name))
      if (row.store === undefined) return
      yield* side.operator.create(clusterSecretStores, fakeStore(name, row.store))
      yield* side.kube.waitFor(clusterSecretStores, { name })
    }),
  )
  return sides
})
