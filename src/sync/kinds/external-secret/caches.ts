/** Namespaces of the virtual cluster: a store may be for those with certain labels. */
import type { Cache } from "../../engine/caches.ts"
import { metadataOnly } from "../../engine/metadata-only.ts"
import { namespaces } from "../../resources.ts"

export const virtualNamespaces: Cache = {
  name: "virtualNamespaces",
  side: "virtual",
  spec: () => ({ resource: namespaces, selection: { metadataOnly: true }, indexes: {}, transform: metadataOnly }),
}
