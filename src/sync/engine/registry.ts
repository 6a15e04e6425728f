/** What is synced: given to the engine and to diagnosis, which know no kind by name. `kinds/kinds.ts` makes the real one. */
import { Context } from "effect"
import type { Cache } from "./caches.ts"
import type { SyncSettings } from "../tenancy/sync-settings.ts"
import type { Prerequisites, WantedCrd } from "./prerequisites.ts"
import type { SyncedKind } from "./synced-kind.ts"

export interface Registered {
  readonly kinds: ReadonlyArray<SyncedKind>
  readonly prerequisites: Prerequisites
}

export class Registry extends Context.Service<Registry, Registered>()("vcluster-es/sync/engine/Registry") {}

/** All that is read. */
export const readCaches = ({ kinds, prerequisites }: Registered): ReadonlyArray<Cache> => [
  ...kinds.flatMap(({ caches }) => caches),
  ...Object.values(prerequisites.caches),
]

/** The CRDs that the settings call for. Of several that are missing on the host, the first is told. */
export const wantedCrds = ({ kinds }: Pick<Registered, "kinds">, settings: SyncSettings): ReadonlyArray<WantedCrd> =>
  kinds.flatMap(({ prerequisite }) =>
    prerequisite?.isWanted(settings) === true
      ? [
          {
            plural: prerequisite.plural,
            isNeeded: prerequisite.isNeeded?.(settings) ?? true,
            needsSchema: prerequisite.needsSchema?.(settings) ?? true,
          },
        ]
      : [],
  )

/** Plurals of external-secrets.io whose objects are synced with the settings: nothing else may sync them, too. */
export const syncedPlurals = ({ kinds }: Pick<Registered, "kinds">, settings: SyncSettings): ReadonlySet<string> =>
  new Set(
    kinds.flatMap(({ prerequisite }) =>
      prerequisite !== undefined && (prerequisite.isSynced ?? prerequisite.isWanted)(settings)
        ? [prerequisite.plural]
        : [],
    ),
  )
