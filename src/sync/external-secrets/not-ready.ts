/** What a tenant reads on an object of ESO's where a rule of ours, or a failed write, keeps ESO from having a say. */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { LabelSelector } from "../../effects/client/label-selector.ts"
import { toQuery } from "../../effects/client/label-selector.ts"
import type { JsonRecord } from "../../effects/client/unstructured.ts"
import { recordAt } from "../../effects/client/unstructured.ts"
import type { Resource } from "../../effects/client/resource.ts"
import type { Action, Decision } from "../engine/actions.ts"
import { warnOnce } from "../engine/events.ts"
import { writeStatus } from "../engine/status-write.ts"
import type { SyncContext } from "../engine/context.ts"
import type { NotReady } from "../tenancy/conditions.ts"
import { notReadyStatus } from "../tenancy/conditions.ts"
import type { Refusal } from "../tenancy/refusals.ts"
import { refusedVerdict } from "./verdicts.ts"

/** @param kinds in the plural, for the message */
export const notSelected = (
  kinds: string,
  { enabled, selector }: { readonly enabled: boolean; readonly selector: LabelSelector },
): NotReady => ({
  reason: "NotSelected",
  message: enabled
    ? `not synced: the labels do not match the selector ${toQuery(selector)} of this vCluster`
    : `not synced: ${kinds} are switched off in the settings of this vCluster`,
})

/** A status that says so, in the place of what ESO says. */
export const notReady = (
  virtual: KubeObject,
  { reason, message }: NotReady,
  { now }: Pick<SyncContext, "now">,
): JsonRecord => notReadyStatus(virtual, reason, message, now())

/** What people are told of an object that a rule refuses. */
export const toldRefused = (virtual: KubeObject, refusal: Refusal): Omit<Decision, "actions"> => ({
  verdict: refusedVerdict(refusal),
  ...warnOnce(virtual, refusal),
})

/**
 * An API server did not take a write. The tenant is told, in the place of what ESO says, and then it is tried again: what it
 * objects to may be over.
 *
 * @param resource of the virtual object
 * @param actions what is to be written
 * @param now RFC 3339
 */
export const toldFirst = (
  resource: Resource,
  virtual: KubeObject,
  refusal: Refusal,
  actions: ReadonlyArray<Action>,
  now: string,
): Decision => ({
  actions: [
    // As with ESO, the rest of it goes on telling of the last refresh.
    ...writeStatus(resource, virtual, {
      ...recordAt(virtual, "status"),
      ...notReadyStatus(virtual, refusal.reason, refusal.message, now),
    }),
    ...actions.filter(({ _tag }) => _tag !== "Status"),
  ],
  ...toldRefused(virtual, refusal),
})
