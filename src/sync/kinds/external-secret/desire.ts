/** How an ExternalSecret should stand in both clusters, by what is known of it and by the rule that it breaks, if any. */
import { Result } from "effect"
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import type { JsonRecord } from "../../../effects/client/unstructured.ts"
import type { Decision } from "../../engine/actions.ts"
import { warnOnce } from "../../engine/events.ts"
import { restsOnAbsentClusterStore } from "../../external-secrets/absent-cluster-store.ts"
import { causeOf } from "../../external-secrets/involved-object.ts"
import { hostStatus } from "../../external-secrets/host-status.ts"
import { notReady, notSelected, toldRefused } from "../../external-secrets/not-ready.ts"
import { missingCopy } from "../../external-secrets/referents.ts"
import type { TargetSecrets } from "../../external-secrets/target-secret.ts"
import {
  brokenVerdict,
  pendingVerdict,
  refusedVerdict,
  verdictOf,
  waitingVerdict,
} from "../../external-secrets/verdicts.ts"
import { readyCondition, saysAlready } from "../../tenancy/conditions.ts"
import { messages } from "../../tenancy/eso-messages.ts"
import type { EsoFailure } from "../../tenancy/eso-messages.ts"
import type { Fix } from "../../tenancy/object-health.ts"
import { controllerOf, originOf } from "../../tenancy/ownership.ts"
import type { Refusal } from "../../tenancy/refusals.ts"
import type { Asked, Observed, ObservedStore, OnHost } from "./observe.ts"
import { failedStatus, missingStatus } from "./status.ts"
import { desiredHostExternalSecret, toHost } from "./to-host.ts"
import type { Pair, SecretPlan } from "./to-virtual.ts"
import { isAskedAnew, overridesHost, secretOutcome } from "./to-virtual.ts"

type Told = Omit<Decision, "actions">

export interface Desired {
  /** On the host. "anew": the copy goes with the Secret that ESO made of it, so that another one is made. */
  readonly copy: KubeObject | "none" | "as it stands" | "anew"
  readonly secrets: SecretPlan
  /** In the virtual cluster; undefined: as it stands. */
  readonly status: JsonRecord | undefined
  /** @param pending writes in the virtual cluster that are still to be made */
  readonly told: (pending: number) => Told
}

const untold: Desired["told"] = () => ({ verdict: undefined })

/** Nothing of ours on the host, and in the virtual cluster not what Kubernetes would collect with its owner. */
const removed = ({ claimed }: Observed): Pick<Desired, "copy" | "secrets"> => ({
  copy: "none",
  secrets: { remove: claimed.filter((secret) => controllerOf(secret) !== undefined) },
})

const untouched = { copy: "as it stands", secrets: {}, status: undefined } as const

const refused = (observed: Observed, virtual: KubeObject, refusal: Refusal): Desired =>
  refusal.reason === "ManagedByOtherOperator"
    ? { ...untouched, copy: "none", told: () => ({ verdict: refusedVerdict(refusal) }) }
    : {
        ...removed(observed),
        status: notReady(virtual, refusal, observed.context),
        told: () => ({
          ...toldRefused(virtual, refusal),
          ...(refusal.reason === "StoreNotImported" ? restsOnAbsentClusterStore : {}),
        }),
      }

const unselected = (observed: Observed, virtual: KubeObject): Desired => {
  if (observed.copies.length === 0 && observed.claimed.length === 0) return { ...untouched, told: untold }
  const why = notSelected("ExternalSecrets", observed.context.settings.externalSecrets)
  return { ...removed(observed), status: notReady(virtual, why, observed.context), told: untold }
}

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

/** The copy is there, is of this very object, and stays. */
const isSettled = (copy: KubeObject | undefined, virtual: KubeObject, { context }: Observed): copy is KubeObject =>
  copy !== undefined &&
  copy.metadata.deletionTimestamp === undefined &&
  originOf(copy, context.tenancy)?.uid === virtual.metadata.uid

/** The normal case: the spec may go to the host, and what ESO makes of it comes back. */
const followed = (targets: TargetSecrets, observed: Observed, asked: Asked, onHost: OnHost): Desired => {
  const { virtual, spec, target } = asked
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
  const { copy, made: source } = onHost
  if (!isSettled(copy, virtual, observed))
    return { ...untouched, copy: desired, told: () => ({ verdict: waitingVerdict(copy) }) }
  const pair = { virtual, spec, target, copy, source, claimed: observed.claimed }
  if (isAskedAnew(pair)) return askedAnew(pair, isAccepted(desired, copy, observed) ? "anew" : desired)
  return { copy: desired, ...comeBack(targets, observed, pair, onHost) }
}

const fetchAgain = ({ metadata: { name, namespace } }: KubeObject): Fix => ({
  text: "see the store and the provider's answer; then fetch again",
  command: `kubectl annotate externalsecret ${name} -n ${namespace} force-sync=$(date +%s) --overwrite`,
})

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

/** Whether the host has taken what the tenant asks for now. */
const isAccepted = (desired: KubeObject, copy: KubeObject, { host, virtual }: Observed): boolean =>
  toHost(desired, copy, virtual, host).length === 0

/** Of an edit that the host may refuse, the copy of the last accepted spec stays: a copy that goes could not be made again. */
const askedAnew = ({ virtual, target }: Pair, copy: Desired["copy"]): Desired => ({
  ...untouched,
  copy,
  told: () => ({
    verdict: pendingVerdict("the Secret was deleted: External Secrets Operator fetches it anew"),
    restsOnAbsentSecret: { namespace: virtual.metadata.namespace, name: target.name },
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
    told: (pending) => ({ verdict: verdictOf(copy, translate, pending, fetchAgain(virtual), cause) }),
  }
}

/** @param targets the rules of the Secret in the virtual cluster */
export const desireWith =
  (targets: TargetSecrets) =>
  (observed: Observed, refusal: Refusal | undefined): Desired => {
    const { asked, copies, virtual } = observed
    if (virtual === undefined) return { ...removed(observed), status: undefined, told: untold }
    if (refusal !== undefined) return refused(observed, virtual, refusal)
    if (asked === undefined) return unselected(observed, virtual)
    const wish = Result.getOrUndefined(asked)
    // One of the checks has refused it.
    if (wish?.onHost === undefined) return { ...untouched, told: untold }
    const missing = wish.onHost.stores.find(({ host }) => host === undefined)
    // One that is there keeps what it has, as in one cluster: ESO tells that the store is gone.
    if (missing !== undefined && copies.length === 0) return withoutStore(observed, virtual, missing)
    return followed(targets, observed, wish, wish.onHost)
  }
