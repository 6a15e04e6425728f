/** The clusters of a soak as those who move in them know them. */
import { Effect } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { KubeObject } from "../../../src/effects/client/kube-object.ts"
import type { GroundError } from "../../clusters/errors.ts"
import type { Running } from "../../clusters/programs.ts"
import { externalSecret, fakeStore, type SyncedPairShape } from "../synced-pair.ts"
import { Ledger } from "./ledger.ts"
import type { Random } from "./random.ts"

export interface StoreState {
  present: boolean
  labelled: boolean
  value: string
  /** All that it has held. */
  readonly values: Set<string>
}

/** Of an ExternalSecret: as it should be, edited so that it is refused, labelled so that it is not selected, deleted and not made anew. */
export type TenantState = "good" | "refused" | "unselected" | "deleted"

const storeCount = 4
const groups = 4

const numberOf = (name: string): number => Number(name.slice(name.lastIndexOf("-") + 1))
export const storeOf = (name: string): string => `soak-store-${numberOf(name) % storeCount}`
const groupOf = (name: string): string => `g${numberOf(name) % groups}`
export const isFetchedOnce = (name: string): boolean => numberOf(name) % 5 === 0
const intervalOf = (name: string): string => (numberOf(name) % 3 === 0 ? "5s" : "1h")

const labelled = { enabled: true, selector: { matchLabels: { "vcluster-accessible": "true" } } }
const notIn = (...expressions: ReadonlyArray<readonly [string, string]>) => ({
  selector: { matchExpressions: expressions.map(([key, value]) => ({ key, operator: "NotIn", values: [value] })) },
})

/** A tenant can always leave by the label `stage`. */
const settings = {
  usual: { fromHost: { clusterStores: labelled }, toHost: { externalSecrets: notIn(["stage", "draft"]) } },
  "without a group": {
    fromHost: { clusterStores: labelled },
    toHost: { externalSecrets: notIn(["stage", "draft"], ["group", "g1"]) },
  },
  "without stores": { toHost: { externalSecrets: notIn(["stage", "draft"]) } },
} as const

export type SettingsName = keyof typeof settings
export const otherSettings: ReadonlyArray<SettingsName> = ["without a group", "without stores"]

export class World {
  readonly pair: SyncedPairShape
  readonly random: Random
  readonly names: ReadonlyArray<string>
  readonly tenants = new Map<string, TenantState>()
  readonly stores = new Map<string, StoreState>()
  readonly ledger: Ledger
  settings: SettingsName = "usual"
  syncer: Running | undefined
  operatorRuns = true
  collectorRuns = true
  #versions = 0

  constructor(pair: SyncedPairShape, random: Random, count: number) {
    this.pair = pair
    this.random = random
    this.names = Array.from({ length: count }, (_, index) => `soak-${index}`)
    this.ledger = new Ledger(this.names, new Set(this.names.filter(isFetchedOnce)))
    for (let index = 0; index < storeCount; index++)
      this.stores.set(`soak-store-${index}`, {
        present: false,
        labelled: false,
        value: this.newValue(),
        values: new Set(),
      })
  }

  newValue(): string {
    return `value ${++this.#versions}`
  }

  wish(name: string): KubeObject {
    return externalSecret(name, {
      store: storeOf(name),
      labels: { group: groupOf(name) },
      spec: {
        refreshInterval: intervalOf(name),
        refreshPolicy: isFetchedOnce(name) ? "CreatedOnce" : "Periodic",
      },
    })
  }

  storeObject(name: string): KubeObject {
    const state = this.stores.get(name)
    return fakeStore(
      name,
      { "/database/password": state?.value ?? "" },
      state?.labelled === true ? { "vcluster-accessible": "true" } : {},
    )
  }

  those(state: TenantState): ReadonlyArray<string> {
    return this.names.filter((name) => this.tenants.get(name) === state)
  }

  /**
   * A change of what is allowed; to be called before the cluster learns of it. What a store held while nobody might use it is allowed once
   * somebody may: where no syncer was at work meanwhile, ESO may have fetched it.
   */
  becomes(change: () => void): void {
    change()
    for (const { value, values } of this.stores.values()) values.add(value)
    if (this.settings === "without stores") return
    for (const name of this.names) {
      const store = this.stores.get(storeOf(name))
      const isLeftOut = this.settings === "without a group" && groupOf(name) === "g1"
      if (store?.present === true && store.labelled && !isLeftOut)
        for (const value of store.values) this.ledger.allow(name, value)
    }
  }

  /** With the settings of now; waits for nothing. */
  readonly startSyncer: Effect.Effect<void, GroundError> = Effect.gen({ self: this }, function* () {
    const file = join(this.pair.ground.folder, `soak-${this.settings.replaceAll(" ", "-")}.yaml`)
    const text = JSON.stringify({ integrations: { externalSecrets: { enabled: true, sync: settings[this.settings] } } })
    yield* Effect.promise(() => writeFile(file, text))
    this.syncer = yield* this.pair.launchFollow(["-f", file])
  })

  stopSyncer(signal: NodeJS.Signals): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { syncer } = this
      this.syncer = undefined
      yield* syncer?.signal(signal) ?? Effect.void
      yield* syncer?.finished ?? Effect.void
    })
  }

  /** One that ends by itself is a fault as well. */
  lookAtSyncer(): void {
    const { syncer } = this
    if (syncer === undefined || !syncer.process.hasExited()) return
    this.syncer = undefined
    this.ledger.violations.push(`the syncer ended by itself:\n${syncer.stderr().slice(-2000)}`)
  }
}
