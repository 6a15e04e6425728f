/** Rules for any field of a spec: names are names, and what we do not know does not go to the host. */
import { describeValue } from "../../../effects/text/problem-text.ts"
import { isObjectName } from "../../tenancy/names.ts"
import { Refusal } from "../../tenancy/refusals.ts"

/** The API server checks names by the CRD, which a tenant may have replaced; they end up in commands and requests. */
export const judgeName = (path: string, name: string): Refusal | undefined =>
  isObjectName(name)
    ? undefined
    : new Refusal({
        reason: "InvalidSpec",
        message: `${path} ${describeValue(name)} is no name of a Kubernetes object; use at most 253 lowercase letters, digits, "-" and "."`,
      })

/** A field as a step of a path; a tenant chooses it, so what is odd or long is quoted and cut. */
const step = (field: string): string => (/^\w{1,60}$/.test(field) ? `.${field}` : `[${describeValue(field)}]`)

/** The first field of a value that is not among those we know. @param path of the value */
export const unknownField = (
  path: string,
  value: object | undefined,
  known: ReadonlySet<string>,
): Refusal | undefined => {
  const field = Object.keys(value ?? {}).find((key) => !known.has(key))
  return field === undefined
    ? undefined
    : new Refusal({
        reason: "UnknownReference",
        message: `${path}${step(field)} is not known to this version of vcluster-es and may refer to something on the host; remove it`,
      })
}
