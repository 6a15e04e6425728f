/**
 * Where an object of a virtual namespace stands on the host (DESIGN §3): in the vCluster's namespace under vCluster's scheme, or,
 * with `sync.toHost.namespaces`, in a namespace of its own under its own name.
 *
 * `mappings.byName` is virtual → host: exact names, and patterns with one `*` at the end. vCluster's open code holds the reverse
 * direction (`pkg/util/namespaces/util.go`); ours mirrors it, but where patterns overlap, which vCluster leaves to chance, the
 * longest prefix wins.
 */
import {
  hostName,
  hostReferenceName,
  hostSecretName,
  mappedReferenceName,
  mappedSecretName,
  type HostLocation,
} from "./names.ts"

export interface NamespaceMapping {
  readonly virtual: string
  readonly host: string
}

export interface NamespaceSettings {
  readonly enabled: boolean
  /** Namespaces that no mapping covers go nowhere, instead of to the vCluster's namespace. */
  readonly mappingsOnly: boolean
  readonly byName: ReadonlyArray<NamespaceMapping>
}

/** Which vCluster, and the host namespace it lives in. */
export interface Place {
  readonly name: string
  readonly namespace: string
}

/** As far as it is known: settings are also checked without a cluster. */
export interface KnownPlace {
  readonly name?: string | undefined
  readonly namespace?: string | undefined
}

const placeholder = "${name}"
const wildcard = "*"

/** In mappings, `${name}` stands for the vCluster's name. */
export const resolvePlaceholder = (text: string, vcluster: string): string =>
  text.replaceAll(placeholder, () => vcluster)

export const isPattern = (text: string): boolean => text.includes(wildcard)

interface Rule {
  /** The whole name, or what comes before the `*`. */
  readonly from: string
  readonly to: string
  readonly pattern: boolean
}

const withoutWildcard = (text: string): string => text.replace(wildcard, "")

/** Rules in one direction, the strongest first: exact names, then longer prefixes. */
const rules = (settings: NamespaceSettings, vcluster: string, from: "virtual" | "host"): ReadonlyArray<Rule> =>
  settings.byName
    .map((mapping) => ({
      from: withoutWildcard(resolvePlaceholder(mapping[from], vcluster)),
      to: withoutWildcard(resolvePlaceholder(mapping[from === "virtual" ? "host" : "virtual"], vcluster)),
      pattern: isPattern(mapping.virtual),
    }))
    .toSorted((left, right) => Number(left.pattern) - Number(right.pattern) || right.from.length - left.from.length)

const apply = (ordered: ReadonlyArray<Rule>, namespace: string): string | undefined => {
  const rule = ordered.find(({ from, pattern }) => (pattern ? namespace.startsWith(from) : namespace === from))
  return rule === undefined ? undefined : rule.to + namespace.slice(rule.from.length)
}

/** The virtual namespace that a mapped host namespace stands for; undefined when it is not a mapped one. */
export const toVirtualNamespace = (
  settings: NamespaceSettings,
  vcluster: string,
  hostNamespace: string,
): string | undefined => (settings.enabled ? apply(rules(settings, vcluster, "host"), hostNamespace) : undefined)

export type MappedNamespace =
  /** No mapping covers it. */
  | { readonly _tag: "Unmapped" }
  | { readonly _tag: "Mapped"; readonly namespace: string }
  /** Another virtual namespace owns the host namespace that it would get. Sharing would hand one the other's Secrets. */
  | { readonly _tag: "Taken"; readonly namespace: string; readonly by: string }
  /** The host namespace's name would not be one (too long, mostly). */
  | { readonly _tag: "Impossible"; readonly namespace: string }

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

/** The host namespace that a virtual one is mapped to. */
export const toHostNamespace = (
  settings: NamespaceSettings,
  vcluster: string,
  virtualNamespace: string,
): MappedNamespace => {
  const namespace = settings.enabled ? apply(rules(settings, vcluster, "virtual"), virtualNamespace) : undefined
  if (namespace === undefined) return { _tag: "Unmapped" }
  if (!dnsLabel.test(namespace)) return { _tag: "Impossible", namespace }
  const by = toVirtualNamespace(settings, vcluster, namespace)
  return by === virtualNamespace
    ? { _tag: "Mapped", namespace }
    : { _tag: "Taken", namespace, by: by ?? "another namespace" }
}

interface Naming {
  readonly mapped: (name: string) => string
  readonly scheme: (name: string, namespace: string, vcluster: string) => string
}

const locate = (
  settings: NamespaceSettings,
  place: Place,
  virtualNamespace: string,
  name: string,
  naming: Naming,
): HostLocation | undefined => {
  const mapped = toHostNamespace(settings, place.name, virtualNamespace)
  switch (mapped._tag) {
    case "Mapped":
      // Plain names beside the vCluster's own Secrets: vCluster refuses such a mapping, and so do we should one slip through.
      return mapped.namespace === place.namespace
        ? undefined
        : { namespace: mapped.namespace, name: naming.mapped(name) }
    case "Unmapped":
      return settings.enabled && settings.mappingsOnly
        ? undefined
        : { namespace: place.namespace, name: naming.scheme(name, virtualNamespace, place.name) }
    default:
      return undefined
  }
}

/**
 * Where the copy of an ExternalSecret or SecretStore stands on the host.
 *
 * @returns undefined where it has no place: unmapped under `mappingsOnly`, mapped onto the vCluster's own namespace, or {@link toHostNamespace} is
 *   `Taken` or `Impossible`
 */
export const hostLocation = (
  settings: NamespaceSettings,
  place: Place,
  virtualNamespace: string,
  name: string,
): HostLocation | undefined =>
  locate(settings, place, virtualNamespace, name, { mapped: (own) => own, scheme: hostName })

/** Where the Secret stands that ESO writes for a target of a virtual namespace (`.es`). */
export const hostSecretLocation = (
  settings: NamespaceSettings,
  place: Place,
  virtualNamespace: string,
  target: string,
): HostLocation | undefined =>
  locate(settings, place, virtualNamespace, target, { mapped: mappedSecretName, scheme: hostSecretName })

/** Where the copy of a Secret or ConfigMap stands that a spec refers to (`.ref`). */
export const hostReferenceLocation = (
  settings: NamespaceSettings,
  place: Place,
  virtualNamespace: string,
  name: string,
): HostLocation | undefined =>
  locate(settings, place, virtualNamespace, name, { mapped: mappedReferenceName, scheme: hostReferenceName })

/** Why objects of a virtual namespace have no place on the host, and what would give them one. */
export const whyUnmapped = (settings: NamespaceSettings, place: Place, virtualNamespace: string): string => {
  const mapped = toHostNamespace(settings, place.name, virtualNamespace)
  switch (mapped._tag) {
    case "Taken":
      return `namespace ${virtualNamespace} would be mapped to the host namespace that already stands for ${mapped.by}`
    case "Impossible":
      return `the name that namespace ${virtualNamespace} would have on the host is not one of a namespace (63 characters at most)`
    case "Mapped":
      return `namespace ${virtualNamespace} is mapped to the vCluster's own host namespace, which holds its credentials`
    default:
      return `namespace ${virtualNamespace} is not mapped to the host: sync.toHost.namespaces.mappings.byName of this vCluster does not cover it, and mappingsOnly is set`
  }
}
