/**
 * Which parts of a Secret our field manager applied, read from `metadata.managedFields` (Kubernetes, "Server-Side Apply").
 *
 * The cache drops managedFields, the largest part of a small object; `summarizeAppliedFields` runs before that, as the
 * reflector's transform, and leaves the few names that decisions need.
 */
import type { KubeObject } from "../../effects/kube-object.ts"
import { arrayAt, recordAt, valueAt } from "./json.ts"

/** As every write names it (`fieldManager`). */
export const fieldManager = "vcluster-es"

export interface AppliedFields {
  readonly data: ReadonlySet<string>
  readonly labels: ReadonlySet<string>
  readonly annotations: ReadonlySet<string>
}

const none: AppliedFields = { data: new Set(), labels: new Set(), annotations: new Set() }

/** Where the summary stands on a cached object; no API server ever sends or gets this field. */
const summaryField = "x-vcluster-es-applied"

/** `{"f:a": {}, "f:b": {}, ".": {}}` → a, b (FieldsV1). */
const fieldNames = (fields: unknown): Array<string> =>
  Object.keys(recordAt(fields) ?? {}).flatMap((key) => (key.startsWith("f:") ? [key.slice(2)] : []))

export const summarizeAppliedFields = (object: KubeObject): KubeObject => {
  const entry = arrayAt(object, "metadata", "managedFields").find(
    (candidate) =>
      valueAt(candidate, "manager") === fieldManager &&
      valueAt(candidate, "operation") === "Apply" &&
      valueAt(candidate, "subresource") === undefined,
  )
  const fields = valueAt(entry, "fieldsV1")
  return {
    ...object,
    [summaryField]: {
      data: fieldNames(valueAt(fields, "f:data")),
      labels: fieldNames(valueAt(fields, "f:metadata", "f:labels")),
      annotations: fieldNames(valueAt(fields, "f:metadata", "f:annotations")),
    },
  }
}

const names = (summary: unknown, field: string): ReadonlySet<string> =>
  new Set(arrayAt(summary, field).filter((name) => typeof name === "string"))

/** What we applied to a cached Secret; nothing for one that we never wrote. */
export const appliedFields = (cached: KubeObject): AppliedFields => {
  const summary = valueAt(cached, summaryField)
  return summary === undefined
    ? none
    : { data: names(summary, "data"), labels: names(summary, "labels"), annotations: names(summary, "annotations") }
}
