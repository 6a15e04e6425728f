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
  mappedMergeSecretName,
  mappedReferenceName,
  mappedSecretName,
  mergeSecretName,
  type HostLocation,
  type NameOf,
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
const rules = (
  mappings: ReadonlyArray<NamespaceMapping>,
  vcluster: string,
  from: "virtual" | "host",
): ReadonlyArray<Rule> =>
  mappings
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

export type MappedNamespace =
  /** No mapping covers it. */
  | { readonly _tag: "Unmapped" }
  | { readonly _tag: "Mapped"; readonly namespace: string }
  /** Another virtual namespace owns the host namespace that it would get. Sharing would hand one the other's Secrets. */
  | { readonly _tag: "Taken"; readonly namespace: string; readonly by: string }
  /** The host namespace's name would not be one (too long, mostly). */
  | { readonly _tag: "Impossible"; readonly namespace: string }

/** Where a thing of a virtual namespace stands on the host; undefined: it has no place there ({@link NamespaceMap.whyNowhere}). */
export type Locate = (virtualNamespace: string, name: string) => HostLocation | undefined

export interface NamespaceMap {
  /** The host namespace that a virtual one is mapped to. */
  readonly toHost: (virtualNamespace: string) => MappedNamespace
  /** The virtual namespace that a mapped host namespace stands for; undefined when it is not a mapped one. */
  readonly toVirtual: (hostNamespace: string) => string | undefined
  /** The copy of an ExternalSecret or SecretStore. */
  readonly object: Locate
  /** The Secret that ESO writes for a target (`.es`). */
  readonly secret: Locate
  /** The Secret that ESO writes for an ExternalSecret that merges (`.merge.es`). */
  readonly mergeSecret: Locate
  /** The copy of a Secret or ConfigMap that a spec refers to (`.ref`). */
  readonly reference: Locate
  /** Why objects of a virtual namespace have no place on the host, and what would give them one. */
  readonly whyNowhere: (virtualNamespace: string) => string
}

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

/** How names are made in mapped namespaces, and in the vCluster's own. */
interface Naming {
  readonly mapped: NameOf
  readonly scheme: NameOf
}

const whyNowhere = (mapped: MappedNamespace, virtualNamespace: string): string => {
  switch (mapped._tag) {
    case "Taken":
      return `namespace ${virtualNamespace} would be mapped to the host namespace that already stands for ${mapped.by}`
    case "Impossible":
      return `the name that namespace ${virtualNamespace} would have on the host is not one of a namespace (63 characters at most)`
    case "Mapped":
      return `namespace ${virtualNamespace} is mapped to the vCluster's own host namespace, which holds its credentials`
    case "Unmapped":
      return `namespace ${virtualNamespace} is not mapped to the host: sync.toHost.namespaces.mappings.byName of this vCluster does not cover it, and mappingsOnly is set`
  }
}

export const namespaceMap = (settings: NamespaceSettings, place: Place): NamespaceMap => {
  const mappings = settings.enabled ? settings.byName : []
  const ordered = { virtual: rules(mappings, place.name, "virtual"), host: rules(mappings, place.name, "host") }
  const toVirtual = (hostNamespace: string) => apply(ordered.host, hostNamespace)
  const toHost = (virtualNamespace: string): MappedNamespace => {
    const namespace = apply(ordered.virtual, virtualNamespace)
    if (namespace === undefined) return { _tag: "Unmapped" }
    if (!dnsLabel.test(namespace)) return { _tag: "Impossible", namespace }
    const by = toVirtual(namespace)
    return by === virtualNamespace
      ? { _tag: "Mapped", namespace }
      : { _tag: "Taken", namespace, by: by ?? "another namespace" }
  }
  const locate =
    (naming: Naming): Locate =>
    (virtualNamespace, name) => {
      const mapped = toHost(virtualNamespace)
      switch (mapped._tag) {
        case "Mapped":
          // Plain names beside the vCluster's own Secrets: vCluster refuses such a mapping, and so do we should one slip through.
          return mapped.namespace === place.namespace
            ? undefined
            : { namespace: mapped.namespace, name: naming.mapped(name, virtualNamespace, place.name) }
        case "Unmapped":
          return settings.enabled && settings.mappingsOnly
            ? undefined
            : { namespace: place.namespace, name: naming.scheme(name, virtualNamespace, place.name) }
        default:
          return undefined
      }
    }
  return {
    toHost,
    toVirtual,
    object: locate({ mapped: (own) => own, scheme: hostName }),
    secret: locate({ mapped: mappedSecretName, scheme: hostSecretName }),
    mergeSecret: locate({ mapped: mappedMergeSecretName, scheme: mergeSecretName }),
    reference: locate({ mapped: mappedReferenceName, scheme: hostReferenceName }),
    whyNowhere: (virtualNamespace) => whyNowhere(toHost(virtualNamespace), virtualNamespace),
  }
}
