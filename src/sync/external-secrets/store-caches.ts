/** The caches of the stores that ExternalSecrets draw on. */
import { clusterSecretStoresIn, secretStoresIn } from "./eso-resources.ts"
import { matches } from "../../effects/client/label-selector.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { Cache } from "../engine/caches.ts"
import { metadataOnly } from "../engine/metadata-only.ts"
import { originKeys } from "../tenancy/ownership.ts"
import type { SyncSettings } from "../tenancy/sync-settings.ts"
import { leftoverKeys } from "../tenancy/vcluster-leftover.ts"
import { copyKeys } from "./host-place.ts"
import { agreedReferents } from "./agreed-base.ts"
import { hostReferenceKeys, referentKeys } from "./referents.ts"
import { originNamespace, ownNamespace } from "./referrer.ts"
import { summarizeWriters } from "./managed-fields.ts"
import { referentsOf } from "./store-references.ts"

export const virtualSecretStores: Cache = {
  name: "virtualSecretStores",
  side: "virtual",
  spec: (context) => ({
    resource: secretStoresIn(context),
    selection: {},
    takesOurWrites: true,
    indexes: {
      hostName: (object) => copyKeys(object, context),
      reference: (object) => referentKeys(referentsOf(object, context), ownNamespace(object)),
      hostReference: (object) => hostReferenceKeys(referentsOf(object, context), ownNamespace(object), context),
    },
    ...(context.settings.stores.enabled ? {} : { leftover: {} }),
  }),
}

export const hostSecretStores: Cache = {
  name: "hostSecretStores",
  side: "host",
  spec: (context) => ({
    resource: secretStoresIn(context),
    selection: { namespace: context.hostScope },
    takesOurWrites: true,
    indexes: {
      origin: (object) => originKeys(object, context.tenancy),
      leftover: (object) => leftoverKeys(object, context.tenancy),
      reference: (object) => referentKeys(agreedReferents(object, context), originNamespace(object, context)),
      hostReference: (object) =>
        hostReferenceKeys(agreedReferents(object, context), originNamespace(object, context), context),
    },
    transform: summarizeWriters,
    ...(context.settings.stores.enabled ? {} : { leftover: { onlyWith: virtualSecretStores } }),
  }),
}

/** Whether the settings import a ClusterSecretStore of the host. */
export const isImported = (store: KubeObject, { clusterStores }: Pick<SyncSettings, "clusterStores">): boolean =>
  clusterStores.enabled && matches(clusterStores.selector, store.metadata.labels ?? {})

/**
 * All that the host has, of those that are not imported the metadata only: one that is absent says nothing about authorisation,
 * one that is there without the label does (DESIGN §4). A watch with a selector tells the two alike.
 */
export const hostClusterSecretStores: Cache = {
  name: "hostClusterSecretStores",
  side: "host",
  spec: ({ settings, ...context }) =>
    settings.clusterStores.enabled
      ? {
          resource: clusterSecretStoresIn(context),
          selection: {},
          indexes: {},
          transform: (store) => (isImported(store, settings) ? store : metadataOnly(store)),
        }
      : undefined,
}
