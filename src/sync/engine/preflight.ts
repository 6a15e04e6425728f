/**
 * The look around before anything is written: is everything there, and is the virtual cluster the one that we know?
 * Reads only.
 */
import { named } from "../../effects/client/field-selector.ts"
import { Effect } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import { leaseResource } from "../../effects/leader-election/lease.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { ClientServices } from "./clients.ts"
import { bothClients } from "./clients.ts"
import type { Clients } from "./executor.ts"
import type { SyncFailure } from "./errors.ts"
import { HostNamespaceMissing } from "./errors.ts"
import { orUndefined } from "../../effects/client/ignore-not-found.ts"
import type { Anchor, IdentityMismatch } from "./identity.ts"
import { anchorName, anchorNamespace, checkIdentity } from "./identity.ts"
import { highestVersionAnnotation, knownCrdsAnnotation, virtualClusterAnnotation } from "../tenancy/labels.ts"
import { configMaps, namespaces } from "../resources.ts"
import { FollowedCrds } from "./followed-crds.ts"
import { SyncOptions } from "./sync-options.ts"
import type { VclusterRef } from "./target.ts"
import { VclusterTarget } from "./target.ts"

/** The Lease that keeps two syncers of one vCluster apart, and our memory of the virtual cluster, on the host's side. */
export const leaseName = (vcluster: VclusterRef): string => `vcluster-es-${vcluster.name}`

export interface Survey {
  readonly hostNamespaceUid: string
  /** UID of the virtual kube-system namespace. */
  readonly virtualUid: string
  /** What the Lease remembers; undefined: no syncer ran yet. */
  readonly knownUid: string | undefined
  readonly highestResourceVersion: string | undefined
  /** What the virtual API server answers now. */
  readonly resourceVersion: string
  readonly lease: KubeObject | undefined
  /** What stands in its place, be it emptied. */
  readonly anchor: KubeObject | undefined
}

export const takeSurvey = Effect.fnUntraced(function* (
  clients: Clients,
  vcluster: VclusterRef,
): Effect.fn.Return<Survey, ApiError | HostNamespaceMissing> {
  const { host, virtual } = clients
  const [hostNamespace, lease, kubeSystem, anchors] = yield* Effect.all(
    [
      host.get(namespaces, { name: vcluster.namespace }, { metadataOnly: true }).pipe(orUndefined),
      host.get(leaseResource, { namespace: vcluster.namespace, name: leaseName(vcluster) }).pipe(orUndefined),
      virtual.get(namespaces, { name: anchorNamespace }, { metadataOnly: true }),
      // A list, not a get: its resourceVersion is that of the whole store, now.
      virtual.list(configMaps, { namespace: anchorNamespace, fieldSelector: named(anchorName) }),
    ],
    { concurrency: "unbounded" },
  )
  if (hostNamespace === undefined) return yield* new HostNamespaceMissing({ namespace: vcluster.namespace })
  return {
    hostNamespaceUid: hostNamespace.metadata.uid ?? "",
    virtualUid: kubeSystem.metadata.uid ?? "",
    knownUid: lease?.metadata.annotations?.[virtualClusterAnnotation],
    highestResourceVersion: lease?.metadata.annotations?.[highestVersionAnnotation],
    resourceVersion: anchors.resourceVersion,
    lease,
    anchor: anchors.items[0],
  }
})

export const expectedAnchor = (survey: Survey, vcluster: VclusterRef): Anchor => ({
  hostNamespace: vcluster.namespace,
  hostNamespaceUid: survey.hostNamespaceUid,
  vcluster: vcluster.name,
})

/** undefined: the virtual cluster is the one that was synced before, or the first one. */
export const identityOf = (survey: Survey, vcluster: VclusterRef): IdentityMismatch | undefined =>
  checkIdentity({
    uid: survey.virtualUid,
    knownUid: survey.knownUid,
    anchor: survey.anchor,
    expected: expectedAnchor(survey, vcluster),
    resourceVersion: survey.resourceVersion,
    highestResourceVersion: survey.highestResourceVersion,
  })

/** Is it all there? Both clusters answer, the virtual one is the right one, and the host has the CRDs of all that is wanted. */
export const lookAround = Effect.gen(function* (): Effect.fn.Return<
  Survey,
  SyncFailure,
  ClientServices | FollowedCrds | SyncOptions | VclusterTarget
> {
  const clients = yield* bothClients
  const { vcluster } = yield* VclusterTarget
  const { acceptIdentity } = yield* SyncOptions
  const crds = yield* FollowedCrds
  // Asked at the same time, judged one after the other: what is wrong with the clusters is told before what is wrong with a CRD.
  const [survey, seen] = yield* Effect.all([takeSurvey(clients, vcluster), crds.see(clients)], { concurrency: 2 })
  const mismatch = identityOf(survey, vcluster)
  if (mismatch !== undefined && !acceptIdentity) return yield* mismatch
  // What was noted of another cluster says nothing about this one.
  crds.recall(mismatch === undefined ? survey.lease?.metadata.annotations?.[knownCrdsAnnotation] : undefined)
  yield* crds.judge(clients, seen)
  return survey
})
