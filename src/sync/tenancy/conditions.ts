/** The `Ready` condition of ESO's objects, and statuses of our own where a rule or a failure keeps ESO from having a say. */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { Translate } from "./message-translation.ts"
import { arrayAt, recordAt, stringAt } from "../../effects/client/unstructured.ts"
import type { JsonRecord } from "../../effects/client/unstructured.ts"

export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
  readonly lastTransitionTime?: string
}

/** `status.conditions[type=Ready]`, where it is there and has the shape of a condition. */
export const readyCondition = (object: KubeObject | undefined): Condition | undefined => {
  const found = arrayAt(object, "status", "conditions").find((entry) => stringAt(entry, "type") === "Ready")
  const status = stringAt(found, "status")
  if (status === undefined) return undefined
  const since = stringAt(found, "lastTransitionTime")
  return {
    type: "Ready",
    status,
    reason: stringAt(found, "reason") ?? "",
    message: stringAt(found, "message") ?? "",
    ...(since === undefined ? {} : { lastTransitionTime: since }),
  }
}

/**
 * A status whose only condition is `Ready=False` with a reason of ours. `lastTransitionTime` is kept while the condition
 * stays False, as the Kubernetes convention has it, so that saying the same again is no change.
 *
 * @param now RFC 3339
 */
export const notReadyStatus = (object: KubeObject, reason: string, message: string, now: string): JsonRecord => {
  const before = readyCondition(object)
  const since = before?.status === "False" ? (before.lastTransitionTime ?? now) : now
  return { conditions: [{ type: "Ready", status: "False", reason, message, lastTransitionTime: since }] }
}

/** What we have to say where ESO has no say. */
export interface NotReady {
  readonly reason: string
  readonly message: string
}

/** Whether the tenant already reads this, so that the event need not be told again (after a restart, say). */
export const saysAlready = (virtual: KubeObject, why: NotReady): boolean => {
  const ready = readyCondition(virtual)
  return ready?.status === "False" && ready.reason === why.reason && ready.message === why.message
}

const translateCondition = (condition: unknown, translate: Translate): unknown => {
  const record = recordAt(condition)
  const message = stringAt(condition, "message")
  return record === undefined || message === undefined ? condition : { ...record, message: translate(message) }
}

/** ESO writes `refreshTime: null` on what has failed, and that stays (the field is nullable). The tenant sees it as absent, which says the same. */
const withoutNulls = (status: JsonRecord): JsonRecord =>
  Object.fromEntries(Object.entries(status).filter(([, value]) => value !== null))

/** Under `creationPolicy: None`, and as long as there was no Secret yet, ESO writes an empty name. */
const translateBinding = (status: JsonRecord, name: string): JsonRecord => {
  const binding = recordAt(status, "binding")
  if (binding === undefined) return {}
  return { binding: { ...binding, name: (stringAt(binding, "name") ?? "") === "" ? "" : name } }
}

/** The host's status as the tenant sees it: the Secret's name in `binding` and host names in messages translated back. */
export const translateStatus = (status: JsonRecord, binding: string, translate: Translate): JsonRecord => ({
  ...withoutNulls(status),
  ...translateBinding(status, binding),
  ...(Object.hasOwn(status, "conditions")
    ? { conditions: arrayAt(status, "conditions").map((condition) => translateCondition(condition, translate)) }
    : {}),
})
