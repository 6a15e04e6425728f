/** What is kept of a CRD once it has been worked through: a parsed one takes megabytes, most of it descriptions. Pure. */
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import { arrayAt, isRecord, recordAt, valueAt } from "../../../effects/client/unstructured.ts"
import { tellsOfConfigMaps } from "../../tenancy/references.ts"
import { specSchema } from "./to-virtual.ts"

/** Below these stand values, not schemas. */
const valueFields = new Set(["default", "enum", "example"])

/** A field that is called `description` has a schema, and no text, under that name. */
const isIdle = (key: string, value: unknown): boolean =>
  key === "description" && typeof value === "string" && !tellsOfConfigMaps(value)

/** A schema without the descriptions that nothing is read from. */
export const withoutIdleDescriptions = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(withoutIdleDescriptions)
  if (!isRecord(schema)) return schema
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => !isIdle(key, value))
      .map(([key, value]) => [key, valueFields.has(key) ? value : withoutIdleDescriptions(value)]),
  )
}

const kept = ({ apiVersion, kind, metadata }: KubeObject): KubeObject => {
  const { name, uid, resourceVersion, labels, deletionTimestamp } = metadata
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(labels === undefined ? {} : { labels }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    },
  }
}

/** @param version the one whose schema of `spec` stays; undefined: no decision reads it */
export const hostEssentials = (crd: KubeObject, version: string | undefined): KubeObject => {
  if (version === undefined) return kept(crd)
  const spec = withoutIdleDescriptions(specSchema(crd, version))
  const schema = { openAPIV3Schema: { properties: { spec } } }
  return { ...kept(crd), spec: { versions: [{ name: version, schema }] } }
}

/** Whose it is, what it serves, and whether it does. */
export const virtualEssentials = (crd: KubeObject): KubeObject => ({
  ...kept(crd),
  spec: {
    versions: arrayAt(crd, "spec", "versions").map((version) => ({
      name: valueAt(version, "name"),
      served: valueAt(version, "served"),
    })),
  },
  status: { conditions: arrayAt(recordAt(crd, "status"), "conditions") },
})
