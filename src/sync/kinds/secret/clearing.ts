/** What goes from a virtual Secret before ours is applied: what ESO in one cluster would not leave there. */
import type { KubeObject, OwnerReference } from "../../../effects/client/kube-object.ts"
import { appliedFields, managerFor } from "../../external-secrets/managed-fields.ts"
import { isControlledBy } from "../../external-secrets/target-secret.ts"
import type { VirtualTarget } from "../../external-secrets/target-secret.ts"
import { creationPolicyOf } from "../../external-secrets/external-secret-spec.ts"
import type { JsonRecord } from "../../../effects/client/unstructured.ts"
import { stringMapAt } from "../../../effects/client/unstructured.ts"
import { esoCreatedByLabel } from "../../tenancy/labels.ts"
import { controllerOf } from "../../tenancy/ownership.ts"
import { isImmutable, sourceData } from "./content.ts"

/** Keys that ESO would not leave in a Secret that it does not merge into: `ApplyTemplate` clears the data first. */
const foreignKeys = (target: VirtualTarget, current: KubeObject): ReadonlyArray<string> => {
  if (creationPolicyOf(target.spec) === "Merge" || target.spec.target?.immutable === true || isImmutable(current))
    return []
  const wanted = sourceData(target.source)
  return Object.keys(stringMapAt(current, "data")).filter((key) => !Object.hasOwn(wanted, key))
}

/** Those that we did not apply: what we did goes with the next apply. */
const strangeKeys = (target: VirtualTarget, current: KubeObject): ReadonlyArray<string> => {
  const foreign = foreignKeys(target, current)
  if (foreign.length === 0) return foreign
  const ours = appliedFields(current, managerFor(target.owner.metadata.name)).data
  return foreign.filter((key) => !ours.has(key))
}

/**
 * A controller reference to an ExternalSecret of this name that is no more (the Secret was restored from a backup, or outlived its
 * owner). The API server takes one controller only, and ours does not come in the place of what others wrote.
 */
const formerOwner = ({ owner }: VirtualTarget, current: KubeObject): OwnerReference | undefined => {
  const controller = controllerOf(current)
  return isControlledBy(current, owner) && controller?.uid !== owner.metadata.uid ? controller : undefined
}

/**
 * ESO's mark of the ExternalSecret that made it, where another one did before (inside the virtual cluster, or on the host beside vCluster's own
 * integration). ESO in one cluster would write its own over it. vCluster takes labels along to the host, where ESO deletes what bears one of its.
 */
const hasStaleMark = ({ spec }: VirtualTarget, { metadata: { labels = {} } }: KubeObject): boolean =>
  creationPolicyOf(spec) === "Owner" && Object.hasOwn(labels, esoCreatedByLabel)

/** @returns undefined: nothing goes */
export const clearingPatch = (target: VirtualTarget, current: KubeObject): JsonRecord | undefined => {
  const strange = strangeKeys(target, current)
  const former = formerOwner(target, current)
  const isMarked = hasStaleMark(target, current)
  if (strange.length === 0 && former === undefined && !isMarked) return undefined
  const owners = (current.metadata.ownerReferences ?? []).filter((each) => each !== former)
  return {
    ...(strange.length === 0 ? {} : { data: Object.fromEntries(strange.map((key) => [key, null])) }),
    ...(former === undefined && !isMarked
      ? {}
      : {
          metadata: {
            ...(former === undefined ? {} : { ownerReferences: owners }),
            ...(isMarked ? { labels: { [esoCreatedByLabel]: null } } : {}),
          },
        }),
  }
}
