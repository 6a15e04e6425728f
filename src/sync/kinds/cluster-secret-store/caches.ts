/** The ClusterSecretStores of the virtual cluster: imported ones, and the tenant's own. */
import type { Cache } from "../../engine/caches.ts"
import { clusterSecretStores } from "../../resources.ts"

export const virtualClusterSecretStores: Cache = {
  name: "virtualClusterSecretStores",
  side: "virtual",
  spec: ({ settings, virtualVersion }) => ({
    resource: clusterSecretStores(virtualVersion),
    selection: {},
    takesOurWrites: true,
    indexes: {},
    ...(settings.clusterStores.enabled ? {} : { leftover: {} }),
  }),
}
