/**
 * What must stand in the virtual cluster before anything can be synced: the CRDs of the kinds. The engine knows when they are to be
 * looked at, made and followed; what they are is the business of `kinds/custom-resource-definition`, which implements this.
 */
import type { Effect } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { Action } from "./actions.ts"
import type { Cache } from "./caches.ts"
import type { SyncSettings } from "./context.ts"
import type { CrdNotServed, OperatorMissing, VersionNotServed } from "./errors.ts"
import type { Clients } from "./executor.ts"

/** One CRD on both sides, and what would bring the virtual one into step. */
export interface CrdPair {
  readonly plural: string
  /** The one that is spoken on both sides. */
  readonly version: string
  readonly host: KubeObject
  readonly virtual: KubeObject | undefined
  readonly actions: ReadonlyArray<Action>
}

export interface Prerequisites {
  /** They tell when a CRD has changed on either side. */
  readonly caches: ReadonlyArray<Cache>
  /** Plurals of what comes into the virtual cluster under these settings. Of several that are missing, the first is told. */
  readonly wanted: (settings: SyncSettings) => ReadonlyArray<string>
  /** Looks at one on both sides; writes nothing. */
  readonly compare: (
    clients: Clients,
    plural: string,
    settings: SyncSettings,
  ) => Effect.Effect<CrdPair, ApiError | OperatorMissing | VersionNotServed>
  /** Brings one into step, and waits for nothing; one that is being deleted is left to go. */
  readonly keep: (
    clients: Clients,
    plural: string,
    settings: SyncSettings,
  ) => Effect.Effect<CrdPair, ApiError | OperatorMissing | VersionNotServed>
  /** Brings one into step and waits until it is served. One that is being deleted is waited out, and then made anew. */
  readonly ensure: (
    clients: Clients,
    plural: string,
    settings: SyncSettings,
  ) => Effect.Effect<CrdPair, ApiError | CrdNotServed | OperatorMissing | VersionNotServed>
  /** One in the virtual cluster that somebody else installed, and whether it serves our version; undefined when it is ours or absent. */
  readonly foreign: (pair: CrdPair) => { readonly usable: boolean } | undefined
  /** The openAPIV3Schema of `spec` on the host, at the version that is spoken. */
  readonly specSchema: (pair: CrdPair) => unknown
}
