/**
 * The Secret that comes back to the virtual cluster for an ExternalSecret that is on the host, as its policies have it. The
 * host's ESO owns a hidden Secret whatever the policy is; what it would have said of the tenant's own Secret in one cluster is
 * said here, in its words (`externalsecret_controller.go`).
 */
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import { stringAt } from "../../../effects/client/unstructured.ts"
import type { ExternalSecretSpec } from "../../external-secrets/external-secret-spec.ts"
import { creationPolicyOf, fetchesOnce } from "../../external-secrets/external-secret-spec.ts"
import { isControlledBy, isExternalSecret } from "../../external-secrets/target-secret.ts"
import type { TargetSecrets, VirtualTarget } from "../../external-secrets/target-secret.ts"
import { readyCondition } from "../../tenancy/conditions.ts"
import type { EsoFailure } from "../../tenancy/eso-messages.ts"
import { failures, messages } from "../../tenancy/eso-messages.ts"
import { controllerOf } from "../../tenancy/ownership.ts"
import type { Target } from "./observe-asked.ts"

/** An ExternalSecret whose copy is on the host. */
export interface Pair {
  readonly virtual: KubeObject
  readonly spec: ExternalSecretSpec
  readonly target: Target
  /** The host object that is its copy. */
  readonly copy: KubeObject
  /** What ESO made of it on the host. */
  readonly source: KubeObject | undefined
  /** Virtual Secrets that name the ExternalSecret as theirs. */
  readonly claimed: ReadonlyArray<KubeObject>
  /** The imported stores that the spec names. */
  readonly stores: ReadonlyArray<KubeObject>
}

/** What should be done about Secrets in the virtual cluster. */
export interface SecretPlan {
  /** What should stand in the Secret, and what does. */
  readonly apply?: {
    readonly target: VirtualTarget
    readonly standing: KubeObject | undefined
    /** The imported stores that it may come from. */
    readonly stores: ReadonlyArray<KubeObject>
  }
  /** To be brought into the cache with all that it holds, before anything is decided about it. */
  readonly lookInto?: KubeObject
  /** To be rid of ESO's mark of whom it was made for, and of nothing else. */
  readonly unmark?: KubeObject
  readonly remove?: ReadonlyArray<KubeObject>
  /** What is removed goes because the operator has taken an authorisation back: such deletions count for the mass-deletion stop. */
  readonly isRevoked?: boolean
}

/** What becomes of the Secret. */
export interface Outcome {
  readonly plan: SecretPlan
  /** ESO would have failed on the tenant's Secret. */
  readonly failure?: EsoFailure
  /** There is none to merge into. */
  readonly missing?: true
  /** The Secret is not what it will be: the status waits for it. */
  readonly unfinished?: string
}

const nothingToDo: SecretPlan = {}

/** ESO's rules about Secrets of others. */
const takeoverFailure = ({ virtual, spec }: Pair, there: KubeObject): EsoFailure | undefined => {
  const controller = controllerOf(there)
  if (controller === undefined || isControlledBy(there, virtual)) return undefined
  const owner = `${controller.kind} ${controller.name}`
  if (isExternalSecret(controller)) return failures.ownedByAnother(there.metadata.name, owner)
  return creationPolicyOf(spec) === "Owner" ? failures.notOurs(there.metadata.name, owner) : undefined
}

/**
 * Whether the virtual status tells of the last time that ESO fetched, and of this target: then what it made has been carried over.
 * A time alone is too coarse: it counts in seconds.
 */
const isCarriedOver = ({ virtual, copy, target }: Pair): boolean =>
  stringAt(copy, "status", "refreshTime") !== undefined &&
  ["refreshTime", "syncedResourceVersion"].every(
    (field) => stringAt(copy, "status", field) === stringAt(virtual, "status", field),
  ) &&
  stringAt(virtual, "status", "binding", "name") === target.name

/** Whether the host's ESO would leave the value of the hidden Secret as it is, however long one waits. */
const keepsItsValue = ({ spec, copy }: Pair): boolean =>
  spec.target?.immutable === true ||
  fetchesOnce(spec) ||
  readyCondition(copy)?.message.startsWith(messages.couldNotUpdate) === true

const virtualTarget = (pair: Pair, source: KubeObject): VirtualTarget => ({
  owner: pair.virtual,
  spec: pair.spec,
  name: pair.target.name,
  source,
  isCarriedOver: isCarriedOver(pair),
})

/** The tenant deleted the Secret. That is how one asks ESO for a new value: in one cluster it fetches one at once. */
const isDeleted = (pair: Pair): boolean =>
  pair.source !== undefined &&
  pair.target.standing === undefined &&
  pair.target.unmanaged === undefined &&
  creationPolicyOf(pair.spec) === "Owner" &&
  isCarriedOver(pair)

/** Edited by hand: ESO sees that by the hash of the data, and fetches then too. */
const isEdited = (targets: TargetSecrets, pair: Pair, source: KubeObject): boolean =>
  pair.target.standing !== undefined &&
  creationPolicyOf(pair.spec) === "Owner" &&
  isCarriedOver(pair) &&
  targets.heldValue(virtualTarget(pair, source), pair.target.standing) === "edited"

/** The host's ESO would not fetch by itself, whatever is said to it: only a new copy makes it do so. */
export const isAskedAnew = (targets: TargetSecrets, pair: Pair): boolean =>
  pair.source !== undefined && keepsItsValue(pair) && (isDeleted(pair) || isEdited(targets, pair, pair.source))

/** The host's ESO fetches when an annotation of the copy changes. Meanwhile the Secret comes back with the value that the host has. */
export const isAskedToFetch = (pair: Pair): boolean => isDeleted(pair) && !keepsItsValue(pair)

/** ESO leaves an Orphan's Secret alone between two refreshes, also when it is edited or deleted. */
const isLeftAlone = (targets: TargetSecrets, pair: Pair, source: KubeObject): boolean => {
  const { standing } = pair.target
  return (
    creationPolicyOf(pair.spec) === "Orphan" &&
    isCarriedOver(pair) &&
    (standing === undefined ||
      // The policy was Owner before: the host, where it always is, did not see that change.
      (!isControlledBy(standing, pair.virtual) && !targets.isOlderThanSource(virtualTarget(pair, source), standing)))
  )
}

/**
 * ESO would not fetch again (`shouldRefresh`), so another value on the host is no news: the copy there was lost and made anew, and
 * in one cluster nobody has touched the tenant's.
 */
const isHeld = (targets: TargetSecrets, pair: Pair, source: KubeObject): boolean =>
  pair.target.standing !== undefined &&
  takeoverFailure(pair, pair.target.standing) === undefined &&
  targets.heldValue(virtualTarget(pair, source), pair.target.standing) === "kept"

const written = (targets: TargetSecrets, pair: Pair, source: KubeObject): Outcome => {
  const { name, standing, unmanaged } = pair.target
  const target = virtualTarget(pair, source)
  const there = standing ?? unmanaged
  if (there === undefined && creationPolicyOf(pair.spec) === "Merge") return { plan: nothingToDo, missing: true }
  const failure = there === undefined ? undefined : takeoverFailure(pair, there)
  if (failure !== undefined) return { plan: nothingToDo, failure }
  const unreadable = targets.unreadableText(target)
  if (unreadable !== undefined) return { plan: nothingToDo, failure: failures.unreadable(name, unreadable) }
  if (unmanaged !== undefined)
    return { plan: { lookInto: unmanaged }, unfinished: "the Secret that is there is looked at first" }
  if (standing !== undefined && targets.hasOtherType(target, standing))
    return { plan: nothingToDo, failure: failures.otherType(name) }
  const plan = { apply: { target, standing, stores: pair.stores } }
  return standing !== undefined && targets.isFrozenOut(target, standing)
    ? { plan, failure: failures.immutable(name) }
    : { plan }
}

/**
 * The former target of a renamed ExternalSecret goes once there is something to write into the new one. A host Secret that is missing
 * for any other reason than ESO's own decision is about to come back: what the tenant has stays.
 */
export const secretOutcome = (targets: TargetSecrets, pair: Pair): Outcome => {
  const { virtual, spec, copy, source, target } = pair
  const policy = creationPolicyOf(spec)
  if (policy === "None") return { plan: nothingToDo }
  const controlled = pair.claimed.filter((secret) => controllerOf(secret)?.uid === virtual.metadata.uid)
  const ready = readyCondition(copy)
  if (source === undefined) {
    if (ready?.reason === "SecretDeleted")
      return policy === "Owner"
        ? { plan: { remove: controlled } }
        : { plan: nothingToDo, failure: failures.notDeleted(target.name) }
    return ready?.message === messages.synced
      ? { plan: nothingToDo, unfinished: "the Secret on the host is not there (yet)" }
      : { plan: nothingToDo }
  }
  if (isLeftAlone(targets, pair, source) || isHeld(targets, pair, source)) return { plan: nothingToDo }
  const outcome = written(targets, pair, source)
  if (outcome.missing === true) return outcome
  const { plan, ...rest } = outcome
  return { plan: { ...plan, remove: controlled.filter((secret) => secret.metadata.name !== target.name) }, ...rest }
}

/** What ESO said on the host comes first in one cluster too: it fetches before it looks at the Secret. */
export const overridesHost = ({ copy, spec }: Pair): boolean => {
  const ready = readyCondition(copy)
  return (
    ready?.message === messages.synced || (creationPolicyOf(spec) === "Orphan" && ready?.reason === "SecretDeleted")
  )
}
