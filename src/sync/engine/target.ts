/** What a Syncer works on: one vCluster and its settings; the clusters are `clients.ts`. */
import { Context } from "effect"
import { jsonEqual } from "../../effects/client/merge-patch.ts"
import { namespaceMap } from "../tenancy/namespace-mapping.ts"
import { defaultPolicy } from "../tenancy/policy.ts"
import type { SyncContext, SyncSettings } from "./context.ts"
import type { CrdPair } from "./prerequisites.ts"
import { hostSpecSchema } from "../kinds/custom-resource-definition/ensure.ts"

/** Its name, and the host namespace that it lives in. */
export interface VclusterRef {
  readonly name: string
  readonly namespace: string
}

export class VclusterTarget extends Context.Service<
  VclusterTarget,
  { readonly vcluster: VclusterRef; readonly settings: SyncSettings }
>()("vcluster-es/sync/engine/VclusterTarget") {}

/** To the second, as Kubernetes writes its times. */
export const rfc3339 = (millis: number): string => new Date(millis).toISOString().replace(/\.\d+Z$/, "Z")

type Crds = ReadonlyMap<string, CrdPair>

/**
 * Whether caches and decisions rest on CRDs that are others now: in the version that is spoken, or (an upgrade of ESO that keeps the
 * version) in a schema by which specs are read and indexed.
 */
export const isOutdated = (built: Crds, now: Crds): boolean =>
  built.get("externalsecrets")?.version !== now.get("externalsecrets")?.version ||
  [...now].some(([plural, pair]) => {
    const before = built.get(plural)
    return before === undefined || !jsonEqual(hostSpecSchema(before), hostSpecSchema(pair))
  })

/**
 * @param virtualUid UID of the virtual kube-system namespace
 * @param pairs the CRDs. They must not change: indexes are made by their schemas, too; see {@link isOutdated}
 * @param now RFC 3339
 */
export const contextOf = (
  target: VclusterTarget["Service"],
  virtualUid: string,
  version: string,
  pairs: Crds,
  now: () => string,
): SyncContext => {
  const { name: vcluster, namespace } = target.vcluster
  const { namespaces } = target.settings
  const map = namespaceMap(namespaces, { name: vcluster, namespace })
  return {
    tenancy: { vcluster, hostNamespace: namespace, virtualCluster: virtualUid },
    hostNamespace: namespace,
    hostScope: namespaces.enabled ? undefined : namespace,
    isOurNamespace: (host) => host === namespace || map.toVirtual(host) !== undefined,
    settings: target.settings,
    policy: defaultPolicy,
    imported: [...pairs.keys()],
    hostVersion: version,
    virtualVersion: version,
    hostSpecSchema: (plural) => {
      const pair = pairs.get(plural)
      return pair === undefined ? undefined : hostSpecSchema(pair)
    },
    locate: ({ metadata }) => map.object(metadata.namespace ?? "", metadata.name),
    whyNowhere: map.whyNowhere,
    hostSecretName: (secret, virtualNamespace) => map.secret(virtualNamespace, secret)?.name ?? "",
    locateReference: (name, virtualNamespace) => map.reference(virtualNamespace, name),
    hostServiceAccountName: (name, virtualNamespace) => map.object(virtualNamespace, name)?.name ?? "",
    now,
  }
}
