/** When an API server says no to a write for good (until something changes), the tenant hears it as a refusal. */
import type { ApiError } from "../../effects/client/api-error.ts"
import { cutText } from "../../effects/text/cut-text.ts"
import type { Action } from "./actions.ts"
import { Refusal } from "../tenancy/refusals.ts"
import type { RefusalReason } from "../tenancy/refusals.ts"

/** Longest part of the server's own text that a condition repeats, in characters: it may quote a tenant's value whole. */
const longest = 1000

/** The reason that a refusal of such a write would have; undefined where the tenant can do nothing about it. */
export const refusalReasonOf = ({ side, resource }: Action): RefusalReason | undefined => {
  switch (`${side}/${resource.plural}`) {
    case "virtual/secrets":
      return "TargetSecretRefused"
    case "host/externalsecrets":
    case "host/secretstores":
      return "RefusedByHost"
    default:
      return undefined
  }
}

const whatOf = (told: "TargetSecretRefused" | "RefusedByHost", { resource }: Action): string =>
  told === "TargetSecretRefused" ? "the Secret cannot be written" : `the host does not take this ${resource.kind}`

/** undefined: another try may succeed by itself, or the fault is the operator's (`user`: rights on the host that we lack). */
export const refusedWrite = (action: Action, { reason, detail }: ApiError): Refusal | undefined => {
  const { side } = action
  const told = refusalReasonOf(action)
  if (told !== "TargetSecretRefused" && told !== "RefusedByHost") return undefined
  const lacksRights = reason._tag === "Forbidden" && reason.user !== undefined && side === "host"
  // The host namespace of a mapped one that is not there (yet): whoever waits should know for what.
  const nowhere = reason._tag === "NotFound" && !reason.resourceMissing && action._tag === "Create"
  const final = nowhere || ((reason._tag === "Invalid" || reason._tag === "Forbidden") && !lacksRights)
  if (!final) return undefined
  return new Refusal({ reason: told, message: `${whatOf(told, action)}: ${cutText(detail, longest)}` })
}
