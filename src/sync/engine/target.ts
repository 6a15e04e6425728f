/** What a Syncer works on: one vCluster and its settings; the clusters are `clients.ts`. */
import { Clock, Context, Effect } from "effect"
import { jsonEqual } from "../../effects/client/merge-patch.ts"
import { namespaceMap } from "../tenancy/namespace-mapping.ts"
import type { Policy } from "../tenancy/policy.ts"
import type { SyncContext } from "./context.ts"
import type { SyncSettings } from "../tenancy/sync-settings.ts"
import type { CrdPairs, Prerequisites } from "./prerequisites.ts"
import { Registry } from "./registry.ts"

/** Its name, and the host namespace that it lives in. */
export interface VclusterRef {
  readonly name: string
  readonly namespace: string
}

export class VclusterTarget extends Context.Service<
  VclusterTarget,
  { readonly vcluster: VclusterRef; readonly settings: SyncSettings }
>()("vcluster-es/sync/engine/VclusterTarget") {}

/** What the operator has loosened for it. */
export class ActivePolicy extends Context.Service<ActivePolicy, Policy>()("vcluster-es/sync/engine/ActivePolicy") {}

/** To the second, as Kubernetes writes its times. */
export const rfc3339 = (millis: number): string => new Date(millis).toISOString().replace(/\.\d+Z$/, "Z")

/**
 * Whether caches and decisions rest on CRDs that are others now: in the version that is spoken, or (an upgrade of ESO that keeps the
 * version) in a schema by which specs are read and indexed.
 */
export const isOutdated = (
  { specSchema }: Pick<Prerequisites, "specSchema">,
  built: CrdPairs,
  now: CrdPairs,
): boolean =>
  [...now].some(([plural, pair]) => {
    const before = built.get(plural)
    return before === undefined || before.version !== pair.version || !jsonEqual(specSchema(before), specSchema(pair))
  })

/** What the host and the virtual cluster speak with us. */
export interface SpokenCrds extends Pick<Prerequisites, "specSchema"> {
  /** They must not change: indexes are made by their schemas, too; see {@link isOutdated} */
  readonly pairs: CrdPairs
}

/**
 * @param virtualUid UID of the virtual kube-system namespace
 * @param now RFC 3339
 */
export const contextOf = (
  { vcluster, settings }: VclusterTarget["Service"],
  policy: Policy,
  virtualUid: string,
  { pairs, specSchema }: SpokenCrds,
  now: () => string,
): SyncContext => {
  const { name, namespace } = vcluster
  const { namespaces } = settings
  const map = namespaceMap(namespaces, vcluster)
  // Of a kind that is not brought into the virtual cluster only leftovers are looked for; ESO serves all in the same versions.
  const version = [...pairs.values()][0]?.version ?? "v1"
  return {
    tenancy: { vcluster: name, hostNamespace: namespace, virtualCluster: virtualUid },
    hostNamespace: namespace,
    hostScope: namespaces.enabled ? undefined : namespace,
    isOurNamespace: (host) => host === namespace || map.toVirtual(host) !== undefined,
    settings,
    policy,
    imported: [...pairs.keys()],
    versionOf: (plural) => pairs.get(plural)?.version ?? version,
    hostSpecSchema: (plural) => {
      const pair = pairs.get(plural)
      return pair === undefined ? undefined : specSchema(pair)
    },
    locate: ({ metadata }) => map.object(metadata.namespace ?? "", metadata.name),
    whyNowhere: map.whyNowhere,
    hostSecretName: (secret, virtualNamespace) => map.secret(virtualNamespace, secret)?.name ?? "",
    mergeSecretName: (externalSecret, virtualNamespace) =>
      map.mergeSecret(virtualNamespace, externalSecret)?.name ?? "",
    locateReference: (name_, virtualNamespace) => map.reference(virtualNamespace, name_),
    hostServiceAccountName: (name_, virtualNamespace) => map.object(virtualNamespace, name_)?.name ?? "",
    now,
  }
}

/** The context of decisions over these CRDs. */
export const makeContext = Effect.fnUntraced(function* (
  virtualUid: string,
  pairs: CrdPairs,
): Effect.fn.Return<SyncContext, never, ActivePolicy | Registry | VclusterTarget> {
  const clock = yield* Clock.Clock
  const { prerequisites } = yield* Registry
  const crds = { pairs, specSchema: prerequisites.specSchema }
  const now = () => rfc3339(clock.currentTimeMillisUnsafe())
  return contextOf(yield* VclusterTarget, yield* ActivePolicy, virtualUid, crds, now)
})
