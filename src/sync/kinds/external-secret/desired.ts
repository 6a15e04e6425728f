/** What should become of an ExternalSecret in both clusters. */
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import type { JsonRecord } from "../../../effects/client/unstructured.ts"
import type { Decision } from "../../engine/actions.ts"
import { withWrittenMark } from "../../external-secrets/host-copy-patch.ts"
import { askedAnnotation } from "../../tenancy/labels.ts"
import type { Fix } from "../../tenancy/object-health.ts"
import type { Observed } from "./observe.ts"
import type { Asked, OnHost } from "./observe-asked.ts"
import type { Surroundings } from "./policy.ts"
import { importedStores } from "./policy.ts"
import type { Pair, SecretPlan } from "./to-virtual.ts"

export interface Desired {
  /** On the host. "anew": the copy goes with the Secret that ESO made of it, so that another one is made. */
  readonly copy: KubeObject | "none" | "as it stands" | "anew"
  /** What stands in the place of the copy, of another integration, and how it should stand. */
  readonly leftover?: { readonly current: KubeObject; readonly wanted: KubeObject }
  readonly secrets: SecretPlan
  /** What the host is asked for besides may fail there: the Secret does not wait for it. */
  readonly secretsFirst?: boolean
  /** In the virtual cluster; undefined: as it stands. */
  readonly status: JsonRecord | undefined
  /** @param pending writes in the virtual cluster that are still to be made */
  readonly told: (pending: number) => Omit<Decision, "actions">
}

export const untold: Desired["told"] = () => ({ verdict: undefined })

export const untouched = { copy: "as it stands", secrets: {}, status: undefined } as const

/** Those that the operator lets the tenant use anyway can't be taken away by a label. */
const storesToConfirm = (around: Surroundings): ReadonlyArray<KubeObject> =>
  around.policy.unimportedClusterStores === "allow" ? [] : importedStores(around)

/** @param copy the host object that is its copy */
export const pairOf = (
  { virtual, spec, surroundings, target }: Asked,
  { made }: OnHost,
  copy: KubeObject,
  { claimed }: Observed,
): Pair => ({ virtual, spec, target, copy, source: made, claimed, stores: storesToConfirm(surroundings) })

/** @param asked for a newer value than the one of this time. Each change makes ESO fetch, so it stands there until it is asked again */
export const withAsked = (desired: KubeObject, asked: string | undefined): KubeObject => {
  if (asked === undefined) return desired
  const { annotations, ...metadata } = desired.metadata
  return withWrittenMark({
    ...desired,
    metadata: { ...metadata, annotations: { ...annotations, [askedAnnotation]: asked } },
  })
}

export const fetchAgain = ({ metadata: { name, namespace } }: KubeObject): Fix => ({
  text: "see the store and the provider's answer; then fetch again",
  command: `kubectl annotate externalsecret ${name} -n ${namespace} force-sync=$(date +%s) --overwrite`,
})
