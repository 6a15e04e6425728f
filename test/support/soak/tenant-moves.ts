/** What tenants do: mistakes, edits, deletions of every kind. Before a Secret may go, the ledger is told. */
import { Effect } from "effect"
import { inVirtual } from "../attack.ts"
import type { KubeError } from "../kube-error.ts"
import { externalSecrets, secrets } from "../resources.ts"
import type { Move } from "./move.ts"
import { storeOf, type World } from "./world.ts"

const entry = { secretKey: "password", remoteRef: { key: "/database/password" } }
const generatorRef = {
  apiVersion: "generators.external-secrets.io/v1alpha1",
  kind: "ECRAuthorizationToken",
  name: "token",
}

const mistakes = [
  { dataFrom: [{ sourceRef: { generatorRef } }] },
  { data: [entry, { ...entry, remoteRef: { key: "/login" } }] },
  { target: { creationPolicy: "Merge", deletionPolicy: "Delete" } },
  { secretStoreRef: { kind: "ClusterSecretStore", name: "of-somebody-else" } },
]

const corrected = (name: string) => ({
  spec: {
    secretStoreRef: { kind: "ClusterSecretStore", name: storeOf(name) },
    target: { creationPolicy: "Owner", deletionPolicy: "Retain" },
    data: [entry],
    dataFrom: null,
  },
})

const kubeOf = ({ pair }: World) => pair.ground.virtual.kube

export const mend = Effect.fnUntraced(function* (world: World, name: string): Effect.fn.Return<void, KubeError> {
  yield* kubeOf(world).patch(externalSecrets, inVirtual(name), corrected(name))
  world.tenants.set(name, "good")
})

export const select = Effect.fnUntraced(function* (world: World, name: string): Effect.fn.Return<void, KubeError> {
  yield* kubeOf(world).patch(externalSecrets, inVirtual(name), { metadata: { labels: { stage: null } } })
  world.tenants.set(name, "good")
})

/** Where the former one still waits for the collector, nothing. */
export const createAnew = Effect.fnUntraced(function* (world: World, name: string): Effect.fn.Return<void, KubeError> {
  if ((yield* kubeOf(world).find(externalSecrets, inVirtual(name))) !== undefined) return
  yield* kubeOf(world).create(externalSecrets, world.wish(name))
  world.tenants.set(name, "good")
})

/** From here on a Secret that was let go stays, if it is another one and the ExternalSecret's own. */
export const lookAgain = Effect.fnUntraced(function* (world: World, name: string): Effect.fn.Return<void, KubeError> {
  const owner = yield* kubeOf(world).find(externalSecrets, inVirtual(name))
  const secret = yield* kubeOf(world).find(secrets, inVirtual(name))
  const [reference, ...others] = secret?.metadata.ownerReferences ?? []
  const isOwn = owner?.metadata.deletionTimestamp === undefined && reference?.uid === owner?.metadata.uid
  if (reference !== undefined && isOwn && others.length === 0 && world.ledger.isAnew(name, secret?.metadata.uid))
    world.ledger.keep(name)
})

const good = (world: World) => world.those("good")

export const tenantMoves: ReadonlyArray<Move> = [
  {
    name: "an edit that is refused",
    weight: 6,
    among: good,
    act: (world, name) => {
      world.tenants.set(name, "refused")
      return kubeOf(world).patch(externalSecrets, inVirtual(name), { spec: world.random.pick(mistakes) })
    },
  },
  { name: "an edit is mended", weight: 5, among: (world) => world.those("refused"), act: mend },
  {
    name: "force-sync",
    weight: 6,
    among: (world) => [...world.those("good"), ...world.those("refused")],
    act: (world, name) =>
      kubeOf(world).patch(externalSecrets, inVirtual(name), {
        metadata: { annotations: { "force-sync": `${world.random.below(1e9)}` } },
      }),
  },
  {
    name: "an orphaning deletion",
    weight: 5,
    among: (world) => [...world.those("good"), ...world.those("refused")],
    act: (world, name) => {
      world.tenants.set(name, "deleted")
      world.ledger.fetchAgain(name)
      return kubeOf(world).delete(externalSecrets, inVirtual(name), "Orphan")
    },
  },
  {
    name: "a deletion",
    weight: 2,
    among: good,
    act: (world, name) => {
      world.tenants.set(name, "deleted")
      world.ledger.release(name)
      return kubeOf(world).delete(
        externalSecrets,
        inVirtual(name),
        world.random.happens(0.5) ? "Background" : "Foreground",
      )
    },
  },
  { name: "a successor", weight: 8, among: (world) => world.those("deleted"), act: createAnew },
  {
    name: "a label by which it is not selected",
    weight: 2,
    among: good,
    act: (world, name) => {
      world.tenants.set(name, "unselected")
      world.ledger.release(name)
      return kubeOf(world).patch(externalSecrets, inVirtual(name), { metadata: { labels: { stage: "draft" } } })
    },
  },
  { name: "the label is taken off", weight: 2, among: (world) => world.those("unselected"), act: select },
  {
    name: "a Secret is deleted by hand",
    weight: 2,
    among: good,
    act: (world, name) => {
      world.ledger.release(name)
      return kubeOf(world).delete(secrets, inVirtual(name))
    },
  },
  {
    name: "a Secret that came back is looked at",
    weight: 8,
    among: (world) => world.those("good").filter((name) => !world.ledger.isKept(name)),
    act: lookAgain,
  },
]
