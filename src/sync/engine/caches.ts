/** The caches that decisions read: what there is. What each holds is in `cache-specs.ts`. */
import type { Indexer, Store } from "../../effects/informer/store.ts"
import type { Selection } from "../../effects/client/kube-client.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { Resource } from "../../effects/client/resource.ts"
import type { Side } from "./actions.ts"

export interface Caches {
  readonly virtualExternalSecrets: Store
  readonly virtualSecrets: Store
  readonly virtualUnmanagedSecrets: Store
  readonly virtualNamespaces: Store
  readonly virtualConfigMaps: Store
  readonly virtualSecretStores: Store
  readonly virtualClusterSecretStores: Store
  readonly hostExternalSecrets: Store
  readonly hostSecrets: Store
  readonly hostUnmanagedSecrets: Store
  readonly hostSecretStores: Store
  readonly hostReferenceSecrets: Store
  readonly hostReferenceConfigMaps: Store
  readonly hostClusterSecretStores: Store
  readonly hostWebhooks: Store
  readonly virtualWebhooks: Store
  readonly hostService: Store
  readonly hostEvents: Store
  readonly hostStoreEvents: Store
  readonly virtualEvents: Store
  readonly hostCrds: Store
  readonly virtualCrds: Store
}

export type CacheName = keyof Caches

/** Every cache, those that the settings do not call for (they are empty) included. */
export const buildCaches = (storeOf: (name: CacheName) => Store): Caches => ({
  virtualExternalSecrets: storeOf("virtualExternalSecrets"),
  virtualSecrets: storeOf("virtualSecrets"),
  virtualUnmanagedSecrets: storeOf("virtualUnmanagedSecrets"),
  virtualNamespaces: storeOf("virtualNamespaces"),
  virtualConfigMaps: storeOf("virtualConfigMaps"),
  virtualSecretStores: storeOf("virtualSecretStores"),
  virtualClusterSecretStores: storeOf("virtualClusterSecretStores"),
  hostExternalSecrets: storeOf("hostExternalSecrets"),
  hostSecrets: storeOf("hostSecrets"),
  hostUnmanagedSecrets: storeOf("hostUnmanagedSecrets"),
  hostSecretStores: storeOf("hostSecretStores"),
  hostReferenceSecrets: storeOf("hostReferenceSecrets"),
  hostReferenceConfigMaps: storeOf("hostReferenceConfigMaps"),
  hostClusterSecretStores: storeOf("hostClusterSecretStores"),
  hostWebhooks: storeOf("hostWebhooks"),
  virtualWebhooks: storeOf("virtualWebhooks"),
  hostService: storeOf("hostService"),
  hostEvents: storeOf("hostEvents"),
  hostStoreEvents: storeOf("hostStoreEvents"),
  virtualEvents: storeOf("virtualEvents"),
  hostCrds: storeOf("hostCrds"),
  virtualCrds: storeOf("virtualCrds"),
})

export interface CacheSpec {
  readonly name: CacheName
  readonly side: Side
  readonly resource: Resource
  readonly selection: Selection
  readonly indexes: Readonly<Record<string, Indexer>>
  /** What is kept of an object besides what every cache drops (managedFields). Runs before that drop. */
  readonly transform?: (object: KubeObject) => KubeObject
  /**
   * Only there to find what other settings have left behind: where the API server does not know the kind, or does not let us
   * see it, there is nothing to be cleared away.
   */
  readonly leftover?: {
    /** Not asked for unless this one (which comes before it) is there: nothing can be left without it. */
    readonly onlyWith?: CacheName
  }
  /** Hints (events): nothing that is decided about Secrets needs them, so that without the right to see them all else goes on. */
  readonly isHint?: true
}
