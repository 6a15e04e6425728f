/** The host's admission keeps fields otherwise than the tenant asks: the operator's will, told once and not fought (DESIGN §7). */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { JsonRecord } from "../../effects/client/unstructured.ts"
import { arrayAt, recordAt, stringAt } from "../../effects/client/unstructured.ts"
import type { Decision } from "../engine/actions.ts"
import { readyCondition } from "../tenancy/conditions.ts"

const reason = "OverruledByHost"

/** More than these are not named. */
const named = 10

/** What is told of an object, in its status and otherwise. */
export interface Telling {
  /** In the virtual cluster; undefined: as it stands. */
  readonly status: JsonRecord | undefined
  readonly told: (pending: number) => Omit<Decision, "actions">
}

const isReady = (condition: unknown): boolean =>
  stringAt(condition, "type") === "Ready" && stringAt(condition, "status") === "True"

/** ESO's CRDs allow no condition of another type. */
const amended = (status: JsonRecord, note: string): JsonRecord => ({
  ...status,
  conditions: arrayAt(status, "conditions").map((condition) =>
    isReady(condition)
      ? { ...recordAt(condition), message: `${stringAt(condition, "message") ?? ""}; ${note}` }
      : condition,
  ),
})

/**
 * Adds it to what is told of an object whose copy is on the host: to the message of its condition, and by an event when it does not
 * stand there yet.
 *
 * @param fields `spec.refreshInterval`; none: nothing is added
 */
export const tellOverruled = <T extends Telling>(telling: T, virtual: KubeObject, fields: ReadonlyArray<string>): T => {
  const { status, told } = telling
  // Where something is wrong, that is what is told.
  if (fields.length === 0 || status === undefined || !arrayAt(status, "conditions").some(isReady)) return telling
  const more = fields.length > named ? ` and ${fields.length - named} more` : ""
  const note = `the host's admission overrules ${fields.slice(0, named).join(", ")}${more}`
  const isTold = readyCondition(virtual)?.message.endsWith(`; ${note}`) === true
  return {
    ...telling,
    status: amended(status, note),
    told: (pending: number) => ({
      ...(isTold ? {} : { notice: { regarding: virtual, type: "Warning" as const, reason, message: note } }),
      ...told(pending),
    }),
  }
}
