/** The ClusterSecretStores of the virtual cluster: imported ones, and the tenant's own. */
import { clusterSecretStoresIn } from "../../external-secrets/eso-resources.ts"
import type { Cache } from "../../engine/caches.ts"
import { summarizeWriters } from "../../external-secrets/managed-fields.ts"

export const virtualClusterSecretStores: Cache = {
  name: "virtualClusterSecretStores",
  side: "virtual",
  spec: (context) => ({
    resource: clusterSecretStoresIn(context),
    selection: {},
    takesOurWrites: true,
    indexes: {},
    transform: summarizeWriters,
    ...(context.settings.clusterStores.enabled ? {} : { leftover: {} }),
  }),
}
