/** When an API server says no to a write for good (until something changes), the tenant hears it as a refusal. */
import type { ApiError } from "../../effects/client/api-error.ts"
import { cutText } from "../../effects/text/cut-text.ts"
import type { Action } from "./actions.ts"
import { Refusal } from "../tenancy/refusals.ts"
import { refusalReasonOf } from "./synced-kind.ts"
import type { SyncedKind } from "./synced-kind.ts"

/** Longest part of the server's own text that a condition repeats, in characters: it may quote a tenant's value whole. */
const longest = 1000

const whatOf = ({ side, resource }: Action): string =>
  side === "virtual" ? `the ${resource.kind} cannot be written` : `the host does not take this ${resource.kind}`

/** undefined: another try may succeed by itself, or the fault is the operator's (`user`: rights on the host that we lack). */
export const refusedWrite = (kind: SyncedKind, action: Action, { reason, detail }: ApiError): Refusal | undefined => {
  const { side } = action
  const told = refusalReasonOf(kind, action)
  if (told === undefined) return undefined
  const lacksRights = reason._tag === "Forbidden" && reason.user !== undefined && side === "host"
  // The host namespace of a mapped one that is not there (yet): whoever waits should know for what.
  const nowhere = reason._tag === "NotFound" && !reason.resourceMissing && action._tag === "Create"
  const final = nowhere || ((reason._tag === "Invalid" || reason._tag === "Forbidden") && !lacksRights)
  if (!final) return undefined
  return new Refusal({ reason: told, message: `${whatOf(action)}: ${cutText(detail, longest)}` })
}
