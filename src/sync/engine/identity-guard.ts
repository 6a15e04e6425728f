/**
 * Asks again, before a list of the virtual cluster is believed, whether it is still the same cluster: an API server may be
 * replaced while we run, and the first thing that we would see of it is that everything is gone.
 */
import { named } from "../../effects/client/field-selector.ts"
import { Effect } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import type { KubeClient } from "../../effects/client/kube-client.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { Anchor, IdentityMismatch } from "./identity.ts"
import { anchorName, anchorNamespace, anchorObject, checkIdentity } from "./identity.ts"
import { configMaps, namespaces } from "../resources.ts"

export interface IdentityGuard {
  /** Fails when it is another cluster, or when that cannot be found out now. */
  readonly check: Effect.Effect<void, ApiError | IdentityMismatch>
  /** A resourceVersion that was seen of the virtual cluster. */
  readonly saw: (resourceVersion: string) => void
  readonly highest: () => string | undefined
}

interface Options {
  readonly virtual: KubeClient
  readonly uid: string
  readonly expected: Anchor
  /** Highest resourceVersion known from earlier runs. */
  readonly highest: string | undefined
}

const isHigher = (candidate: string, than: string | undefined): boolean =>
  /^\d+$/.test(candidate) && (than === undefined || BigInt(candidate) > BigInt(than))

export const makeIdentityGuard = ({ virtual, uid, expected, highest: known }: Options): IdentityGuard => {
  let highest = known
  const saw = (resourceVersion: string) => {
    if (isHigher(resourceVersion, highest)) highest = resourceVersion
  }
  const check = Effect.gen(function* () {
    // What was seen before the question: a version that another watch sees meanwhile proves nothing.
    const before = highest
    const [kubeSystem, anchors] = yield* Effect.all(
      [
        virtual.get(namespaces, { name: anchorNamespace }, { metadataOnly: true }),
        virtual.list(configMaps, { namespace: anchorNamespace, fieldSelector: named(anchorName) }),
      ],
      { concurrency: 2 },
    )
    const mismatch = checkIdentity({
      uid: kubeSystem.metadata.uid ?? "",
      knownUid: uid,
      anchor: anchors.items[0],
      expected,
      resourceVersion: anchors.resourceVersion,
      highestResourceVersion: before,
    })
    if (mismatch !== undefined) return yield* mismatch
    saw(anchors.resourceVersion)
  })
  return { check, saw, highest: () => highest }
}

/**
 * Writes the anchor, also over one that was emptied or (accepted by the operator) names another host; only over that one: a
 * Conflict says that somebody else has written since we looked.
 */
export const writeAnchor = (
  virtual: KubeClient,
  anchor: Anchor,
  standing: KubeObject | undefined,
): Effect.Effect<void, ApiError> => {
  const { uid, resourceVersion } = standing?.metadata ?? {}
  const onto = standing === undefined ? { onlyNew: true } : { uid, resourceVersion }
  return Effect.asVoid(virtual.apply(configMaps, anchorObject(anchor), { force: true, ...onto }))
}
