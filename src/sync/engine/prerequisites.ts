/**
 * What must stand in the virtual cluster before anything can be synced: the CRDs of the kinds. The engine knows when they are to be
 * looked at, made and followed; what they are is the business of `kinds/custom-resource-definition`, which implements this.
 */
import type { Effect, Exit } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { Action, Side } from "./actions.ts"
import type { Cache } from "./caches.ts"
import type { SyncSettings } from "../tenancy/sync-settings.ts"
import type { ConversionBroken, CrdNotServed, OperatorMissing, VersionNotServed } from "./errors.ts"
import type { Clients } from "./executor.ts"

/** A CRD that comes into the virtual cluster. */
export interface WantedCrd {
  readonly plural: string
  /** Whether nothing can be synced while the host lacks it; else it comes when the host has it. */
  readonly isNeeded: boolean
  /** Whether decisions read the schema of the host's. */
  readonly needsSchema: boolean
}

/** One CRD on both sides, and what would bring the virtual one into step. */
export interface CrdPair {
  readonly plural: string
  /** The one that is spoken on both sides. */
  readonly version: string
  readonly host: KubeObject
  readonly virtual: KubeObject | undefined
  readonly actions: ReadonlyArray<Action>
  /** It is ours, but as somebody else has written it: who, and what follows. */
  readonly contested?: string
}

/** By plural, in the order in which they are wanted. */
export type CrdPairs = ReadonlyMap<string, CrdPair>

/** What is seen of one CRD without reading it: metadata of both sides. */
export interface Sighting {
  readonly host: KubeObject | undefined
  readonly virtual: KubeObject | undefined
}

/** Metadata of all that are wanted, in their order, or why there is none. */
export type Sightings = ReadonlyArray<readonly [plural: string, seen: Exit.Exit<Sighting, ApiError>]>

export type LookFailure = ApiError | ConversionBroken | OperatorMissing | VersionNotServed

/** The CRDs, kept in step over one run. */
export interface CrdFollower {
  /** Looks at all at once; writes nothing, judges nothing. */
  readonly see: (clients: Clients) => Effect.Effect<Sightings>
  /** Whether all are on the host, in the version that is wanted; reads whole what is not known, and writes nothing. Of several troubles the first is told. */
  readonly judge: (clients: Clients, seen: Sightings) => Effect.Effect<void, LookFailure>
  /** Takes over what an earlier run noted ({@link CrdFollower.note}). */
  readonly recall: (note: string | undefined) => void
  /** What is in step now, for the next run. */
  readonly note: () => string
  /** Whether there is nothing to do about what a cache shows: it is what was worked through. */
  readonly isKnown: (plural: string, seen: Sighting) => boolean
  /** Brings one into step, and waits for nothing; one that is being deleted is left to go. Undefined: the host does not have it, and it is not needed. */
  readonly keep: (clients: Clients, plural: string) => Effect.Effect<CrdPair | undefined, LookFailure>
  /**
   * Brings one into step and waits until it is served. One that is being deleted is waited out, and then made anew. Right after
   * {@link CrdFollower.judge} there is no second look.
   *
   * @returns undefined: the host does not have it, and it is not needed
   * @param limitMs fails with `CrdNotServed` after this time
   */
  readonly ensure: (
    clients: Clients,
    plural: string,
    limitMs?: number,
  ) => Effect.Effect<CrdPair | undefined, LookFailure | CrdNotServed>
}

export interface Prerequisites {
  /** They tell when a CRD has changed. */
  readonly caches: Readonly<Record<Side, Cache>>
  /** Looks at one on both sides, whole; writes nothing. */
  readonly compare: (clients: Clients, plural: string, settings: SyncSettings) => Effect.Effect<CrdPair, LookFailure>
  /** @param by what else decides how a virtual CRD should look: the version of this program */
  readonly follower: (wanted: ReadonlyArray<WantedCrd>, settings: SyncSettings, by: string) => CrdFollower
  /** One in the virtual cluster that somebody else installed, and whether it serves our version; undefined when it is ours or absent. */
  readonly foreign: (pair: CrdPair) => { readonly usable: boolean } | undefined
  /** The openAPIV3Schema of `spec` on the host, at the version that is spoken. */
  readonly specSchema: (pair: CrdPair) => unknown
}
