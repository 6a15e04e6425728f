/** Paths of the Kubernetes API, safe against names that try to be more than names. */
import type { ObjectRef } from "./kube-client.ts"
import type { Resource } from "./resource.ts"

/**
 * Whether a name may stand in a path at all: Kubernetes' `IsValidPathSegmentName`, plus control characters and halves of surrogate
 * pairs (which have no UTF-8). Checked before a request exists: a tenant may have replaced a CRD by one without patterns.
 */
export const isPathSegment = (name: string): boolean =>
  name !== "" &&
  name !== "." &&
  name !== ".." &&
  name.length <= 253 &&
  // oxlint-disable-next-line no-control-regex
  !/[/%\\?#\u0000-\u0020\u007f]/.test(name) &&
  name.isWellFormed()

const root = (resource: Resource): string =>
  resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`

/** The collection; without a namespace, that of all namespaces. */
export const collectionPath = (resource: Resource, namespace: string | undefined): string =>
  resource.namespaced && namespace !== undefined && namespace !== ""
    ? `${root(resource)}/namespaces/${encodeURIComponent(namespace)}/${resource.plural}`
    : `${root(resource)}/${resource.plural}`

export const objectPath = (resource: Resource, ref: ObjectRef, subresource?: string): string =>
  `${collectionPath(resource, ref.namespace)}/${encodeURIComponent(ref.name)}${subresource === undefined ? "" : `/${subresource}`}`

type Value = string | number | boolean | undefined

/** `?a=b&c=d`; undefined and empty values are left out. */
export const queryString = (parameters: Readonly<Record<string, Value>>): string => {
  const pairs = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [`${name}=${encodeURIComponent(String(value))}`],
  )
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`
}
