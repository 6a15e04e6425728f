/**
 * ExternalSecret status, host → virtual. What ESO says on the host, in the tenant's names; or, where a rule of ours or a
 * failed write keeps ESO from having a say, a `Ready=False` condition that says so.
 */
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import type { Action } from "../../engine/actions.ts"
import type { NotReady } from "../../tenancy/conditions.ts"
import { notReadyStatus, translateStatus } from "../../tenancy/conditions.ts"
import { messages } from "../../tenancy/eso-messages.ts"
import type { Translate } from "../../tenancy/message-translation.ts"
import { arrayAt, recordAt, stringAt } from "../../../effects/client/unstructured.ts"
import { writeStatus } from "../../engine/status-write.ts"
import { externalSecrets } from "../../resources.ts"

/** @param now RFC 3339 */
export const statusNotReady = (
  virtual: KubeObject,
  why: NotReady,
  virtualVersion: string,
  now: string,
): ReadonlyArray<Action> =>
  writeStatus(externalSecrets(virtualVersion), virtual, notReadyStatus(virtual, why.reason, why.message, now))

/** Besides the condition, a failure of ESO's leaves the status as it was; it names the Secret that it is about. */
export const statusFailed = (
  virtual: KubeObject,
  target: string,
  why: NotReady,
  virtualVersion: string,
  now: string,
): ReadonlyArray<Action> =>
  writeStatus(externalSecrets(virtualVersion), virtual, {
    ...recordAt(virtual, "status"),
    ...notReadyStatus(virtual, why.reason, why.message, now),
    binding: { name: target },
  })

/** There is no Secret to merge into: what the host's status says, but for that. */
export const statusMissing = (
  virtual: KubeObject,
  host: KubeObject,
  translate: Translate,
  virtualVersion: string,
): ReadonlyArray<Action> => {
  const status = translateStatus(recordAt(host, "status") ?? {}, "", translate)
  const conditions = arrayAt(status, "conditions").map((condition) =>
    stringAt(condition, "type") === "Ready"
      ? { ...recordAt(condition), reason: messages.missingReason, message: messages.missing }
      : condition,
  )
  const binding = recordAt(virtual, "status", "binding") ?? { name: "" }
  return writeStatus(externalSecrets(virtualVersion), virtual, { ...status, conditions, binding })
}

/** Nothing until ESO has said something: an absent status on the host is not news. */
export const statusFromHost = (
  virtual: KubeObject,
  host: KubeObject,
  target: string,
  translate: Translate,
  virtualVersion: string,
): ReadonlyArray<Action> => {
  const status = recordAt(host, "status")
  return status === undefined || Object.keys(status).length === 0
    ? []
    : writeStatus(externalSecrets(virtualVersion), virtual, translateStatus(status, target, translate))
}
