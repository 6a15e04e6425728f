/** The caches of the stores that ExternalSecrets draw on. */
import { clusterSecretStoresIn, secretStoresIn } from "./eso-resources.ts"
import { toQuery } from "../../effects/client/label-selector.ts"
import { keyOf } from "../../effects/client/kube-object.ts"
import type { Cache } from "../engine/caches.ts"
import { originKeys } from "../tenancy/ownership.ts"
import { referenceKey } from "../tenancy/references.ts"
import { copyKeys } from "./host-place.ts"
import { summarizeWriters } from "./managed-fields.ts"
import { hostReferenceKeys } from "./referents.ts"
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
      reference: (object) =>
        referentsOf(object, context).map(({ kind, name }) =>
          referenceKey(kind, keyOf(object.metadata.namespace, name)),
        ),
      hostReference: (object) => hostReferenceKeys(referentsOf(object, context), object, context),
    },
    ...(context.settings.stores.enabled ? {} : { leftover: {} }),
  }),
}

export const hostSecretStores: Cache = {
  name: "hostSecretStores",
  side: "host",
  spec: ({ hostScope, settings, tenancy, ...context }) => ({
    resource: secretStoresIn(context),
    selection: { namespace: hostScope },
    takesOurWrites: true,
    indexes: { origin: (object) => originKeys(object, tenancy) },
    transform: summarizeWriters,
    ...(settings.stores.enabled ? {} : { leftover: { onlyWith: virtualSecretStores } }),
  }),
}

/** Those that the selector imports. */
export const hostClusterSecretStores: Cache = {
  name: "hostClusterSecretStores",
  side: "host",
  spec: ({ settings: { clusterStores }, ...context }) =>
    clusterStores.enabled
      ? {
          resource: clusterSecretStoresIn(context),
          selection: { labelSelector: toQuery(clusterStores.selector) },
          indexes: {},
        }
      : undefined,
}
