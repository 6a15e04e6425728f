/** How an object stands whose copy ESO has on the host, in one verdict. */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { Fix } from "../tenancy/object-health.ts"
import type { Verdict } from "../engine/actions.ts"
import { readyCondition } from "../tenancy/conditions.ts"
import type { Translate } from "../tenancy/message-translation.ts"
import type { Refusal } from "../tenancy/refusals.ts"
import { explained } from "./involved-object.ts"

export const refusedVerdict = (refusal: Refusal): Verdict => ({
  health: "refused",
  reason: refusal.reason,
  message: refusal.message,
  ...(refusal.fix === undefined ? {} : { fix: refusal.fix }),
})

/** @param current the host copy, which is not (or no longer) the copy of this very object */
export const waitingVerdict = (current: KubeObject | undefined): Verdict =>
  current?.metadata.deletionTimestamp === undefined
    ? { health: "waiting", reason: "NotOnHost", message: "not on the host yet" }
    : {
        health: "waiting",
        reason: "HostDeletionPending",
        message: "the host's former copy is being deleted: External Secrets Operator has not released it yet",
      }

/** Somebody else's move, or a write of ours that is still to be made. */
export const pendingVerdict = (message: string, reason = "Pending"): Verdict => ({ health: "waiting", reason, message })

export const brokenVerdict = (why: { readonly reason: string; readonly message: string }): Verdict => ({
  health: "broken",
  ...why,
})

/**
 * @param current the host copy
 * @param translate to the tenant's names
 * @param pending writes that are still to be made
 * @param fix what to do where ESO complains
 * @param cause of an error, in the tenant's names; asked for only where there is one
 */
export const verdictOf = (
  current: KubeObject,
  translate: Translate,
  pending: number,
  fix: Fix,
  cause: () => string | undefined,
): Verdict => {
  const ready = readyCondition(current)
  if (ready === undefined)
    return pendingVerdict("External Secrets Operator on the host has not answered yet", "WaitingForOperator")
  const since = ready.lastTransitionTime === undefined ? {} : { since: ready.lastTransitionTime }
  const message = translate(ready.message)
  if (ready.status !== "True")
    return { health: "broken", reason: ready.reason, message: explained(message, cause()), ...since, fix }
  return pending === 0
    ? { health: "synced", reason: ready.reason, message, ...since }
    : pendingVerdict("changes are on their way")
}
