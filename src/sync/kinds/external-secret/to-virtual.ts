/**
 * What comes back to the virtual cluster for an ExternalSecret that is on the host: its Secret, as its policies have it, and its
 * status. The host's ESO owns a hidden Secret whatever the policy is; what it would have said of the tenant's own Secret in
 * one cluster is said here, in its words (`externalsecret_controller.go`).
 */
import { hostSecrets, virtualSecrets, virtualUnmanagedSecrets } from "../../external-secrets/secret-caches.ts"
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import { keyOf } from "../../../effects/client/kube-object.ts"
import type { HostPlace } from "../../external-secrets/host-place.ts"
import type { Situation } from "./conflicts.ts"
import { statusFailed, statusFromHost, statusMissing } from "./status.ts"
import { brokenVerdict, pendingVerdict, verdictOf } from "../../external-secrets/verdicts.ts"
import type { Fix } from "../../tenancy/object-health.ts"
import type { Action, Decision } from "../../engine/actions.ts"
import type { EsoFailure } from "../../tenancy/eso-messages.ts"
import { failures, messages } from "../../tenancy/eso-messages.ts"
import { readyCondition, saysAlready } from "../../tenancy/conditions.ts"
import type { ExternalSecretSpec } from "../../external-secrets/external-secret-spec.ts"
import { creationPolicyOf, targetName } from "../../external-secrets/external-secret-spec.ts"
import { parseGoDuration } from "../../../effects/text/go-duration.ts"
import type { Translate } from "../../tenancy/message-translation.ts"
import { stringAt } from "../../../effects/client/unstructured.ts"
import { controllerOf } from "../../tenancy/ownership.ts"
import { externalSecrets } from "../../resources.ts"
import { isControlledBy } from "../../external-secrets/target-secret.ts"
import type { TargetSecrets } from "../../external-secrets/target-secret.ts"
import { causeOf, regardedExternalSecrets } from "../../external-secrets/involved-object.ts"

export interface Pair {
  readonly virtual: KubeObject
  readonly spec: ExternalSecretSpec
  readonly names: HostPlace
  /** For what the host says of it. */
  readonly translate: Translate
  /** The host object that is its copy. */
  readonly copy: KubeObject
}

/** What becomes of the Secret. */
interface Outcome {
  readonly actions: ReadonlyArray<Action>
  /** ESO would have failed on the tenant's Secret. */
  readonly failure?: EsoFailure
  /** There is none to merge into. */
  readonly missing?: true
  /** The Secret is not what it will be: the status waits for it. */
  readonly unfinished?: string
}

interface Place {
  readonly name: string
  /** The Secret that stands there, with its values. */
  readonly standing: KubeObject | undefined
  /** The one that stands there and of which only the metadata is known. */
  readonly unmanaged: KubeObject | undefined
  /** What ESO made on the host. */
  readonly source: KubeObject | undefined
}

const placeOf = ({ caches }: Situation, { virtual, spec, names, copy }: Pair): Place => {
  const name = targetName(spec, virtual.metadata.name)
  const key = keyOf(virtual.metadata.namespace, name)
  const standing = caches.of(virtualSecrets).get(key)
  const made = caches.of(hostSecrets).get(keyOf(names.location.namespace, names.hostSecret))
  return {
    name,
    standing,
    unmanaged: standing === undefined ? caches.of(virtualUnmanagedSecrets).get(key) : undefined,
    source: made !== undefined && controllerOf(made)?.uid === copy.metadata.uid ? made : undefined,
  }
}

/** ESO's rules about Secrets of others. */
const takeoverFailure = ({ virtual, spec }: Pair, there: KubeObject): EsoFailure | undefined => {
  const controller = controllerOf(there)
  if (controller === undefined || isControlledBy(there, virtual)) return undefined
  const owner = `${controller.kind} ${controller.name}`
  if (controller.kind === "ExternalSecret" && controller.apiVersion.startsWith("external-secrets.io/"))
    return failures.ownedByAnother(there.metadata.name, owner)
  return creationPolicyOf(spec) === "Owner" ? failures.notOurs(there.metadata.name, owner) : undefined
}

/**
 * Whether the virtual status tells of the last time that ESO fetched, and of this target: then what it made has been carried over.
 * A time alone is too coarse: it counts in seconds.
 */
const isCarriedOver = ({ virtual, copy }: Pair, target: string): boolean =>
  stringAt(copy, "status", "refreshTime") !== undefined &&
  ["refreshTime", "syncedResourceVersion"].every(
    (field) => stringAt(copy, "status", field) === stringAt(virtual, "status", field),
  ) &&
  stringAt(virtual, "status", "binding", "name") === target

const never = new Set(["CreatedOnce", "OnChange"])

/** Whether the host's ESO would leave the value of the hidden Secret as it is, however long one waits. */
const keepsItsValue = ({ spec, copy }: Pair): boolean =>
  spec.target?.immutable === true ||
  never.has(spec.refreshPolicy ?? "") ||
  (spec.refreshInterval !== undefined && (parseGoDuration(spec.refreshInterval) ?? 1) <= 0) ||
  readyCondition(copy)?.message.startsWith(messages.couldNotUpdate) === true

/**
 * The tenant deleted the Secret. That is how one asks ESO for a new value that it would not fetch by itself; in one cluster it does
 * at once. Elsewhere the Secret comes back with the value that the host has.
 */
const isAskedAnew = (pair: Pair, { name, standing, unmanaged, source }: Place): boolean =>
  source !== undefined &&
  standing === undefined &&
  unmanaged === undefined &&
  creationPolicyOf(pair.spec) === "Owner" &&
  isCarriedOver(pair, name) &&
  keepsItsValue(pair)

/** ESO leaves an Orphan's Secret alone between two refreshes, also when it is edited or deleted. */
const isLeftAlone = (targets: TargetSecrets, pair: Pair, { name, standing, source }: Place): boolean =>
  source !== undefined &&
  creationPolicyOf(pair.spec) === "Orphan" &&
  isCarriedOver(pair, name) &&
  (standing === undefined ||
    // The policy was Owner before: the host, where it always is, did not see that change.
    (!isControlledBy(standing, pair.virtual) &&
      !targets.isOlderThanSource({ owner: pair.virtual, spec: pair.spec, name, source }, standing)))

const write = (
  targets: TargetSecrets,
  pair: Pair,
  { name, standing, unmanaged }: Place,
  source: KubeObject,
): Outcome => {
  const target = { owner: pair.virtual, spec: pair.spec, name, source }
  const there = standing ?? unmanaged
  if (there === undefined && creationPolicyOf(pair.spec) === "Merge") return { actions: [], missing: true }
  const failure = there === undefined ? undefined : takeoverFailure(pair, there)
  if (failure !== undefined) return { actions: [], failure }
  if (unmanaged !== undefined)
    return { actions: targets.lookInto(unmanaged), unfinished: "the Secret that is there is looked at first" }
  if (standing !== undefined && targets.hasOtherType(target, standing))
    return { actions: [], failure: failures.otherType(name) }
  const actions = targets.apply(target, standing)
  return standing !== undefined && targets.isFrozenOut(target, standing)
    ? { actions, failure: failures.immutable(name) }
    : { actions }
}

/**
 * The former target of a renamed ExternalSecret goes once there is something to write into the new one. A host Secret that is missing
 * for any other reason than ESO's own decision is about to come back: what the tenant has stays.
 */
const secretOutcome = (situation: Situation, pair: Pair, place: Place): Outcome => {
  const { virtual, spec, copy } = pair
  const { targets } = situation
  const policy = creationPolicyOf(spec)
  if (policy === "None") return { actions: [] }
  const controlled = situation.claimed.filter((secret) => controllerOf(secret)?.uid === virtual.metadata.uid)
  const ready = readyCondition(copy)
  if (place.source === undefined) {
    if (ready?.reason === "SecretDeleted")
      return policy === "Owner"
        ? { actions: targets.remove(controlled, virtual.metadata.name) }
        : { actions: [], failure: failures.notDeleted(place.name) }
    return ready?.message === messages.synced
      ? { actions: [], unfinished: "the Secret on the host is not there (yet)" }
      : { actions: [] }
  }
  if (isLeftAlone(targets, pair, place)) return { actions: [] }
  const { actions, ...rest } = write(targets, pair, place, place.source)
  const former = controlled.filter((secret) => secret.metadata.name !== place.name)
  return { actions: [...actions, ...targets.remove(former, virtual.metadata.name)], ...rest }
}

/** What ESO said on the host comes first in one cluster too: it fetches before it looks at the Secret. */
const overridesHost = ({ copy }: Pair, policy: string): boolean => {
  const ready = readyCondition(copy)
  return ready?.message === messages.synced || (policy === "Orphan" && ready?.reason === "SecretDeleted")
}

const failed = (
  situation: Situation,
  { virtual }: Pair,
  place: Place,
  failure: EsoFailure,
  actions: ReadonlyArray<Action>,
) => {
  const { context } = situation
  const told = { reason: messages.errorReason, message: failure.message }
  return {
    actions: [...actions, ...statusFailed(virtual, place.name, told, context.virtualVersion, context.now())],
    verdict: brokenVerdict({ reason: told.reason, message: `${failure.message}: ${failure.detail}` }),
    ...(saysAlready(virtual, told)
      ? {}
      : { notice: { regarding: virtual, type: "Warning" as const, reason: "UpdateFailed", message: failure.detail } }),
  }
}

const fetchAgain = ({ metadata: { name, namespace } }: KubeObject): Fix => ({
  text: "see the store and the provider's answer; then fetch again",
  command: `kubectl annotate externalsecret ${name} -n ${namespace} force-sync=$(date +%s) --overwrite`,
})

/** Secret and status, from the host object that is this one's copy. */
export const comeBack = (situation: Situation, pair: Pair): Decision => {
  const { context } = situation
  const { virtual, copy, translate } = pair
  const place = placeOf(situation, pair)
  if (isAskedAnew(pair, place))
    return {
      actions: [
        {
          _tag: "Delete",
          side: "host",
          resource: externalSecrets(context.hostVersion),
          current: copy,
          becauseAbsent: false,
          // An immutable Secret that is still there would be taken over as it is.
          propagation: "Foreground",
        },
      ],
      verdict: pendingVerdict("the Secret was deleted: External Secrets Operator fetches it anew"),
      restsOnAbsentSecret: { namespace: virtual.metadata.namespace, name: place.name },
    }
  const outcome = secretOutcome(situation, pair, place)
  if (outcome.unfinished !== undefined) return { actions: outcome.actions, verdict: pendingVerdict(outcome.unfinished) }
  const overrides = overridesHost(pair, creationPolicyOf(pair.spec))
  if (overrides && outcome.failure !== undefined)
    return failed(situation, pair, place, outcome.failure, outcome.actions)
  if (overrides && outcome.missing === true)
    return {
      actions: statusMissing(virtual, copy, translate, context.virtualVersion),
      verdict: pendingVerdict(
        `${messages.missing}: there is no Secret ${place.name} to merge into`,
        messages.missingReason,
      ),
    }
  const statusActions = statusFromHost(virtual, copy, place.name, translate, context.virtualVersion)
  return {
    actions: [...outcome.actions, ...statusActions],
    verdict: verdictOf(copy, translate, outcome.actions.length + statusActions.length, fetchAgain(virtual), () =>
      causeOf(copy, translate, situation.caches, regardedExternalSecrets),
    ),
  }
}
