/**
 * An ExternalSecret that is refused, not selected, or going: what it keeps (DESIGN §4). The Secret goes only when ESO in one
 * cluster would let it go; what is on the host goes as soon as it is no longer allowed.
 */
import { Result } from "effect"
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import { matches } from "../../../effects/client/label-selector.ts"
import { acceptedOf } from "../../external-secrets/accepted.ts"
import { restsOnAbsentClusterStore } from "../../external-secrets/absent-cluster-store.ts"
import type { Decision } from "../../engine/actions.ts"
import { otherOperator } from "../../external-secrets/other-operator.ts"
import { abandoned as abandonedBy } from "../../tenancy/vcluster-leftover.ts"
import { hostStatus } from "../../external-secrets/host-status.ts"
import { causeOf } from "../../external-secrets/involved-object.ts"
import { notReady, notSelected, toldRefused } from "../../external-secrets/not-ready.ts"
import type { TargetSecrets } from "../../external-secrets/target-secret.ts"
import { refusedVerdict, verdictOf } from "../../external-secrets/verdicts.ts"
import { readyCondition } from "../../tenancy/conditions.ts"
import { originOf } from "../../tenancy/ownership.ts"
import type { RefusalReason } from "../../tenancy/refusals.ts"
import { Refusal } from "../../tenancy/refusals.ts"
import type { Desired } from "./desired.ts"
import { fetchAgain, pairOf, untold, untouched, withAsked } from "./desired.ts"
import { desiredHostExternalSecret } from "./to-host.ts"
import { askedAnnotation } from "../../tenancy/labels.ts"
import type { Observed, Served } from "./observe.ts"
import type { Asked } from "./observe-asked.ts"
import { judgeServed } from "./policy.ts"
import { secretOutcome } from "./to-virtual.ts"

/** That is how Kubernetes' collector sees it: while another owner lives, the Secret does too. */
const isOnlyOwnedBy = (secret: KubeObject, uid: string | undefined): boolean => {
  const [owner, ...others] = secret.metadata.ownerReferences ?? []
  return owner?.controller === true && owner.uid === uid && others.length === 0
}

const ownSecrets = ({ claimed }: Observed, virtual: KubeObject): ReadonlyArray<KubeObject> =>
  claimed.filter((secret) => isOnlyOwnedBy(secret, virtual.metadata.uid))

/** `""`: there is no Secret that could stay. */
const staysAsItIs = ({ claimed, context }: Observed, virtual: KubeObject): string => {
  if (claimed.length === 0) return ""
  const ready = readyCondition(virtual)
  const since = (ready?.status === "False" ? ready.lastTransitionTime : undefined) ?? context.now()
  const names = claimed.map(({ metadata: { name } }) => name).toSorted()
  return `Secret ${names.join(", ")} stays as it is, without a new value since ${since}`
}

const withClause = (message: string, clause: string): string => (clause === "" ? message : `${message}; ${clause}`)

/** @param meanwhile what its Secret gets while it is refused */
const toldRefusal = (
  { context }: Observed,
  virtual: KubeObject,
  { reason, message, fix }: Refusal,
  meanwhile: string,
): Pick<Desired, "status" | "told"> => {
  const refusal = new Refusal({
    reason,
    message: withClause(message, meanwhile),
    ...(fix === undefined ? {} : { fix }),
  })
  return { status: notReady(virtual, refusal, context), told: () => toldRefused(virtual, refusal) }
}

const authorisations: ReadonlySet<RefusalReason> = new Set([
  "StoreNotImported",
  "StoreKindDisabled",
  "StoreConditionsNotMet",
])

/** Nothing of it is on the host any more. What the tenant has stays, unless the operator's policy says otherwise. */
const withdrawn = (observed: Observed, virtual: KubeObject, refusal: Refusal): Desired => {
  const isRevoked = observed.context.policy.revocation === "Delete" && authorisations.has(refusal.reason)
  return {
    copy: "none",
    secrets: isRevoked ? { remove: ownSecrets(observed, virtual), isRevoked } : {},
    ...toldRefusal(observed, virtual, refusal, isRevoked ? "" : staysAsItIs(observed, virtual)),
  }
}

/** Nothing of it is on the host. A store that is absent is no word of the operator's. */
const neverAccepted = (observed: Observed, virtual: KubeObject, refusal: Refusal): Desired => {
  const asked = observed.asked === undefined ? undefined : Result.getOrUndefined(observed.asked)
  if (asked === undefined || judgeServed(asked.spec, asked.surroundings) !== "store absent")
    return withdrawn(observed, virtual, refusal)
  const { status, told } = toldRefusal(observed, virtual, refusal, staysAsItIs(observed, virtual))
  return { copy: "none", secrets: {}, status, told: (pending) => ({ ...told(pending), ...restsOnAbsentClusterStore }) }
}

/** As in one cluster values stand still until the store is back, and ESO tells that it is gone. Of an edit nothing goes to the host. */
const withoutItsStore = (observed: Observed, virtual: KubeObject, served: Served, refusal: Refusal): Desired => {
  const { asked, copy, generation } = served
  const onHost = asked?.onHost
  if (asked === undefined || onHost === undefined || generation !== (virtual.metadata.generation ?? 0))
    return { ...untouched, ...toldRefusal(observed, virtual, refusal, "what was accepted before stands still") }
  const { heard, place, translate } = onHost
  return {
    ...untouched,
    // As in one cluster, a tenant who asks for it (`force-sync`) makes ESO look.
    copy: withAsked(
      desiredHostExternalSecret(virtual, asked.spec, place.location, place.hostSecret, observed.host),
      copy.metadata.annotations?.[askedAnnotation],
    ),
    status: hostStatus(copy, asked.target.name, translate),
    told: () => {
      const verdict = verdictOf(copy, translate, 0, fetchAgain(virtual), () => causeOf(copy, translate, heard))
      return {
        verdict:
          verdict.health === "synced"
            ? {
                ...refusedVerdict(refusal),
                health: "waiting",
                message: withClause(refusal.message, "values stand still until it comes back"),
              }
            : verdict,
      }
    },
  }
}

/** vCluster writes the target itself: whatever we put there, it would put back. */
const isImportedBy = ({ reason }: Refusal, { asked }: Observed, served: Asked): boolean =>
  reason === "TargetSecretImported" &&
  (asked === undefined || Result.getOrUndefined(asked)?.target.name === served.target.name)

/** The last spec that was accepted goes on being synced. */
const asAccepted = (
  targets: TargetSecrets,
  observed: Observed,
  virtual: KubeObject,
  { asked, copy, generation }: Served,
  refusal: Refusal,
): Desired => {
  if (generation === undefined || asked?.onHost === undefined)
    return { ...untouched, ...toldRefusal(observed, virtual, refusal, "what was accepted before stays on the host") }
  const isSame = generation === (virtual.metadata.generation ?? 0)
  const { status, told } = toldRefusal(
    observed,
    virtual,
    refusal,
    isSame ? "what is on the host goes on" : `generation ${generation} of it goes on being synced`,
  )
  return {
    copy: "as it stands",
    secrets: isImportedBy(refusal, observed, asked)
      ? {}
      : secretOutcome(targets, pairOf(asked, asked.onHost, copy, observed)).plan,
    // But for the condition it is what ESO says: of which refresh the Secret is, above all.
    status: { ...hostStatus(copy, asked.target.name, asked.onHost.translate), ...status },
    told,
  }
}

/** One that another syncer reconciles, or did: its status is that one's to write. */
const leftAlone: Readonly<Partial<Record<RefusalReason, Pick<Desired, "copy">>>> = {
  ManagedByOtherOperator: { copy: "none" },
  OtherOperatorSilent: { copy: "none" },
  HostObjectOfVcluster: { copy: "as it stands" },
}

/** A refusal changes nothing of what was accepted before, as long as that is still allowed. */
export const refused = (targets: TargetSecrets, observed: Observed, virtual: KubeObject, refusal: Refusal): Desired => {
  const { served } = observed
  const others = leftAlone[refusal.reason]
  if (others !== undefined) return { ...untouched, ...others, told: () => ({ verdict: refusedVerdict(refusal) }) }
  if (served === undefined) return neverAccepted(observed, virtual, refusal)
  // Names on the host can be taken anew: what stands there now serves somebody else.
  if (served.drawsOnOthers) return withdrawn(observed, virtual, refusal)
  const why = judgeServed(served.spec, served.surroundings)
  if (why === "store absent") return withoutItsStore(observed, virtual, served, refusal)
  return why === undefined ? asAccepted(targets, observed, virtual, served, refusal) : withdrawn(observed, virtual, why)
}

/**
 * The tenant's own change of labels takes it out of the selector as if it were deleted. When it is the settings that are others
 * now, what it has stays.
 */
export const unselected = (observed: Observed, virtual: KubeObject): Desired => {
  const { claimed, context, copies, served } = observed
  if (copies.length === 0 && claimed.length === 0) return { ...untouched, told: untold }
  const { externalSecrets } = context.settings
  const labels = served?.labels
  const isTenantsWish = labels !== undefined && externalSecrets.enabled && matches(externalSecrets.selector, labels)
  const { reason, message } = notSelected("ExternalSecrets", externalSecrets)
  const why = { reason, message: withClause(message, isTenantsWish ? "" : staysAsItIs(observed, virtual)) }
  return {
    copy: "none",
    secrets: isTenantsWish ? { remove: ownSecrets(observed, virtual) } : {},
    status: notReady(virtual, why, context),
    told: untold,
  }
}

/** Of one that is gone, or as good as that: who holds it still, on either side. */
const heldBy = ({ abandoned, context, leaving }: Observed): Omit<Decision, "actions"> => {
  const refusal =
    leaving === undefined ? abandonedBy("ExternalSecret", abandoned) : otherOperator(leaving, Date.parse(context.now()))
  return { verdict: refusal === undefined ? undefined : refusedVerdict(refusal) }
}

/**
 * It is deleted, or is being deleted. Its Secret is Kubernetes' to collect: not when it is orphaned, and not while another owner
 * lives. ESO itself deletes only what `deletionPolicy: Delete` says, of an orphaned one only where it is quicker than the collector.
 */
export const gone = (observed: Observed): Desired => {
  const { claimed, context, copies, leaving } = observed
  const isOrphaned = leaving?.metadata.finalizers?.includes("orphan") === true
  const doomed = copies.flatMap((copy) => {
    const uid = originOf(copy, context.tenancy)?.uid
    return isOrphaned || uid === undefined || acceptedOf(copy)?.target.deletionPolicy !== "Delete"
      ? []
      : claimed.filter((secret) => isOnlyOwnedBy(secret, uid))
  })
  return { copy: "none", secrets: { remove: doomed }, status: undefined, told: () => heldBy(observed) }
}
