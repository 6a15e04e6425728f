/** What is synced: given to the engine and to diagnosis, which know no kind by name. `kinds/kinds.ts` makes the real one. */
import { Context } from "effect"
import type { Prerequisites } from "./prerequisites.ts"
import type { Cache } from "./caches.ts"
import type { SyncedKind } from "./synced-kind.ts"

export class Registry extends Context.Service<
  Registry,
  { readonly kinds: ReadonlyArray<SyncedKind>; readonly prerequisites: Prerequisites }
>()("vcluster-es/sync/engine/Registry") {}

/** All that is read. */
export const readCaches = ({ kinds, prerequisites }: Registry["Service"]): ReadonlyArray<Cache> => [
  ...kinds.flatMap(({ caches }) => caches),
  ...prerequisites.caches,
]
