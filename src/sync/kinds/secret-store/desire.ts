/** How a SecretStore should stand in both clusters, by what is known of it and by the rule that it breaks, if any. */
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import type { JsonRecord } from "../../../effects/client/unstructured.ts"
import type { Decision } from "../../engine/actions.ts"
import { acceptedGeneration } from "../../external-secrets/accepted.ts"
import { baseOf } from "../../external-secrets/agreed-base.ts"
import { causeOf } from "../../external-secrets/involved-object.ts"
import { hostStatus } from "../../external-secrets/host-status.ts"
import { notReady, notSelected, toldRefused } from "../../external-secrets/not-ready.ts"
import { tellOverruled } from "../../external-secrets/overruled.ts"
import { missingCopy } from "../../external-secrets/referents.ts"
import { pendingVerdict, refusedVerdict, verdictOf } from "../../external-secrets/verdicts.ts"
import type { Fix } from "../../tenancy/object-health.ts"
import { originOf } from "../../tenancy/ownership.ts"
import { Refusal } from "../../tenancy/refusals.ts"
import { abandoned } from "../../tenancy/vcluster-leftover.ts"
import { judgeSpec } from "./judge.ts"
import type { Observed, OnHost } from "./observe.ts"
import type { Agreement } from "./to-host.ts"
import { agreementOf, overruledOnHost } from "./to-host.ts"

type Told = Omit<Decision, "actions">

export interface Desired {
  /** Copies that should not be there. */
  readonly remove: ReadonlyArray<KubeObject>
  /** What both sides are to hold; undefined: each what it does. */
  readonly agreement: Agreement | undefined
  /** In the virtual cluster; undefined: as it stands. */
  readonly status: JsonRecord | undefined
  /** @param pending writes that are still to be made, but for deletions */
  readonly told: (pending: number) => Told
}

const untold: Desired["told"] = () => ({ verdict: undefined })

const removed = (observed: Observed, status: JsonRecord | undefined, told: Desired["told"]): Desired => ({
  remove: observed.copies,
  agreement: undefined,
  status,
  told,
})

const unselected = (observed: Observed, virtual: KubeObject): Desired => {
  if (observed.copies.length === 0) return removed(observed, undefined, untold)
  const why = notSelected("SecretStores", observed.context.settings.stores)
  return removed(observed, notReady(virtual, why, observed.context), untold)
}

const lookAtStore = ({ metadata: { name, namespace } }: KubeObject): Fix => ({
  text: "see what the provider answers, and what the spec refers to",
  command: `kubectl describe secretstore ${name} -n ${namespace}`,
})

/**
 * A refusal changes nothing of what was accepted before, as long as that is still allowed: values that come from the store do not
 * stop for a mistake in an edit.
 */
const refused = (observed: Observed, virtual: KubeObject, refusal: Refusal): Desired => {
  const { context, copies, onHost } = observed
  const copy = onHost?.copy
  const base = copy === undefined ? undefined : baseOf(copy)
  const stays =
    copy !== undefined &&
    base !== undefined &&
    copy.metadata.deletionTimestamp === undefined &&
    originOf(copy, context.tenancy)?.uid === virtual.metadata.uid &&
    judgeSpec({ ...virtual, spec: base }, context) === undefined
  if (!stays) return removed(observed, notReady(virtual, refusal, context), () => toldRefused(virtual, refusal))
  const { fix, message, reason } = refusal
  const told = new Refusal({
    reason,
    message: `${message}; generation ${acceptedGeneration(copy) ?? "before"} of it stays on the host`,
    ...(fix === undefined ? {} : { fix }),
  })
  return {
    remove: copies.filter((each) => each !== copy),
    agreement: undefined,
    status: notReady(virtual, told, context),
    told: () => toldRefused(virtual, told),
  }
}

/** The normal case: the spec may go to the host, and ESO's word on it comes back. */
const followed = (observed: Observed, virtual: KubeObject, onHost: OnHost): Desired => {
  const { context, copies, service } = observed
  const { copy, heard, location, references, translate } = onHost
  if (copy !== undefined && originOf(copy, context.tenancy)?.uid !== virtual.metadata.uid)
    return removed(observed, undefined, () => ({
      verdict: pendingVerdict("the host's former copy is being deleted", "HostDeletionPending"),
    }))
  const remove = copies.filter((each) => each !== copy)
  const missing = missingCopy(references)
  if (missing !== undefined)
    return {
      remove,
      agreement: undefined,
      status: undefined,
      told: () => ({
        verdict: pendingVerdict(`${missing.kind} ${missing.name} is on its way to the host`, "ReferencePending"),
      }),
    }
  const agreement = agreementOf(virtual, copy, location, service, context)
  if (copy === undefined)
    return {
      remove,
      agreement,
      status: undefined,
      told: () => ({ verdict: pendingVerdict("not on the host yet", "NotOnHost") }),
    }
  const { overruled } = agreement
  const desired: Desired = {
    remove,
    agreement,
    status: hostStatus(copy, "", translate),
    told: (pending) => ({
      verdict: verdictOf(copy, translate, pending, lookAtStore(virtual), () => causeOf(copy, translate, heard)),
      ...(overruled === undefined
        ? {}
        : { notice: { regarding: virtual, type: "Warning", reason: "HostEditOverruled", message: overruled } }),
    }),
  }
  return tellOverruled(desired, virtual, overruledOnHost(copy, agreement, service, context))
}

export const desire = (observed: Observed, refusal: Refusal | undefined): Desired => {
  const { virtual, onHost } = observed
  if (virtual === undefined) {
    const left = abandoned("SecretStore", observed.abandoned)
    return removed(observed, undefined, () => ({ verdict: left === undefined ? undefined : refusedVerdict(left) }))
  }
  // Another syncer's, maybe still: its status is that one's to write.
  if (refusal?.reason === "HostObjectOfVcluster")
    return { remove: [], agreement: undefined, status: undefined, told: () => ({ verdict: refusedVerdict(refusal) }) }
  if (refusal !== undefined) return refused(observed, virtual, refusal)
  return onHost === undefined ? unselected(observed, virtual) : followed(observed, virtual, onHost)
}
