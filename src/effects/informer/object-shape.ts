/**
 * The shape that everybody counts on who reads an object from a cache. kube-apiserver sees to it for the kinds that it serves itself; an
 * API group may as well be served by somebody else's server (API aggregation), which answers what it likes.
 */
import { isRecord } from "../client/unstructured.ts"

const longestName = 253

/** What can stand in a path (apimachinery, `IsValidPathSegmentName`): the most that any kind allows. */
const isSegment = (name: string): boolean =>
  name !== "" && name.length <= longestName && name !== "." && name !== ".." && !/[/%\s]/u.test(name)

/** A DNS label, as every namespace is named. */
const isNamespace = (name: string): boolean => /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/u.test(name)

/** Of an optional field; Go writes an empty map or list as null where nobody told it to leave it out. */
const orNothing =
  (holds: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === undefined || value === null || holds(value)

const isText = (value: unknown): boolean => typeof value === "string"
const isTextMap = (value: unknown): boolean => isRecord(value) && Object.values(value).every(isText)
const isTextList = (value: unknown): boolean => Array.isArray(value) && value.every(isText)
const isOwner = (value: unknown): boolean =>
  isRecord(value) && [value["apiVersion"], value["kind"], value["name"], value["uid"]].every(isText)

const fields: ReadonlyArray<readonly [field: string, holds: (value: unknown) => boolean, wanted: string]> = [
  ["uid", (value) => value === undefined || isText(value), "a text"],
  ["resourceVersion", (value) => value === undefined || isText(value), "a text"],
  ["deletionTimestamp", (value) => value === undefined || isText(value), "a time"],
  ["labels", orNothing(isTextMap), "a map of texts"],
  ["annotations", orNothing(isTextMap), "a map of texts"],
  ["finalizers", orNothing(isTextList), "a list of texts"],
  ["ownerReferences", orNothing((value) => Array.isArray(value) && value.every(isOwner)), "a list of owners"],
]

/** Why an object cannot be told from others; undefined: it has a name, and a namespace that can be one. */
export const whyNameless = (object: unknown): string | undefined => {
  const metadata = isRecord(object) ? object["metadata"] : undefined
  if (!isRecord(metadata)) return "it has no metadata"
  const { name, namespace } = metadata
  if (typeof name !== "string" || !isSegment(name)) return "metadata.name is no name"
  if (namespace === undefined || namespace === "") return undefined
  return typeof namespace === "string" && isNamespace(namespace) ? undefined : "metadata.namespace is no namespace"
}

/** Why an object is not what it should be, in a few words; undefined: it is. */
export const whyMalformed = (object: unknown): string | undefined => {
  const nameless = whyNameless(object)
  if (nameless !== undefined) return nameless
  const metadata = isRecord(object) && isRecord(object["metadata"]) ? object["metadata"] : {}
  const broken = fields.find(([field, holds]) => !holds(metadata[field]))
  return broken === undefined ? undefined : `metadata.${broken[0]} is not ${broken[2]}`
}
