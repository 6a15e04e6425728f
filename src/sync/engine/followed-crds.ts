/** The CRDs of one run, as they were last seen on both sides: made at its start and at each new one, followed in between. */
import { Context, Effect, Layer } from "effect"
import { bothClients } from "./clients.ts"
import type { SyncFailure } from "./errors.ts"
import { Leadership } from "./leadership.ts"
import type { CrdPair } from "./prerequisites.ts"
import { Registry } from "./registry.ts"
import { Reporter } from "./reporter.ts"
import { VclusterTarget } from "./target.ts"

/** By plural. */
export type CrdPairs = ReadonlyMap<string, CrdPair>

interface Followed {
  readonly current: () => CrdPairs
  /** Brings all that the settings call for into step, and waits until they are served. */
  readonly ensure: Effect.Effect<void, SyncFailure>
  /** One has changed on either side: brings it into step. Does not wait for one that is being deleted: a cache will tell when it is gone. */
  readonly follow: (plural: string) => Effect.Effect<void, SyncFailure>
}

const makeFollowedCrds = Effect.gen(function* () {
  const clients = yield* bothClients
  const { settings } = yield* VclusterTarget
  const { prerequisites } = yield* Registry
  const { isHeld } = yield* Leadership
  const { onWarning } = yield* Reporter
  const pairs = new Map<string, CrdPair>()
  const wanted = prerequisites.wanted(settings)

  const tellForeign = (pair: CrdPair, before: CrdPair | undefined) => {
    const foreign = prerequisites.foreign(pair)
    const isTold = before !== undefined && foreign?.usable === prerequisites.foreign(before)?.usable
    if (foreign === undefined || isTold) return
    onWarning(
      `CRD ${pair.host.metadata.name} in the virtual cluster was installed by somebody else (an External Secrets Operator of its own?); it is left alone${foreign.usable ? "" : `, but it does not serve ${pair.version}, so nothing of this kind can be synced`}`,
    )
  }
  const bring = Effect.fnUntraced(function* (plural: string, how: "ensure" | "keep") {
    if (!wanted.includes(plural) || !isHeld()) return
    const before = pairs.get(plural)
    const pair = yield* prerequisites[how](clients, plural, settings)
    pairs.set(plural, pair)
    tellForeign(pair, before)
  })
  return {
    current: () => pairs,
    ensure: Effect.forEach(wanted, (plural) => bring(plural, "ensure"), { discard: true }),
    follow: (plural: string) => bring(plural, "keep"),
  }
})

export class FollowedCrds extends Context.Service<FollowedCrds, Followed>()("vcluster-es/sync/engine/FollowedCrds") {
  static readonly layer = Layer.effect(FollowedCrds, makeFollowedCrds)
}
