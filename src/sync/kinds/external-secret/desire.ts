/** How an ExternalSecret should stand in both clusters, by what is known of it and by the rule that it breaks, if any. */
import { Result } from "effect"
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import { warnOnce } from "../../engine/events.ts"
import { causeOf } from "../../external-secrets/involved-object.ts"
import { hostStatus } from "../../external-secrets/host-status.ts"
import { notReady } from "../../external-secrets/not-ready.ts"
import { tellOverruled } from "../../external-secrets/overruled.ts"
import { missingCopy } from "../../external-secrets/referents.ts"
import type { TargetSecrets } from "../../external-secrets/target-secret.ts"
import { brokenVerdict, pendingVerdict, verdictOf, waitingVerdict } from "../../external-secrets/verdicts.ts"
import { stringAt } from "../../../effects/client/unstructured.ts"
import { askedAnnotation } from "../../tenancy/labels.ts"
import { readyCondition, saysAlready } from "../../tenancy/conditions.ts"
import { messages } from "../../tenancy/eso-messages.ts"
import type { EsoFailure } from "../../tenancy/eso-messages.ts"
import type { Refusal } from "../../tenancy/refusals.ts"
import { beingTakenOver, markedTarget, takeOver } from "./adoption.ts"
import type { Observed } from "./observe.ts"
import type { Asked, ObservedStore, OnHost } from "./observe-asked.ts"
import type { Desired } from "./desired.ts"
import { fetchAgain, pairOf, untold, untouched, withAsked } from "./desired.ts"
import { gone, refused, unselected } from "./kept.ts"
import { operatorFix } from "./operator-fix.ts"
import { failedStatus, missingStatus } from "./status.ts"
import { desiredHostExternalSecret, overruledOnHost, toHost } from "./to-host.ts"
import type { Pair, SecretPlan } from "./to-virtual.ts"
import { isAskedAnew, isAskedToFetch, overridesHost, secretOutcome } from "./to-virtual.ts"

/** Nothing goes to the host before its store is there: until then the name might come to lead to another one. */
const withoutStore = (
  observed: Observed,
  virtual: KubeObject,
  { name, virtual: store }: Pick<ObservedStore, "name" | "virtual">,
): Desired => {
  const { namespace } = virtual.metadata
  const ready = readyCondition(store)
  const why =
    store === undefined
      ? {
          reason: "SecretStoreNotFound",
          message: `SecretStore ${name} does not exist in namespace ${namespace}`,
        }
      : {
          reason: "SecretStoreNotReady",
          message: `SecretStore ${name} is not on the host${ready?.status === "False" ? `: ${ready.message}` : " yet"}`,
        }
  const isOnItsWay = store !== undefined && ready?.status !== "False"
  const fix =
    store === undefined
      ? { text: "create the SecretStore", command: `kubectl get secretstores -n ${namespace}` }
      : { text: "see the store", command: `kubectl describe secretstore ${name} -n ${namespace}` }
  return {
    ...untouched,
    status: isOnItsWay ? undefined : notReady(virtual, why, observed.context),
    told: () => ({
      verdict: { health: isOnItsWay ? "waiting" : "broken", ...why, fix },
      ...(isOnItsWay ? {} : warnOnce(virtual, why)),
    }),
  }
}

/** The normal case: the spec may go to the host, and what ESO makes of it comes back. */
const followed = (targets: TargetSecrets, observed: Observed, asked: Asked, onHost: OnHost): Desired => {
  const { virtual, spec } = asked
  const missing = missingCopy(onHost.references)
  if (missing !== undefined)
    return {
      ...untouched,
      told: () => ({
        verdict: pendingVerdict(`${missing.kind} ${missing.name} is on its way to the host`, "ReferencePending"),
      }),
    }
  const desired = desiredHostExternalSecret(
    virtual,
    spec,
    onHost.place.location,
    onHost.place.hostSecret,
    observed.host,
  )
  const { served } = observed
  const { leftover } = onHost
  if (leftover !== undefined) {
    // vCluster takes the tenant's labels along to the Secret on the host: one with such a mark ESO would delete there.
    const marked = markedTarget(asked.target)
    if (marked !== undefined)
      return { ...untouched, secrets: { unmark: marked }, told: () => ({ verdict: beingTakenOver }) }
    const { told, wanted } = takeOver(leftover, desired)
    return { ...untouched, leftover: { current: leftover.externalSecret, wanted }, told: () => told }
  }
  if (served === undefined)
    return { ...untouched, copy: desired, told: () => ({ verdict: waitingVerdict(onHost.copy) }) }
  const { copy } = served
  const pair = pairOf(asked, onHost, copy, observed)
  if (isAskedAnew(targets, pair)) return askedAnew(pair, isAccepted(desired, copy, observed) ? "anew" : desired)
  const wanted = asking(pair, desired)
  const overruled = overruledOnHost(copy, wanted, observed.host)
  const back = comeBack(targets, observed, pair, onHost)
  // Without its store there is nothing new; under its name on the host may stand somebody else's before that is seen.
  const isAway = onHost.stores.some(({ host }) => host === undefined)
  const secrets = isAway ? withoutApply(back.secrets) : back.secrets
  return tellOverruled({ copy: wanted, ...back, secrets, secretsFirst: isAskedToFetch(pair) }, virtual, overruled)
}

const withoutApply = ({ apply: _value, ...plan }: SecretPlan): SecretPlan => plan

const failed = (
  { context }: Observed,
  { virtual, target }: Pair,
  failure: EsoFailure,
): Pick<Desired, "status" | "told"> => {
  const told = { reason: messages.errorReason, message: failure.message }
  const there = target.standing ?? target.unmanaged
  return {
    status: failedStatus(virtual, there?.metadata.name, told, context.now()),
    told: () => ({
      verdict: brokenVerdict({ reason: told.reason, message: `${failure.message}: ${failure.detail}` }),
      ...(saysAlready(virtual, told)
        ? {}
        : { notice: { regarding: virtual, type: "Warning", reason: "UpdateFailed", message: failure.detail } }),
    }),
  }
}

const asking = (pair: Pair, desired: KubeObject): KubeObject => {
  const { copy } = pair
  const asked = isAskedToFetch(pair)
    ? stringAt(copy, "status", "refreshTime")
    : copy.metadata.annotations?.[askedAnnotation]
  return withAsked(desired, asked)
}

/** Whether the host has taken what the tenant asks for now. */
const isAccepted = (desired: KubeObject, copy: KubeObject, { host, virtual }: Observed): boolean =>
  toHost(desired, copy, virtual, host).length === 0

/** Of an edit that the host may refuse, the copy of the last accepted spec stays: a copy that goes could not be made again. */
const askedAnew = ({ virtual, target }: Pair, copy: Desired["copy"]): Desired => ({
  ...untouched,
  copy,
  told: () => ({
    verdict: pendingVerdict("the Secret was deleted or edited: External Secrets Operator fetches it anew"),
    ...(target.standing === undefined
      ? { restsOnAbsentSecret: { namespace: virtual.metadata.namespace, name: target.name } }
      : {}),
  }),
})

/** Secret and status, from the host object that is this one's copy. */
const comeBack = (
  targets: TargetSecrets,
  observed: Observed,
  pair: Pair,
  { heard, translate }: OnHost,
): Omit<Desired, "copy"> => {
  const { virtual, copy, target } = pair
  const outcome = secretOutcome(targets, pair)
  const { failure, missing, plan: secrets, unfinished } = outcome
  if (unfinished !== undefined)
    return { secrets, status: undefined, told: () => ({ verdict: pendingVerdict(unfinished) }) }
  if (overridesHost(pair) && failure !== undefined) return { secrets, ...failed(observed, pair, failure) }
  if (overridesHost(pair) && missing === true)
    return {
      secrets,
      status: missingStatus(virtual, copy, translate),
      told: () => ({
        verdict: pendingVerdict(
          `${messages.missing}: there is no Secret ${target.name} to merge into`,
          messages.missingReason,
        ),
      }),
    }
  const cause = () => causeOf(copy, translate, heard)
  return {
    secrets,
    status: hostStatus(copy, target.name, translate),
    told: (pending) => {
      const fix = operatorFix(copy, heard, observed) ?? fetchAgain(virtual)
      return { verdict: verdictOf(copy, translate, pending, fix, cause) }
    },
  }
}

/** @param targets the rules of the Secret in the virtual cluster */
export const desireWith =
  (targets: TargetSecrets) =>
  (observed: Observed, refusal: Refusal | undefined): Desired => {
    const { asked, copies, virtual } = observed
    if (virtual === undefined) return gone(observed)
    if (refusal !== undefined) return refused(targets, observed, virtual, refusal)
    if (asked === undefined) return unselected(observed, virtual)
    const wish = Result.getOrUndefined(asked)
    // One of the checks has refused it.
    if (wish?.onHost === undefined) return { ...untouched, told: untold }
    const missing = wish.onHost.stores.find(({ host }) => host === undefined)
    // One that is there keeps what it has, as in one cluster: ESO tells that the store is gone.
    if (missing !== undefined && copies.length === 0) return withoutStore(observed, virtual, missing)
    return followed(targets, observed, wish, wish.onHost)
  }
