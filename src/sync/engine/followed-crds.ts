/** The CRDs of one run, as they were last seen on both sides: made at its start and at each new one, followed in between. */
import { Context, Effect, Layer } from "effect"
import { crdName } from "../resources.ts"
import type { Caches } from "./caches.ts"
import type { SyncFailure } from "./errors.ts"
import type { Clients } from "./executor.ts"
import type { CrdFollower, CrdPair, CrdPairs } from "./prerequisites.ts"
import { Registry, wantedCrds } from "./registry.ts"
import { Reporter } from "./reporter.ts"
import { SyncOptions } from "./sync-options.ts"
import { VclusterTarget } from "./target.ts"

interface Followed extends Pick<CrdFollower, "see" | "judge" | "recall" | "note"> {
  readonly current: () => CrdPairs
  /** Brings all that the settings call for into step, and waits until they are served. */
  readonly ensure: (clients: Clients) => Effect.Effect<void, SyncFailure>
  /** One has changed on either side, as the caches show: brings it into step. Does not wait for one that is being deleted: a cache will tell when it is gone. */
  readonly follow: (clients: Clients, plural: string, caches: Caches) => Effect.Effect<void, SyncFailure>
}

const makeFollowedCrds = Effect.gen(function* () {
  const { settings } = yield* VclusterTarget
  const registry = yield* Registry
  const { version } = yield* SyncOptions
  const { onWarning } = yield* Reporter
  const { prerequisites } = registry
  const wanted = wantedCrds(registry, settings)
  const follower = prerequisites.follower(wanted, settings, version)
  const pairs = new Map<string, CrdPair>()

  const tellForeign = (pair: CrdPair, before: CrdPair | undefined) => {
    const foreign = prerequisites.foreign(pair)
    const isTold = before !== undefined && foreign?.usable === prerequisites.foreign(before)?.usable
    if (foreign === undefined || isTold) return
    onWarning(
      `CRD ${pair.host.metadata.name} in the virtual cluster was installed by somebody else (an External Secrets Operator of its own?); it is left alone${foreign.usable ? "" : `, but it does not serve ${pair.version}, so nothing of this kind can be synced`}`,
    )
  }
  const tellContested = (pair: CrdPair, before: CrdPair | undefined) => {
    if (pair.contested === undefined || pair.contested === before?.contested) return
    onWarning(
      `CRD ${pair.host.metadata.name} in the virtual cluster: ${pair.contested}; our change was undone again and again, so it is left like that for now`,
    )
  }
  const took = (pair: CrdPair | undefined) => {
    if (pair === undefined) return
    const before = pairs.get(pair.plural)
    pairs.set(pair.plural, pair)
    tellForeign(pair, before)
    tellContested(pair, before)
  }
  /** A cache that is behind shows what is to come: then the next event leads here again. */
  const isKnown = (plural: string, caches: Caches): boolean => {
    const seenIn = (side: "host" | "virtual") => caches.of(prerequisites.caches[side]).get(crdName(plural))
    return follower.isKnown(plural, { host: seenIn("host"), virtual: seenIn("virtual") })
  }
  const isWanted = (plural: string): boolean => wanted.some((crd) => crd.plural === plural)
  return {
    see: follower.see,
    judge: follower.judge,
    recall: follower.recall,
    note: follower.note,
    current: () => pairs,
    ensure: (clients: Clients) =>
      Effect.map(
        Effect.forEach(wanted, ({ plural }) => follower.ensure(clients, plural), { concurrency: "unbounded" }),
        (all) => all.forEach(took),
      ),
    follow: (clients: Clients, plural: string, caches: Caches) =>
      isKnown(plural, caches) || !isWanted(plural) ? Effect.void : Effect.map(follower.keep(clients, plural), took),
  }
})

export class FollowedCrds extends Context.Service<FollowedCrds, Followed>()("vcluster-es/sync/engine/FollowedCrds") {
  static readonly layer = Layer.effect(FollowedCrds, makeFollowedCrds)
}
