/** What a Syncer works on: two clusters, one vCluster, its settings. */
import { hostName, hostReferenceName, hostSecretName } from "./rules/names.ts"
import { defaultPolicy } from "./rules/policy.ts"
import type { SyncContext, SyncSettings } from "./context.ts"
import type { CrdPair } from "./crd-to-virtual.ts"
import { hostSpecSchema } from "./crd-to-virtual.ts"
import type { Clients } from "./executor.ts"
import type { VclusterRef } from "./survey.ts"

export interface SyncTarget {
  readonly clients: Clients
  readonly vcluster: VclusterRef
  readonly settings: SyncSettings
}

/** To the second, as Kubernetes writes its times. */
export const rfc3339 = (millis: number): string => new Date(millis).toISOString().replace(/\.\d+Z$/, "Z")

/**
 * @param virtualUid UID of the virtual kube-system namespace
 * @param pairs the CRDs; looked at anew at every decision, so that an ESO upgrade brings its schema along
 * @param now RFC 3339
 */
export const contextOf = (
  target: SyncTarget,
  virtualUid: string,
  version: string,
  pairs: ReadonlyMap<string, CrdPair>,
  now: () => string,
): SyncContext => {
  const { name: vcluster, namespace } = target.vcluster
  return {
    tenancy: { vcluster, virtualCluster: virtualUid },
    hostNamespace: namespace,
    settings: target.settings,
    policy: defaultPolicy,
    hostVersion: version,
    virtualVersion: version,
    hostSpecSchema: (plural) => {
      const pair = pairs.get(plural)
      return pair === undefined ? undefined : hostSpecSchema(pair)
    },
    locate: (virtual) => ({
      namespace,
      name: hostName(virtual.metadata.name, virtual.metadata.namespace ?? "", vcluster),
    }),
    hostSecretName: (secret, virtualNamespace) => hostSecretName(secret, virtualNamespace, vcluster),
    locateReference: (name, virtualNamespace) => ({
      namespace,
      name: hostReferenceName(name, virtualNamespace, vcluster),
    }),
    hostServiceAccountName: (name, virtualNamespace) => hostName(name, virtualNamespace, vcluster),
    now,
  }
}
