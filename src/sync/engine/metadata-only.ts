/**
 * What caches keep of objects whose values must not stay in this process. Annotations are no metadata in this sense: `kubectl apply`
 * writes a whole Secret into one of them.
 */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { marksOf } from "../tenancy/ownership.ts"

/** Who it is, in which version, whose, and whether it goes: all that decisions read of them. */
const kept: ReadonlySet<string> = new Set([
  "name",
  "namespace",
  "uid",
  "resourceVersion",
  "labels",
  "ownerReferences",
  "deletionTimestamp",
])

/** Without any annotation. */
export const metadataOnly = ({ apiVersion, kind, metadata }: KubeObject): KubeObject => ({
  apiVersion,
  kind,
  metadata: {
    ...Object.fromEntries(Object.entries(metadata).filter(([field]) => kept.has(field))),
    name: metadata.name,
  },
})

/** As {@link metadataOnly}, with the marks by which a host object is known as the copy of a virtual one. */
export const metadataAndMarks = (host: KubeObject): KubeObject => {
  const { apiVersion, kind, metadata } = metadataOnly(host)
  const annotations = marksOf(host)
  return {
    apiVersion,
    kind,
    metadata: Object.keys(annotations).length === 0 ? metadata : { ...metadata, annotations },
  }
}
