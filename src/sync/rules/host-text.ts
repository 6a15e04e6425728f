/**
 * Texts of the host (events of ESO, errors) as a tenant may read them: names on the host become the names that the tenant
 * gave, and those of other objects are left out. Works on whole names, so that a name within a longer one is no hit.
 */

export interface HostNames {
  /** Host names of the object at hand and what the tenant knows them as. */
  readonly own: ReadonlyMap<string, string>
  readonly hostNamespace: string
  readonly virtualNamespace: string
  /** The vCluster's name. */
  readonly vcluster: string
  /** Whether a name is that of another host object of ours. Asked for names that do not show it themselves. */
  readonly isOther: (name: string) => boolean
  /** What the tenant has written: what stands there is known there, and may be a path at the provider. */
  readonly tenantText: string
}

const other = "(another object)"

/** A DNS-1123 subdomain, and what looks like one. */
const nameLike = /[A-Za-z0-9](?:[-\w.]*[A-Za-z0-9])?/gu

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`)

/** Host text in the tenant's names. Pure; the result holds no name of vCluster's scheme and no host namespace. */
export const tenantText = (text: string, names: HostNames): string => {
  const { own, hostNamespace, virtualNamespace, tenantText: known } = names
  // `NAME-x-NAMESPACE-x-VCLUSTER` and our two suffixes (names.ts); a sentence may go on right after it.
  const scheme = new RegExp(String.raw`^.*-x-${escaped(names.vcluster)}(?:\.es|\.ref)?(?![-\w])`, "u")
  const isKnown = new Set(known.match(nameLike) ?? []).has(hostNamespace)
  const translate = (name: string): string => {
    const mine = own.get(name)
    if (mine !== undefined) return mine
    if (name === hostNamespace) return isKnown ? name : virtualNamespace
    const host = scheme.exec(name)?.[0]
    if (host !== undefined) return (own.get(host) ?? other) + name.slice(host.length)
    return names.isOther(name) ? other : name
  }
  return text.replace(nameLike, translate)
}
