/** What every cache asks of its objects, beyond the shape that all Kubernetes objects share. */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { Resource } from "../../effects/client/resource.ts"
import { isObjectName } from "../tenancy/names.ts"

/**
 * All kinds that we read are named as DNS subdomains, and we write their names into other names, into paths and into commands.
 *
 * @returns why an object is not taken; undefined: it is
 */
export const checkFor =
  ({ namespaced }: Resource) =>
  ({ metadata: { name, namespace } }: KubeObject): string | undefined => {
    if (!isObjectName(name)) return "metadata.name is no DNS subdomain"
    const isPlaced = namespace !== undefined && namespace !== ""
    if (namespaced === isPlaced) return undefined
    return namespaced ? "it has no metadata.namespace" : "it has a metadata.namespace, and its kind has none"
  }
