/** Lists in pages (Kubernetes API concepts, "Retrieving large results sets in chunks"). */
import { Effect, Predicate } from "effect"
import type { ApiError } from "./api-error.ts"
import type { ObjectList } from "./kube-client.ts"
import type { KubeObject } from "./kube-object.ts"
import { apiVersionOf } from "./resource.ts"
import type { Resource } from "./resource.ts"

export const pageSize = 500

export interface Page extends ObjectList {
  /** Empty: this was the last page. */
  readonly continue: string
}

export const isObject = (value: unknown): value is KubeObject =>
  Predicate.hasProperty(value, "metadata") &&
  Predicate.hasProperty(value.metadata, "name") &&
  typeof value.metadata.name === "string"

/**
 * With apiVersion and kind of the resource: items of lists of built-in kinds come without, and `PartialObjectMetadata` names itself
 * instead of the object.
 */
export const identified = (value: KubeObject, resource: Resource): KubeObject => {
  const apiVersion = apiVersionOf(resource)
  return value.kind === resource.kind && value.apiVersion === apiVersion
    ? value
    : { ...value, apiVersion, kind: resource.kind }
}

const textAt = (value: unknown, field: string): string => {
  const found = Predicate.hasProperty(value, field) ? value[field] : undefined
  return typeof found === "string" ? found : ""
}

/** @returns undefined: this is no list */
export const readPage = (value: unknown, resource: Resource): Page | undefined => {
  if (!Predicate.hasProperty(value, "metadata") || !Predicate.hasProperty(value, "items")) return undefined
  const { metadata } = value
  // Go writes an empty list of a CRD's objects as `[]`, some aggregated API servers as null.
  const items: ReadonlyArray<unknown> | undefined =
    value.items === null ? [] : Array.isArray(value.items) ? value.items : undefined
  if (items === undefined) return undefined
  const named = items.filter(isObject)
  const nameless = items.length - named.length
  const resourceVersion = textAt(metadata, "resourceVersion")
  // One bad item must not hide all others; what has not even a version is somebody else's answer.
  if (nameless > 0 && resourceVersion === "") return undefined
  return {
    items: named.map((item) => identified(item, resource)),
    resourceVersion,
    continue: textAt(metadata, "continue"),
    ...(nameless === 0 ? {} : { nameless }),
  }
}

const joined = (pages: ReadonlyArray<Page>, resourceVersion: string): ObjectList => {
  const nameless = pages.reduce((sum, page) => sum + (page.nameless ?? 0), 0)
  return { items: pages.flatMap(({ items }) => items), resourceVersion, ...(nameless === 0 ? {} : { nameless }) }
}

/**
 * All pages, one after the other; they are one snapshot. Where that was compacted away meanwhile (410 on a later page), one list
 * without pages.
 *
 * @param fetch one page; limit 0: everything at once
 */
export const allPages = (
  fetch: (limit: number, token: string) => Effect.Effect<Page, ApiError>,
): Effect.Effect<ObjectList, ApiError> => {
  const next = (before: ReadonlyArray<Page>, page: Page): Effect.Effect<ObjectList, ApiError> =>
    page.continue === ""
      ? Effect.succeed(joined([...before, page], page.resourceVersion))
      : fetch(pageSize, page.continue).pipe(
          Effect.flatMap((following) => next([...before, page], following)),
          Effect.catchReason("ApiError", "Expired", () => fetch(0, "")),
        )
  return Effect.flatMap(fetch(pageSize, ""), (first) => next([], first))
}
