/**
 * The references inside a SecretStore's spec, found by the schema of its CRD and not by a list of providers (DESIGN §5): a
 * provider that ESO adds tomorrow is covered as well.
 *
 * ESO's API has three shapes (`SecretKeySelector`, `ServiceAccountSelector`, `CAProvider` in external-secrets
 * `apis/meta/v1`), and names of properties are no guide. An object with a `name` and a `namespace` that fits none of them is
 * strange: it may lead somewhere we do not know, so it is refused where it is used.
 */
import type { ObjectKey } from "../../effects/client/kube-object.ts"
import { arrayAt, isRecord, recordAt, stringAt, valueAt } from "../../effects/client/unstructured.ts"
import type { JsonRecord } from "../../effects/client/unstructured.ts"

export type ReferentKind = "Secret" | "ConfigMap" | "ServiceAccount"

/** What a node of the schema refers to; `ByType`: the value's own field `type` says it. */
type Shape = ReferentKind | "ByType" | "Strange"

export interface Reference {
  /** Where in the spec: `spec.provider.vault.auth.tokenSecretRef`. */
  readonly path: string
  readonly kind: ReferentKind
  readonly name: string
  /** As written; undefined where the field is left out or empty. */
  readonly namespace: string | undefined
  /** Only says where the certificate of an authority stands: no credential. */
  readonly isAuthority: boolean
  /** Of a ServiceAccount's token. */
  readonly audiences: ReadonlyArray<string>
}

/** One name for a Secret or a ConfigMap in an index. */
export const referenceKey = (kind: "Secret" | "ConfigMap", key: ObjectKey): string => `${kind}|${key}`

export interface FoundReferences {
  readonly references: ReadonlyArray<Reference>
  /** Paths of used fields that look like references, but have a shape that is not known. */
  readonly strange: ReadonlyArray<string>
}

const isString = (schema: unknown): boolean => stringAt(schema, "type") === "string"

const shapes: Readonly<Record<string, "Secret" | "ServiceAccount" | "ByType">> = {
  "key,name,namespace": "Secret",
  "audiences,name,namespace": "ServiceAccount",
  "key,name,namespace,type": "ByType",
}

/** A key of a ConfigMap is selected by the very shape of a key of a Secret; only the schema's own words tell them apart. */
/** All that is read of a description. */
export const tellsOfConfigMaps = (description: string): boolean => /config ?map/i.test(description)

const namesConfigMap = (schema: unknown): boolean => tellsOfConfigMaps(stringAt(schema, "description") ?? "")

/** @param property the name under which the node stands in its parent */
const shapeOf = (schema: unknown, property: string): Shape | undefined => {
  const properties = recordAt(schema, "properties")
  if (properties === undefined || !isString(properties["name"]) || !isString(properties["namespace"])) return undefined
  const names = Object.keys(properties).toSorted().join(",")
  const shape = Object.hasOwn(shapes, names) ? shapes[names] : undefined
  if (shape === "Secret") return namesConfigMap(schema) ? "ConfigMap" : "Secret"
  if (shape !== undefined) return shape
  return names === "name,namespace" && /secret/i.test(property) ? "Secret" : "Strange"
}

const kindOf = (shape: Shape, value: JsonRecord): ReferentKind | undefined => {
  if (shape === "Strange") return undefined
  if (shape !== "ByType") return shape
  const type = stringAt(value, "type")
  return type === "Secret" || type === "ConfigMap" ? type : undefined
}

const referenceOf = (path: string, kind: ReferentKind, shape: Shape, value: JsonRecord): Reference => {
  const namespace = stringAt(value, "namespace")
  return {
    path,
    kind,
    name: stringAt(value, "name") ?? "",
    namespace: namespace === "" ? undefined : namespace,
    isAuthority: shape === "ByType",
    audiences: arrayAt(value, "audiences").filter((audience) => typeof audience === "string"),
  }
}

/** Deeper than any schema of ESO's; whoever calls has refused deeper values (`isNestedDeeperThan`). */
const maxDepth = 64

/** What a walk does at each reference and at each strange node; the result takes the value's place. */
interface Visitor {
  readonly reference: (reference: Reference, value: JsonRecord) => unknown
  readonly strange: (path: string, value: JsonRecord) => unknown
}

const childSchema = (schema: unknown, key: string): unknown => {
  const properties = recordAt(schema, "properties")
  return properties !== undefined && Object.hasOwn(properties, key)
    ? properties[key]
    : recordAt(schema, "additionalProperties")
}

const walkRecord = (
  schema: unknown,
  value: JsonRecord,
  path: string,
  property: string,
  visit: Visitor,
  depth: number,
) => {
  const shape = shapeOf(schema, property)
  if (shape !== undefined) {
    const kind = kindOf(shape, value)
    return kind === undefined
      ? visit.strange(path, value)
      : visit.reference(referenceOf(path, kind, shape, value), value)
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      walk(childSchema(schema, key), item, `${path}.${key}`, key, visit, depth + 1),
    ]),
  )
}

const walk = (
  schema: unknown,
  value: unknown,
  path: string,
  property: string,
  visit: Visitor,
  depth: number,
): unknown => {
  if (schema === undefined || depth > maxDepth) return value
  if (Array.isArray(value))
    return value.map((item, index) =>
      walk(valueAt(schema, "items"), item, `${path}[${index}]`, property, visit, depth + 1),
    )
  return isRecord(value) ? walkRecord(schema, value, path, property, visit, depth) : value
}

/**
 * All references that a spec makes use of.
 *
 * @param schema openAPIV3Schema of `spec`, at the version in which the spec is written
 * @param spec as a tenant wrote it; nothing about it is taken for granted
 */
export const findReferences = (schema: unknown, spec: unknown): FoundReferences => {
  const references: Array<Reference> = []
  const strange: Array<string> = []
  walk(
    schema,
    spec,
    "spec",
    "spec",
    {
      reference: (reference, value) => {
        references.push(reference)
        return value
      },
      strange: (path, value) => {
        strange.push(path)
        return value
      },
    },
    0,
  )
  return { references, strange }
}

/**
 * The spec with another name in each reference, and without any namespace: what is referred to stands beside the object.
 *
 * @param rename the name to write; undefined: the reference stays as it is
 */
export const renameReferences = (
  schema: unknown,
  spec: unknown,
  rename: (reference: Reference) => string | undefined,
): unknown =>
  walk(
    schema,
    spec,
    "spec",
    "spec",
    {
      reference: (reference, { namespace: _namespace, ...value }) => {
        const name = reference.name === "" ? undefined : rename(reference)
        return name === undefined ? value : { ...value, name }
      },
      strange: (_path, value) => value,
    },
    0,
  )

/** A place in a schema where a value could refer to something. */
export interface ReferenceSite {
  readonly path: string
  readonly shape: Shape
}

const sitesBelow = (schema: unknown, path: string, property: string, depth: number): ReadonlyArray<ReferenceSite> => {
  if (!isRecord(schema) || depth > maxDepth) return []
  const shape = shapeOf(schema, property)
  if (shape !== undefined) return [{ path, shape }]
  return [
    ...Object.entries(recordAt(schema, "properties") ?? {}).flatMap(([key, child]) =>
      sitesBelow(child, `${path}.${key}`, key, depth + 1),
    ),
    ...sitesBelow(schema["items"], `${path}[]`, property, depth + 1),
    ...sitesBelow(schema["additionalProperties"], `${path}.*`, property, depth + 1),
  ]
}

/** Every place of a schema that {@link findReferences} would look at: to see what a new version of ESO brings. */
export const referenceSites = (schema: unknown): ReadonlyArray<ReferenceSite> => sitesBelow(schema, "spec", "spec", 0)

/** Whether something below a node of the schema could be a credential; where the certificate of an authority comes from is none. */
const canHoldCredentials = (schema: unknown): boolean =>
  referenceSites(schema).some(({ shape }) => shape === "Secret" || shape === "ServiceAccount")

/** A literal in place of a reference (`{value, secretRef}`, as several providers have it). */
const isLiteral = (schema: unknown, value: JsonRecord): boolean =>
  isString(valueAt(schema, "properties", "value")) && stringAt(value, "value") !== undefined

const missingBelow = (schema: unknown, value: unknown, path: string): string | undefined => {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const missing = missingBelow(valueAt(schema, "items"), item, `${path}[${index}]`)
      if (missing !== undefined) return missing
    }
    return undefined
  }
  if (!isRecord(value) || !canHoldCredentials(schema) || isLiteral(schema, value)) return undefined
  const { references } = findReferences(schema, value)
  if (!references.some(({ kind, name, isAuthority }) => kind !== "ConfigMap" && name !== "" && !isAuthority))
    return path
  for (const [key, item] of Object.entries(value)) {
    const child = childSchema(schema, key)
    if (shapeOf(child, key) !== undefined) continue
    const missing = missingBelow(child, item, `${path}.${key}`)
    if (missing !== undefined) return missing
  }
  return undefined
}

/**
 * The path of the first part of a provider that takes credentials and is given none; undefined where there is no such part.
 *
 * @param schema openAPIV3Schema of a SecretStore's `spec`
 */
export const credentialsMissing = (schema: unknown, spec: unknown): string | undefined => {
  const providers = valueAt(schema, "properties", "provider")
  for (const [provider, value] of Object.entries(recordAt(spec, "provider") ?? {})) {
    const missing = missingBelow(childSchema(providers, provider), value, `spec.provider.${provider}`)
    if (missing !== undefined) return missing
  }
  return undefined
}
