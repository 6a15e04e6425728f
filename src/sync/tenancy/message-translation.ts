/**
 * Texts of the host (statuses and events of ESO, errors of its API server) as a tenant may read them: names on the host become the names that the tenant
 * gave, and those of other objects are left out. Works on whole names, so that a name within a longer one is no hit.
 */
import { messages } from "./eso-messages.ts"
import { renderedDomain } from "./labels.ts"

export interface HostNames {
  /** Host names of the object at hand, and our keys on its copy, and what the tenant knows them as. */
  readonly own: ReadonlyMap<string, string>
  readonly hostNamespace: string
  readonly virtualNamespace: string
  /** The vCluster's name. */
  readonly vcluster: string
  /** Whether a name is that of another host object of ours. Asked for names that do not show it themselves. */
  readonly isOther: (name: string) => boolean
  /** What the tenant has written: what stands there is known there, and may be a path at the provider. */
  readonly tenantText: () => string
}

const other = "(another object)"

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`)

/** A key of ours under which ESO renders; a DNS-1123 subdomain, and what looks like one. */
const nameLike = new RegExp(String.raw`${escaped(renderedDomain)}/[-\w]+|[A-Za-z0-9](?:[-\w.]*[A-Za-z0-9])?`, "gu")

/** From a text of the host to the same in the tenant's names: it holds no name of vCluster's scheme and no host namespace. */
export type Translate = (text: string) => string

/** ESO's usual word. It holds no name, and is nearly all that ever comes. */
const nameless: ReadonlySet<string> = new Set(["", messages.synced, messages.storeValidated])

const translateWith = (names: HostNames): Translate => {
  const { own, hostNamespace, virtualNamespace, vcluster } = names
  // `NAME-x-NAMESPACE-x-VCLUSTER`, and what ends as our own names do (names.ts); a sentence may go on right after it.
  const scheme = new RegExp(
    String.raw`^(?:.*-[0-9a-f]{32}(?:\.merge)?(?:\.es|\.ref)|.*-x-${escaped(vcluster)}(?:\.es|\.ref)?)(?![-\w])`,
    "u",
  )
  const isKnown = (name: string) => names.tenantText().match(nameLike)?.includes(name) === true
  const translate = (name: string): string => {
    const mine = own.get(name)
    if (mine !== undefined) return mine
    if (name === hostNamespace) return isKnown(name) ? name : virtualNamespace
    const host = scheme.exec(name)?.[0]
    if (host !== undefined) return (own.get(host) ?? other) + name.slice(host.length)
    return names.isOther(name) ? other : name
  }
  return (text) => text.replace(nameLike, translate)
}

/** @param names worked out when the first text comes that may hold one */
export const translator = (names: () => HostNames): Translate => {
  let translate: Translate | undefined
  return (text) => {
    if (nameless.has(text)) return text
    translate ??= translateWith(names())
    return translate(text)
  }
}
