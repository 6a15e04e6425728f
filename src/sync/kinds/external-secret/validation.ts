/**
 * What ESO's validating webhook refuses of an ExternalSecret, in its words (external-secrets v0.20, `apis/externalsecrets/v1/
 * externalsecret_validator.go`). The webhook of the host never sees the tenant's policies (the host object is always Owner), and
 * the virtual cluster need not have one.
 */
import type { ExternalSecretSpec } from "../../external-secrets/external-secret-spec.ts"
import { isRecord, recordAt, stringAt } from "../../../effects/client/unstructured.ts"

const policyErrors = ({ target }: ExternalSecretSpec): ReadonlyArray<string> => {
  const { creationPolicy, deletionPolicy } = target ?? {}
  return [
    ...(deletionPolicy === "Delete" && (creationPolicy === "Merge" || creationPolicy === "None")
      ? [
          "deletionPolicy=Delete must not be used when the controller doesn't own the secret. Please set creationPolicy=Owner",
        ]
      : []),
    ...(deletionPolicy === "Merge" && creationPolicy === "None"
      ? ["deletionPolicy=Merge must not be used with creationPolicy=None. There is no Secret to merge with"]
      : []),
  ]
}

const sourceErrors = (entry: NonNullable<ExternalSecretSpec["dataFrom"]>[number]): ReadonlyArray<string> => {
  const [find, extract] = [recordAt(entry, "find"), recordAt(entry, "extract")]
  const { sourceRef } = entry
  const generator = isRecord(sourceRef?.generatorRef)
  return [
    ...([find !== undefined, extract !== undefined, generator].filter(Boolean).length > 1
      ? ["extract, find, or generatorRef cannot be set at the same time"]
      : []),
    ...(find === undefined && extract === undefined && sourceRef === undefined
      ? ["either extract, find, or sourceRef must be set to dataFrom"]
      : []),
    ...(sourceRef !== undefined && !generator && sourceRef.storeRef === undefined
      ? ["generatorRef or storeRef must be set when using sourceRef in dataFrom"]
      : []),
  ]
}

/** Only under `deletionPolicy: Retain`, which is the default. */
const duplicateErrors = ({ data, target }: ExternalSecretSpec): ReadonlyArray<string> => {
  if ((target?.deletionPolicy ?? "Retain") !== "Retain") return []
  const keys = (data ?? []).map((entry) => stringAt(entry, "secretKey") ?? "")
  return keys.flatMap((key, index) => (keys.indexOf(key) < index ? [`duplicate secretKey found: ${key}`] : []))
}

/** All that the webhook would say, in its order; none when it would let the spec pass. */
export const webhookErrors = (spec: ExternalSecretSpec): ReadonlyArray<string> => [
  ...policyErrors(spec),
  ...((spec.data ?? []).length === 0 && (spec.dataFrom ?? []).length === 0
    ? ["either data or dataFrom should be specified"]
    : []),
  ...(spec.dataFrom ?? []).flatMap(sourceErrors),
  ...duplicateErrors(spec),
]
