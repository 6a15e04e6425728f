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
  return items === undefined || !items.every(isObject)
    ? undefined
    : {
        items: items.map((item) => identified(item, resource)),
        resourceVersion: textAt(metadata, "resourceVersion"),
        continue: textAt(metadata, "continue"),
      }
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
  const next = (before: ReadonlyArray<ReadonlyArray<KubeObject>>, page: Page): Effect.Effect<ObjectList, ApiError> =>
    page.continue === ""
      ? Effect.succeed({ items: [...before, page.items].flat(), resourceVersion: page.resourceVersion })
      : fetch(pageSize, page.continue).pipe(
          Effect.flatMap((following) => next([...before, page.items], following)),
          Effect.catchReason("ApiError", "Expired", () => fetch(0, "")),
        )
  return Effect.flatMap(fetch(pageSize, ""), (first) => next([], first))
}
