/** The vCluster's Service: the owner of everything that we put beside it on the host. */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { keyOf } from "../../effects/client/kube-object.ts"
import type { Caches } from "./caches.ts"
import type { SyncContext } from "./context.ts"

/** @returns undefined while it is away (helm is replacing it) */
export const vclusterService = (caches: Caches, { hostNamespace, tenancy }: SyncContext): KubeObject | undefined =>
  caches.hostService.get(keyOf(hostNamespace, tenancy.vcluster))
