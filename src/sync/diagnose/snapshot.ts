/**
 * A look without a touch: both clusters listed once, decided with the same rules as the Syncer's, nothing written. What
 * `status` and `sync --dry-run` stand on.
 */
import { Effect, Result } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import { makeReflectorCache } from "../../effects/informer/reflector-cache.ts"
import type { Store } from "../../effects/informer/store.ts"
import type { ObjectKey } from "../../effects/client/kube-object.ts"
import { cachesFrom, wantedCaches } from "../engine/caches.ts"
import type { Cache, Caches, WantedCache } from "../engine/caches.ts"
import type { CrdPair, LookFailure } from "../engine/prerequisites.ts"
import type { HostNamespaceMissing } from "../engine/errors.ts"
import { OperatorMissing } from "../engine/errors.ts"
import { makeMassDeleteGate } from "../engine/mass-deletion-guard.ts"
import { reportOf } from "../engine/reconciler.ts"
import type { ObjectReport } from "../engine/report.ts"
import type { SyncContext } from "../engine/context.ts"
import type { SyncedKind } from "../engine/synced-kind.ts"
import type { Action, Decision } from "../engine/actions.ts"
import type { IdentityMismatch } from "../engine/identity.ts"
import type { MassDeletion } from "../engine/mass-deletion.ts"
import type { Survey } from "../engine/preflight.ts"
import { identityOf, takeSurvey } from "../engine/preflight.ts"
import { type ActivePolicy, makeContext, VclusterTarget } from "../engine/target.ts"
import { checkFor } from "../engine/object-check.ts"
import { visibleCaches } from "../engine/visible-caches.ts"
import type { ClientServices } from "../engine/clients.ts"
import { bothClients } from "../engine/clients.ts"
import type { Clients } from "../engine/executor.ts"
import { Registry, wantedCrds } from "../engine/registry.ts"

export interface Observation {
  readonly survey: Survey
  readonly identity: IdentityMismatch | undefined
  /** CRDs of both sides, one entry a kind. */
  readonly crds: ReadonlyArray<CrdPair>
  /** Those in the virtual cluster that somebody else installed. */
  readonly foreignCrds: ReadonlyArray<{ readonly pair: CrdPair; readonly usable: boolean }>
  /** Kinds whose numbers are shown. */
  readonly counted: ReadonlyArray<string>
  readonly caches: Caches
  readonly reports: ReadonlyArray<ObjectReport>
  /** What one pass would write now; what ESO's answer will bring is not known yet. */
  readonly actions: ReadonlyArray<Action>
  readonly massDeletion: MassDeletion | undefined
  /** What could not be listed for want of rights. */
  readonly notVisible: ReadonlyArray<ApiError>
}

interface Listed {
  readonly cache: Cache
  readonly store: Store
  readonly denied: ApiError | undefined
}

/** A kind that is not served (a CRD that is not there yet) holds nothing; one that we may not see is told. */
const listOnce = (clients: Clients, { cache, spec }: WantedCache): Effect.Effect<Listed, ApiError> => {
  const refused: Array<string> = []
  const { prepare, refuseNameless, replace, store } = makeReflectorCache({
    indexes: spec.indexes,
    transform: spec.transform,
    metadataOnly: spec.selection.metadataOnly,
    check: checkFor(spec.resource),
    onRefused: (message) => refused.push(`${cache.side} ${spec.resource.kind}: ${message}`),
  })
  return clients[cache.side].list(spec.resource, spec.selection).pipe(
    Effect.tap(({ items, nameless, resourceVersion }) => {
      if (nameless !== undefined) refuseNameless()
      replace(
        items.flatMap((item) => prepare(item) ?? []),
        resourceVersion,
      )
      return Effect.forEach(refused, (message) => Effect.logWarning(message), { discard: true })
    }),
    Effect.as<Listed>({ cache, store, denied: undefined }),
    Effect.catchTag("ApiError", (error): Effect.Effect<Listed, ApiError> => {
      if (error.reason._tag === "NotFound") return Effect.succeed({ cache, store, denied: undefined })
      if (error.reason._tag === "Forbidden") return Effect.succeed({ cache, store, denied: error })
      return Effect.fail(error)
    }),
  )
}

/** One object that our rules cannot cope with (a fault of ours) must not keep all others from being seen. */
const decideSafely = (kind: SyncedKind, key: ObjectKey, caches: Caches, context: SyncContext): Decision =>
  Result.try(() => kind.decide(key, caches, context, { refusedWrite: undefined })).pipe(
    Result.getOrElse((fault): Decision => ({
      actions: [],
      verdict: {
        health: "broken",
        reason: "SyncFailed",
        message: fault instanceof Error ? fault.message : String(fault),
      },
    })),
  )

/** Everything there is to say about one vCluster at this moment. */
export const observe = Effect.gen(function* (): Effect.fn.Return<
  Observation,
  HostNamespaceMissing | LookFailure,
  ActivePolicy | ClientServices | Registry | VclusterTarget
> {
  const clients = yield* bothClients
  const registry = yield* Registry
  const { kinds, prerequisites } = registry
  const { settings, vcluster } = yield* VclusterTarget
  const survey = yield* takeSurvey(clients, vcluster)
  // One after the other: of several that are missing, the first is told, not whichever answers first.
  const compared = yield* Effect.forEach(wantedCrds(registry, settings), ({ plural, isNeeded }, index) =>
    prerequisites.compare(clients, plural, settings).pipe(
      Effect.catchTag("OperatorMissing", ({ crd }) => {
        if (!isNeeded) return Effect.undefined
        return Effect.fail(new OperatorMissing({ crd, ...(index === 0 ? {} : { partly: true }) }))
      }),
    ),
  )
  const crds = compared.filter((pair) => pair !== undefined)
  const pairs = new Map(crds.map((pair) => [pair.plural, pair]))
  const context = yield* makeContext(survey.virtualUid, pairs)
  // Hints are not given here.
  const shown = kinds.filter((kind) => kind.hint === undefined)
  const wanted = yield* visibleCaches(
    wantedCaches(
      shown.flatMap((kind) => kind.caches),
      context,
    ),
    clients,
  )
  const listed = yield* Effect.forEach(wanted, (each) => listOnce(clients, each), {
    concurrency: "unbounded",
  })
  const stores = new Map(listed.map(({ cache, store }) => [cache, store]))
  const caches = cachesFrom((cache) => stores.get(cache))
  const hidden = new Set(listed.flatMap(({ cache, denied }) => (denied === undefined ? [] : [cache])))
  const states = shown.filter((kind) => kind.restsOn === undefined || !hidden.has(kind.restsOn))
  const decisions = states.flatMap((kind) =>
    [...kind.keys(caches, context)].map((key) => ({
      kind: kind.kind,
      key,
      ...decideSafely(kind, key, caches, context),
    })),
  )
  const massDeletions = kinds.flatMap(({ kind, mirrored }) =>
    mirrored === undefined
      ? []
      : [
          makeMassDeleteGate({
            kind,
            mirrored,
            caches,
            context,
            allowed: () => false,
            virtualCrd: Effect.undefined,
          }).judge(),
        ],
  )
  return {
    survey,
    identity: identityOf(survey, vcluster),
    crds,
    foreignCrds: crds.flatMap((pair) => {
      const foreign = prerequisites.foreign(pair)
      return foreign === undefined ? [] : [{ pair, ...foreign }]
    }),
    counted: kinds.flatMap(({ kind, counted }) => (counted?.(settings) === true ? [kind] : [])),
    caches,
    reports: decisions.flatMap(({ kind, key, verdict }) =>
      verdict === undefined ? [] : [reportOf(kind, key, verdict)],
    ),
    actions: [...crds.flatMap((pair) => pair.actions), ...decisions.flatMap(({ actions }) => actions)],
    massDeletion: massDeletions.find((stop) => stop !== undefined),
    notVisible: listed.flatMap(({ denied }) => denied ?? []),
  }
})
