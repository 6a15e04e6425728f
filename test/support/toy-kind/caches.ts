/** Widgets of both clusters. */
import type { Resource } from "../../../src/effects/client/resource.ts"
import type { Cache } from "../../../src/sync/engine/caches.ts"
import { originKeys } from "../../../src/sync/tenancy/ownership.ts"

export const widgets: Resource = {
  group: "toys.example",
  version: "v1",
  plural: "widgets",
  kind: "Widget",
  namespaced: true,
}

export const virtualWidgets: Cache = {
  name: "virtualWidgets",
  side: "virtual",
  spec: () => ({ resource: widgets, selection: {}, indexes: {} }),
}

export const hostWidgets: Cache = {
  name: "hostWidgets",
  side: "host",
  spec: ({ hostScope, tenancy }) => ({
    resource: widgets,
    selection: { namespace: hostScope },
    takesOurWrites: true,
    indexes: { origin: (object) => originKeys(object, tenancy) },
  }),
}
