/** The vCluster's Service: the owner of everything that we put beside it on the host. */
import { named } from "../../effects/client/field-selector.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { keyOf } from "../../effects/client/kube-object.ts"
import { services } from "../resources.ts"
import type { Cache, Caches } from "./caches.ts"
import type { SyncContext } from "./context.ts"
import { metadataOnly } from "./metadata-only.ts"

export const hostService: Cache = {
  name: "hostService",
  side: "host",
  spec: ({ hostNamespace, tenancy }) => ({
    resource: services,
    selection: { namespace: hostNamespace, fieldSelector: named(tenancy.vcluster), metadataOnly: true },
    indexes: {},
    transform: metadataOnly,
  }),
}

/** @returns undefined while it is away (helm is replacing it) */
export const vclusterService = (caches: Caches, { hostNamespace, tenancy }: SyncContext): KubeObject | undefined =>
  caches.of(hostService).get(keyOf(hostNamespace, tenancy.vcluster))
