/**
 * Which parts of a Secret we applied, read from `metadata.managedFields` (Kubernetes, "Server-Side Apply").
 *
 * Each ExternalSecret writes under a field manager of its own, as it does with ESO: two of them may merge into one Secret, and
 * neither may drop what the other put there. The cache drops managedFields, the largest part of a small object;
 * `summarizeAppliedFields` runs before that, as the reflector's transform, and leaves the few names that decisions need.
 */
import { createHash } from "node:crypto"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { JsonRecord } from "../../effects/client/unstructured.ts"
import { arrayAt, isRecord, recordAt, stringAt, valueAt } from "../../effects/client/unstructured.ts"

/** As every write names it (`fieldManager`) that is not made for one ExternalSecret. */
export const fieldManager = "vcluster-es"

const prefix = `${fieldManager}/`
/** Longest name that the API server takes (`FieldManagerMaxLength`), in characters. */
const longest = 128

/** The field manager for what the ExternalSecret of this name writes in its namespace. */
export const managerFor = (externalSecret: string): string =>
  prefix.length + externalSecret.length <= longest
    ? prefix + externalSecret
    : prefix + createHash("sha256").update(externalSecret).digest("hex")

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

const isOurs = (entry: unknown): boolean =>
  stringAt(entry, "manager")?.startsWith(prefix) === true &&
  valueAt(entry, "operation") === "Apply" &&
  valueAt(entry, "subresource") === undefined

export const summarizeAppliedFields = (object: KubeObject): KubeObject => ({
  ...object,
  [summaryField]: arrayAt(object, "metadata", "managedFields")
    .filter(isOurs)
    .map((entry) => {
      const fields = valueAt(entry, "fieldsV1")
      return {
        manager: stringAt(entry, "manager"),
        data: fieldNames(valueAt(fields, "f:data")),
        labels: fieldNames(valueAt(fields, "f:metadata", "f:labels")),
        annotations: fieldNames(valueAt(fields, "f:metadata", "f:annotations")),
      }
    }),
})

const names = (summaries: ReadonlyArray<unknown>, field: string): ReadonlySet<string> =>
  new Set(summaries.flatMap((summary) => arrayAt(summary, field)).filter((name) => typeof name === "string"))

const fieldsIn = (summaries: ReadonlyArray<unknown>): AppliedFields =>
  summaries.length === 0
    ? none
    : {
        data: names(summaries, "data"),
        labels: names(summaries, "labels"),
        annotations: names(summaries, "annotations"),
      }

const summaries = (cached: KubeObject): ReadonlyArray<unknown> => arrayAt(cached, summaryField).filter(isRecord)

/** What a manager of ours applied to a cached Secret; nothing for one that it never wrote. */
export const appliedFields = (cached: KubeObject, manager: string): AppliedFields =>
  fieldsIn(summaries(cached).filter((summary) => valueAt(summary, "manager") === manager))

/** What the managers of other ExternalSecrets applied to it. */
export const appliedByOthers = (cached: KubeObject, manager: string): AppliedFields =>
  fieldsIn(summaries(cached).filter((summary) => valueAt(summary, "manager") !== manager))

/** Who wrote what of a host copy, as FieldsV1 of its labels, annotations and spec. */
export interface WrittenFields {
  /** What we wrote and nobody has changed or removed since; none: the account is not known. */
  readonly ours: ReadonlyArray<JsonRecord>
  readonly others: ReadonlyArray<JsonRecord>
}

/** As the summary above. */
const writersField = "x-vcluster-es-writers"

const isWrittenByUs = (entry: unknown): boolean =>
  stringAt(entry, "manager") === fieldManager && valueAt(entry, "operation") === "Update"

const accountOf = (entry: unknown): JsonRecord => {
  const part = (...path: ReadonlyArray<string>): JsonRecord => {
    const field = path.at(-1) ?? ""
    const found = recordAt(valueAt(entry, "fieldsV1"), ...path)
    return found === undefined ? {} : { [field]: found }
  }
  return {
    "f:metadata": { ...part("f:metadata", "f:labels"), ...part("f:metadata", "f:annotations") },
    ...part("f:spec"),
  }
}

/** Before the cache drops managedFields: what decisions need of them about a host copy. */
export const summarizeWriters = (object: KubeObject): KubeObject => {
  const entries = arrayAt(object, "metadata", "managedFields").filter(
    (entry) => valueAt(entry, "subresource") === undefined,
  )
  return {
    ...object,
    [writersField]: {
      ours: entries.filter(isWrittenByUs).map(accountOf),
      others: entries.filter((entry) => !isWrittenByUs(entry)).map(accountOf),
    },
  }
}

export const writtenFields = (cached: KubeObject): WrittenFields => ({
  ours: arrayAt(cached, writersField, "ours").filter(isRecord),
  others: arrayAt(cached, writersField, "others").filter(isRecord),
})
