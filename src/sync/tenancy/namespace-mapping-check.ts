/** vCluster's validation of `sync.toHost.namespaces`, in its own words (loft-sh/vcluster, `pkg/util/namespaces/validation.go`). */
import { isPattern, type NamespaceMapping, type Place, resolvePlaceholder } from "./namespace-mapping.ts"

const path = "config.sync.toHost.namespaces.mappings.byName"
/** vCluster prints this before each of them. */
const prefix = `namespace sync: ${path}`

const placeholder = "${name}"
const longestPrefix = 32

export const emptyMappings = `${prefix} are empty`

const labelError =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** apimachinery's `ValidateNamespaceName`. */
const namespaceNameError = (name: string): string | undefined => {
  if (name.length > 63) return "must be no more than 63 characters"
  if (label.test(name)) return undefined
  return subdomain.test(name) ? "must not contain dots" : labelError
}

/** What comes before a generated part may end in a dash (apimachinery, `maskTrailingDash`). */
const namespacePrefixError = (name: string): string | undefined =>
  namespaceNameError(name.length > 1 && name.endsWith("-") ? `${name.slice(0, -2)}a` : name)

const hasPlaceholder = (text: string): boolean => text.includes("${") && text.includes("}")

const placeholderError = (part: string, vcluster: string, what: string): string | undefined => {
  const count = part.split(placeholder).length - 1
  if (count === 0)
    return hasPlaceholder(part)
      ? `${prefix}: ${what} '${part}' contains an unsupported placeholder; only '${placeholder}' is allowed`
      : undefined
  if (count > 1) return `${prefix}: ${what} '${part}' contains placeholder '${placeholder}' multiple times`
  return hasPlaceholder(resolvePlaceholder(part, vcluster))
    ? `${prefix}: ${what} '${part}' contains an unsupported placeholder; only a single '${placeholder}' is allowed`
    : undefined
}

const exactError = (name: string, vcluster: string, what: string): string | undefined => {
  if (name === "") return `${prefix}: ${what} cannot be empty`
  const placeholders = placeholderError(name, vcluster, what)
  if (placeholders !== undefined) return placeholders
  const wrong = namespaceNameError(resolvePlaceholder(name, vcluster))
  return wrong === undefined ? undefined : `${prefix}: invalid ${what} name '${name}': ${wrong}`
}

const patternError = (pattern: string, vcluster: string, what: string): string | undefined => {
  if (pattern.split("*").length !== 2) return `${prefix}: ${what} pattern '${pattern}' must contain exactly one '*'`
  if (!pattern.endsWith("*")) return `${prefix}: ${what} pattern '${pattern}' must have the wildcard '*' at the end`
  const before = pattern.slice(0, -1)
  const placeholders = placeholderError(before, vcluster, `${what} pattern prefix`)
  if (placeholders !== undefined) return `${placeholders} (from pattern '${pattern}')`
  const literal = resolvePlaceholder(before, vcluster)
  if (literal === "") return undefined
  if (literal.length > longestPrefix)
    return `${prefix}: literal parts of ${what} pattern prefix '${before}' (from '${pattern}') cannot be longer than ${longestPrefix} characters (literal length: ${literal.length})`
  const wrong = namespacePrefixError(literal)
  return wrong === undefined ? undefined : `${prefix}: invalid ${what} pattern '${pattern}': ${wrong}`
}

const controlPlaneError = (host: string, place: Place): string | undefined => {
  const resolved = resolvePlaceholder(host, place.name)
  if (isPattern(host))
    return place.namespace.startsWith(resolved.slice(0, -1))
      ? `${prefix}: host namespace pattern '${host}' conflicts with control plane namespace '${place.namespace}'`
      : undefined
  return resolved === place.namespace
    ? `${prefix}: host namespace mapping '${host}' conflicts with control plane namespace '${place.namespace}'`
    : undefined
}

const sideError = ({ virtual, host }: NamespaceMapping, vcluster: string): string | undefined => {
  if (isPattern(virtual) !== isPattern(host))
    return `${prefix}: '${virtual}':'${host}' has mismatched wildcard '*' usage - pattern must always map to another pattern`
  const check = isPattern(virtual) ? patternError : exactError
  return check(virtual, vcluster, "virtual namespace") ?? check(host, vcluster, "host namespace")
}

/**
 * What is wrong with one entry of `mappings.byName`; undefined when it is good.
 *
 * @param others the entries before it
 * @param place undefined where the vCluster is not known: `${name}` then counts as a short name, and a conflict with the control
 *   plane's namespace cannot be seen
 */
export const mappingError = (
  mapping: NamespaceMapping,
  others: ReadonlyArray<NamespaceMapping>,
  place: Place | undefined,
): string | undefined => {
  const { host } = mapping
  if (others.some((other) => other.host === host))
    return `${prefix}: duplicate host namespace '${host}' found in mappings`
  const side = sideError(mapping, place?.name ?? "name")
  if (side !== undefined) return side
  if (host === "*") return `${prefix}: host pattern mappings must use a prefix before wildcard: ${host}`
  return place === undefined ? undefined : controlPlaneError(host, place)
}
