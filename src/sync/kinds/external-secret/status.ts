/** The statuses by which ESO would have told of the tenant's own Secret, in one cluster. */
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import type { JsonRecord } from "../../../effects/client/unstructured.ts"
import { arrayAt, recordAt, stringAt } from "../../../effects/client/unstructured.ts"
import type { NotReady } from "../../tenancy/conditions.ts"
import { notReadyStatus, translateStatus } from "../../tenancy/conditions.ts"
import { messages } from "../../tenancy/eso-messages.ts"
import type { Translate } from "../../tenancy/message-translation.ts"

/**
 * Besides the condition, a failure of ESO's leaves the status as it was; it names the Secret that it is about, where there is one.
 *
 * @param target undefined: there is none yet
 * @param now RFC 3339
 */
export const failedStatus = (
  virtual: KubeObject,
  target: string | undefined,
  why: NotReady,
  now: string,
): JsonRecord => ({
  ...recordAt(virtual, "status"),
  ...notReadyStatus(virtual, why.reason, why.message, now),
  binding: { name: target ?? stringAt(virtual, "status", "binding", "name") ?? "" },
})

/** There is no Secret to merge into: what the host's status says, but for that. */
export const missingStatus = (virtual: KubeObject, host: KubeObject, translate: Translate): JsonRecord => {
  const status = translateStatus(recordAt(host, "status") ?? {}, "", translate)
  const conditions = arrayAt(status, "conditions").map((condition) =>
    stringAt(condition, "type") === "Ready"
      ? { ...recordAt(condition), reason: messages.missingReason, message: messages.missing }
      : condition,
  )
  return { ...status, conditions, binding: recordAt(virtual, "status", "binding") ?? { name: "" } }
}
