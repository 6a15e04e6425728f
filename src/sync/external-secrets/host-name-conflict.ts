/** Whose object stands on the host under the name that the copy of a tenant's one needs. */
import type { KubeObject, ObjectKey } from "../../effects/client/kube-object.ts"
import type { HostLocation } from "../tenancy/names.ts"
import type { Tenancy } from "../tenancy/ownership.ts"
import { originOf } from "../tenancy/ownership.ts"
import { Refusal } from "../tenancy/refusals.ts"
import { handOverFix, isLeftoverOf } from "../tenancy/vcluster-leftover.ts"

const article = (kind: string): string => (/^[AEIOU]/.test(kind) ? "an" : "a")

/** Nobody has to rename anything: what has the name is on its way out. */
export const isGoing = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined

/** What is to be told while it lasts. The end of it is an event, by which the key comes back. */
export const stillThere = (what: string): string =>
  `${what} is still being deleted on the host; this one goes there as soon as that is over`

/**
 * Names are not injective and the host namespace is shared: what stands under the name that we need must be ours (DESIGN §3, §6).
 *
 * @param object the virtual object, and what a tenant would have to rename
 * @param standing what stands at the location, if anything does
 */
export const hostNameConflict = (
  kind: string,
  object: { readonly key: ObjectKey; readonly called: string },
  location: HostLocation,
  standing: KubeObject | undefined,
  tenancy: Tenancy,
): Refusal | undefined => {
  if (standing === undefined) return undefined
  const origin = originOf(standing, tenancy)
  if (origin === undefined && isLeftoverOf(standing, object.key, tenancy))
    return new Refusal({
      reason: "HostObjectOfVcluster",
      message: `the host already has ${article(kind)} ${kind} ${location.name} that vCluster's own integration made; it goes on as it is until the operator hands it over`,
      fix: handOverFix(kind.toLowerCase(), standing),
    })
  if (origin === undefined)
    return new Refusal({
      reason: "HostObjectNotOurs",
      message: `the host already has ${article(kind)} ${kind} ${location.name} that does not belong to this vCluster; rename ${object.called}`,
    })
  if (origin.key === object.key) return undefined
  return new Refusal({
    reason: "HostNameTaken",
    message: isGoing(standing)
      ? stillThere(`the copy of ${kind} ${origin.key}, which had the same host name ${location.name},`)
      : `${kind} ${origin.key} translates to the same host name ${location.name}; rename one of the two`,
  })
}
