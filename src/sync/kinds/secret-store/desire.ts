/** How a SecretStore should stand in both clusters, by what is known of it and by the rule that it breaks, if any. */
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import type { JsonRecord } from "../../../effects/client/unstructured.ts"
import type { Decision } from "../../engine/actions.ts"
import { causeOf } from "../../external-secrets/involved-object.ts"
import { hostStatus } from "../../external-secrets/host-status.ts"
import { notReady, notSelected, toldRefused } from "../../external-secrets/not-ready.ts"
import { tellOverruled } from "../../external-secrets/overruled.ts"
import { missingCopy } from "../../external-secrets/referents.ts"
import { pendingVerdict, verdictOf } from "../../external-secrets/verdicts.ts"
import type { Fix } from "../../tenancy/object-health.ts"
import { originOf } from "../../tenancy/ownership.ts"
import type { Refusal } from "../../tenancy/refusals.ts"
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
  if (virtual === undefined) return removed(observed, undefined, untold)
  if (refusal !== undefined)
    return removed(observed, notReady(virtual, refusal, observed.context), () => toldRefused(virtual, refusal))
  return onHost === undefined ? unselected(observed, virtual) : followed(observed, virtual, onHost)
}
