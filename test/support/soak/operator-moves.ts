/** What the operator does, and what breaks: stores, labels, settings, ESO, its CRDs, host objects, the collector, the syncer. */
import { Effect } from "effect"
import type { KubeObject } from "../../../src/effects/client/kube-object.ts"
import { installEsoCrds } from "../../clusters/eso.ts"
import { copyOf, hiddenSecretOf } from "../attack.ts"
import { replaceByForce } from "../players/gitops.ts"
import { clusterSecretStores, crds, externalSecrets, secrets } from "../resources.ts"
import { fakeStore } from "../synced-pair.ts"
import { itself, type Move, when } from "./move.ts"
import { isFetchedOnce, otherSettings, type StoreState, type World } from "./world.ts"

const kubeOf = ({ pair }: World) => pair.ground.host.kube

const storesThat = (is: (state: StoreState) => boolean) => (world: World) =>
  [...world.stores].filter(([, state]) => is(state)).map(([name]) => name)

const present = storesThat((state) => state.present)

const change = (world: World, store: string, to: Partial<StoreState>) =>
  world.becomes(() => Object.assign(world.stores.get(store) ?? {}, to))

const labelOf = (world: World, store: string) => ({
  "vcluster-accessible": world.stores.get(store)?.labelled === true ? "true" : null,
})

export const createStore = (world: World, store: string) => {
  change(world, store, { present: true })
  return kubeOf(world).create(clusterSecretStores, world.storeObject(store))
}

/** Label and value as they are to be; two writes, for a label taken off must count from the first. */
export const putStore = Effect.fnUntraced(function* (world: World, store: string) {
  const metadata = { labels: labelOf(world, store) }
  yield* kubeOf(world).patch(clusterSecretStores, { name: store }, { metadata })
  yield* kubeOf(world).patch(clusterSecretStores, { name: store }, { spec: world.storeObject(store)["spec"] })
})

const storeMoves: ReadonlyArray<Move> = [
  {
    name: "a store has a new value",
    weight: 5,
    among: present,
    act: (world, store) => {
      change(world, store, { value: world.newValue() })
      return putStore(world, store)
    },
  },
  {
    name: "a store is deleted",
    weight: 2,
    among: present,
    act: (world, store) => {
      change(world, store, { present: false })
      return kubeOf(world).delete(clusterSecretStores, { name: store })
    },
  },
  {
    name: "a store comes back, maybe without its label and with another value",
    weight: 4,
    among: storesThat((state) => !state.present),
    act: (world, store) => {
      const labelled = world.random.happens(0.7)
      change(world, store, { labelled, ...(world.random.happens(0.5) ? { value: world.newValue() } : {}) })
      return createStore(world, store)
    },
  },
  {
    name: "a store is replaced by force, maybe without its label",
    weight: 3,
    among: present,
    act: (world, store) => {
      const { labelled } = world.stores.get(store) ?? {}
      change(world, store, { labelled: labelled === true && world.random.happens(0.7), value: world.newValue() })
      const { ground } = world.pair
      return replaceByForce(ground, ground.host, world.storeObject(store))
    },
  },
  {
    name: "a store loses its label, and has another value then",
    weight: 2,
    among: storesThat((state) => state.present && state.labelled),
    act: (world, store) => {
      change(world, store, { labelled: false })
      change(world, store, { value: world.newValue() })
      return putStore(world, store)
    },
  },
  {
    name: "a store gets its label back",
    weight: 4,
    among: storesThat((state) => state.present && !state.labelled),
    act: (world, store) => {
      change(world, store, { labelled: true })
      return putStore(world, store)
    },
  },
]

const crdNames = ["externalsecrets", "secretstores", "clustersecretstores"].map((kind) => ({
  name: `${kind}.external-secrets.io`,
}))

const canary: KubeObject = fakeStore("store", { "/database/password": "s3cret" })

/** As `helm uninstall` and `helm install` do where the chart brings the CRDs: all that stood in them is gone, and the operator applies the stores again. */
const reinstall = Effect.fnUntraced(function* (world: World) {
  const { eso, ground } = world.pair
  const { kube } = ground.host
  // ESO takes its own finalizers off.
  yield* Effect.forEach(crdNames, (crd) => kube.delete(crds, crd), { discard: true })
  yield* Effect.forEach(crdNames, (crd) => kube.waitUntilGone(crds, crd), { discard: true })
  yield* eso?.stop() ?? Effect.void
  yield* installEsoCrds(ground.host)
  yield* eso?.start ?? Effect.void
  yield* kube.create(clusterSecretStores, canary)
  for (const store of present(world)) yield* createStore(world, store)
})

const restartSyncer = Effect.fnUntraced(function* (world: World, signal: NodeJS.Signals) {
  yield* world.stopSyncer(signal)
  yield* world.startSyncer
})

const machineMoves: ReadonlyArray<Move> = [
  {
    name: "a host copy is deleted by hand",
    weight: 3,
    among: (world) => world.those("good"),
    act: (world, name) => kubeOf(world).delete(externalSecrets, copyOf(name)),
  },
  {
    name: "a hidden Secret is deleted by hand",
    weight: 2,
    // ESO fetches anew then, whatever the policy; that it does not reach the tenant is asked elsewhere.
    among: (world) => world.those("good").filter((name) => !isFetchedOnce(name)),
    act: (world, name) => kubeOf(world).delete(secrets, hiddenSecretOf(name)),
  },
  {
    name: "ESO ends",
    weight: 1,
    among: (world) => when(world.operatorRuns),
    act: (world) => {
      world.operatorRuns = false
      return world.pair.eso?.stop() ?? Effect.void
    },
  },
  {
    name: "ESO starts",
    weight: 4,
    among: (world) => when(!world.operatorRuns),
    act: (world) => {
      world.operatorRuns = true
      return world.pair.eso?.start ?? Effect.void
    },
  },
  { name: "ESO is reinstalled, CRDs and all", weight: 1, among: (world) => when(world.operatorRuns), act: reinstall },
  {
    name: "the virtual CRD of the stores is deleted",
    weight: 1,
    among: (world) => when(world.syncer !== undefined),
    act: ({ pair }) => pair.ground.virtual.kube.delete(crds, { name: "clustersecretstores.external-secrets.io" }),
  },
  {
    name: "the collector goes away",
    weight: 1,
    among: (world) => when(world.collectorRuns),
    act: (world) => {
      world.collectorRuns = false
      return world.pair.ground.virtual.stopControllerManager
    },
  },
  {
    name: "the collector is back",
    weight: 3,
    among: (world) => when(!world.collectorRuns),
    act: (world) => {
      world.collectorRuns = true
      return world.pair.ground.virtual.restartControllerManager
    },
  },
  {
    name: "the syncer is killed, and another one starts",
    weight: 1,
    among: () => itself,
    act: (world) => restartSyncer(world, "SIGKILL"),
  },
  {
    name: "the syncer ends",
    weight: 1,
    among: (world) => when(world.syncer !== undefined),
    act: (world) => world.stopSyncer("SIGTERM"),
  },
  {
    name: "a syncer starts",
    weight: 5,
    among: (world) => when(world.syncer === undefined),
    act: (world) => world.startSyncer,
  },
  {
    name: "the settings are others, and the syncer starts with them",
    weight: 1,
    among: (world) => when(world.settings === "usual"),
    act: (world) => changeSettings(world, world.random.pick(otherSettings) ?? "usual"),
  },
  {
    name: "the settings are the usual ones again",
    weight: 4,
    among: (world) => when(world.settings !== "usual"),
    act: (world) => changeSettings(world, "usual"),
  },
]

export const changeSettings = Effect.fnUntraced(function* (world: World, settings: World["settings"]) {
  yield* world.stopSyncer("SIGTERM")
  world.becomes(() => {
    world.settings = settings
  })
  yield* world.startSyncer
})

export const operatorMoves: ReadonlyArray<Move> = [...storeMoves, ...machineMoves]
