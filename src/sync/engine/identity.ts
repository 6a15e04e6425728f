/**
 * Is this still the virtual cluster that we synced before (DESIGN §7)?
 *
 * Three things tell: the UID of its `kube-system` namespace; an anchor object there, which names the host namespace and the
 * vCluster (a restore or a clone keeps all UIDs); and the highest resourceVersion that we ever saw of it, kept on the
 * host's side (an etcd restored from an older backup brings UID and anchor along, but its versions start lower).
 */
import { Schema } from "effect"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { stringMapAt } from "../../effects/client/unstructured.ts"

export const anchorName = "vcluster-es"
export const anchorNamespace = "kube-system"

/** What the anchor says. */
export interface Anchor {
  readonly hostNamespace: string
  readonly hostNamespaceUid: string
  readonly vcluster: string
}

export const anchorObject = (anchor: Anchor): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: {
    name: anchorName,
    namespace: anchorNamespace,
    annotations: {
      "vcluster-es.io/description":
        "Names the host namespace that this virtual cluster is synced with. Written by vcluster-es; do not copy it to another cluster.",
    },
  },
  data: { hostNamespace: anchor.hostNamespace, hostNamespaceUid: anchor.hostNamespaceUid, vcluster: anchor.vcluster },
})

/** An anchor that names no vCluster was emptied by somebody: it counts as absent, and is written anew. */
export const namesVcluster = (anchor: KubeObject): boolean => stringMapAt(anchor, "data")["vcluster"] !== undefined

export interface IdentityFacts {
  /** UID of the virtual kube-system namespace, now. */
  readonly uid: string
  /** UID that the Lease and the host objects of this vCluster name; undefined: never synced. */
  readonly knownUid: string | undefined
  /** The anchor ConfigMap, where there is one. */
  readonly anchor: KubeObject | undefined
  readonly expected: Anchor
  /** resourceVersion that the virtual API server answers now. */
  readonly resourceVersion: string
  /** Highest one ever seen; undefined: never synced. */
  readonly highestResourceVersion: string | undefined
}

export class IdentityMismatch extends Schema.TaggedError<IdentityMismatch>()("IdentityMismatch", {
  vcluster: Schema.String,
  hostNamespace: Schema.String,
  why: Schema.String,
}) {
  readonly fix = "if that is meant, run again with --accept-identity"

  override get message(): string {
    return `this virtual cluster is not the one that ${this.hostNamespace}/${this.vcluster} was synced with (${this.why}); nothing was changed`
  }
}

/** resourceVersions are decimal numbers that grow within one etcd (Kubernetes, KEP-5504); compared without losing digits. */
const goesBack = (now: string, highest: string): boolean =>
  /^\d+$/.test(now) && /^\d+$/.test(highest) && BigInt(now) < BigInt(highest)

const mismatchOf = (facts: IdentityFacts): string | undefined => {
  const { uid, knownUid, anchor, expected, resourceVersion, highestResourceVersion } = facts
  if (knownUid !== undefined && knownUid !== uid) return `kube-system UID ${knownUid} ≠ ${uid}`
  if (anchor !== undefined) {
    const data = stringMapAt(anchor, "data")
    if (
      namesVcluster(anchor) &&
      (data["hostNamespaceUid"] !== expected.hostNamespaceUid || data["vcluster"] !== expected.vcluster)
    )
      return `its anchor kube-system/${anchorName} belongs to ${data["hostNamespace"]}/${data["vcluster"]}, so it is a clone or a restored copy`
  }
  if (highestResourceVersion !== undefined && goesBack(resourceVersion, highestResourceVersion))
    return `its resourceVersion went back from ${highestResourceVersion} to ${resourceVersion}, so an older backup was restored`
  return undefined
}

/** undefined: it is the same one, or the first one. */
export const checkIdentity = (facts: IdentityFacts): IdentityMismatch | undefined => {
  const why = mismatchOf(facts)
  return why === undefined
    ? undefined
    : new IdentityMismatch({ vcluster: facts.expected.vcluster, hostNamespace: facts.expected.hostNamespace, why })
}
