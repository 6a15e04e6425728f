/** What a synced kind has to say to the Syncer. One module a kind exports one value of this type; the registry lists them. */
import type { KubeObject, ObjectKey } from "../../effects/client/kube-object.ts"
import type { Cache, Caches } from "./caches.ts"
import type { SyncContext } from "./context.ts"
import type { SyncSettings } from "../tenancy/sync-settings.ts"
import type { Action, Decision, Side } from "./actions.ts"
import type { Refusal, RefusalReason } from "../tenancy/refusals.ts"

/** What the Syncer remembers of a key between two decisions. In memory only: a decision must be right without it. */
export interface Memory {
  /**
   * A write that the API server refused for good (of the virtual Secret or of the host object), until one like it succeeds; or one that
   * somebody else keeps undoing, while that lasts.
   */
  readonly refusedWrite: Refusal | undefined
}

/** Where the two sides of a kind are that the tenant makes and the host gets a copy of. */
export interface Mirrored {
  readonly virtual: Cache
  readonly host: Cache
  /** Of the CRD in the virtual cluster. */
  readonly plural: string
}

/** From a changed object in a cache to the keys that it concerns. */
export interface Source {
  readonly cache: Cache
  readonly keys: (object: KubeObject, caches: Caches, context: SyncContext) => Iterable<ObjectKey>
}

export const on = (cache: Cache, keys: Source["keys"]): Source => ({ cache, keys })

/** The reason that a refusal of such a write would have; undefined where the tenant can do nothing about it. */
export const refusalReasonOf = (
  { refusable }: Pick<SyncedKind, "refusable">,
  { side, resource }: Action,
): RefusalReason | undefined =>
  refusable?.find((write) => write.side === side && write.plural === resource.plural)?.reason

/** The reason under which the tenant is told that somebody else keeps undoing such a write. */
export const contestReasonOf = (
  { refusable }: Pick<SyncedKind, "refusable">,
  { side, resource }: Action,
): RefusalReason | undefined =>
  refusable?.find((write) => write.side === side && write.plural === resource.plural)?.contested

export interface SyncedKind {
  /** Kubernetes kind, for reports. */
  readonly kind: string
  /** Whether `status` shows its numbers under these settings. Default: never. */
  readonly counted?: (settings: SyncSettings) => boolean
  /** Host copies go when their virtual object is absent: what the mass-deletion gate watches over. */
  readonly mirrored?: Mirrored
  /** All that `decide` and `keys` read. */
  readonly caches: ReadonlyArray<Cache>
  readonly sources: ReadonlyArray<Source>
  /**
   * A hint for people, not a state: written without being reported or waited for, given up when it fails again and again,
   * looked at as a whole only at the start. `spacing`: milliseconds from one decision about a key to the next.
   */
  readonly hint?: { readonly spacing: number }
  /** Writes that an API server may refuse for what the tenant wrote: the tenant is told, under this reason. */
  readonly refusable?: ReadonlyArray<{
    readonly side: Side
    readonly plural: string
    readonly reason: RefusalReason
    /** Of writes that somebody else may keep undoing: the reason for that. */
    readonly contested?: RefusalReason
  }>
  /** The CRD of external-secrets.io that the kind needs in the virtual cluster. */
  readonly prerequisite?: {
    readonly plural: string
    readonly isWanted: (settings: SyncSettings) => boolean
    /** Whether its objects are synced, and so by nothing else. Default: while it is wanted. */
    readonly isSynced?: (settings: SyncSettings) => boolean
    /** Whether nothing can be synced while the host lacks it. Default: while it is wanted. */
    readonly isNeeded?: (settings: SyncSettings) => boolean
    /** Whether decisions read its schema. Default: they do. */
    readonly needsSchema?: (settings: SyncSettings) => boolean
  }
  /** All keys that may need work: what a start or a resync looks at. */
  readonly keys: (caches: Caches, context: SyncContext) => Iterable<ObjectKey>
  /** Who may not see these objects knows nothing of the kind: a look without a touch leaves it out. */
  readonly restsOn?: Cache
  /** The heart: from what the caches hold to what is to be written. Pure. */
  readonly decide: (key: ObjectKey, caches: Caches, context: SyncContext, memory: Memory) => Decision
}

/** How a kind decides, each stage a pure function of what came out of the ones before. */
export interface Stages<Observed, Desired> {
  /** All that is to be known of one key. The only reader of caches. */
  readonly observe: (key: ObjectKey, caches: Caches, context: SyncContext) => Observed
  /** The first rule that it breaks: one ordered list of checks, which is their documentation. */
  readonly judge?: (observed: Observed) => Refusal | undefined
  /** What should stand on either side: of one that is refused, too. */
  readonly desire: (observed: Observed, refusal: Refusal | undefined) => Desired
  /** What leads from the one to the other, in the order in which it is to be written. */
  readonly diff: (observed: Observed, desired: Desired) => ReadonlyArray<Action>
  /** What is told of it, to people and to the shell. */
  readonly report: (observed: Observed, desired: Desired, actions: ReadonlyArray<Action>) => Omit<Decision, "actions">
  /**
   * An API server did not take a write of {@link SyncedKind.refusable} when it was tried last, or somebody else keeps undoing it.
   *
   * @returns what is to be done where it is to be tried again, for what it objected to may be over: the tenant is told first
   */
  readonly refusedBefore?: (
    refused: Refusal,
    observed: Observed,
    desired: Desired,
    actions: ReadonlyArray<Action>,
  ) => Decision | undefined
  /** Such a write, as the tenant was told of it: where nothing is remembered (another process looks, a start). */
  readonly toldBefore?: (observed: Observed, actions: ReadonlyArray<Action>) => Refusal | undefined
}

/** A kind that decides in stages. */
export const synced = <Observed, Desired>({
  observe,
  judge,
  desire,
  diff,
  report,
  refusedBefore,
  toldBefore,
  ...kind
}: Omit<SyncedKind, "decide"> & Stages<Observed, Desired>): SyncedKind => ({
  ...kind,
  decide: (key, caches, context, { refusedWrite }) => {
    const observed = observe(key, caches, context)
    const desired = desire(observed, judge?.(observed))
    const actions = diff(observed, desired)
    const refused = refusedWrite ?? toldBefore?.(observed, actions)
    const again = refused === undefined ? undefined : refusedBefore?.(refused, observed, desired, actions)
    return again ?? { actions, ...report(observed, desired, actions) }
  },
})
