/**
 * Texts of the host (statuses and events of ESO, errors of its API server) as a tenant may read them: names on the host become the names that the tenant
 * gave, and those of other objects are left out. Works on whole names, so that a name within a longer one is no hit.
 */
import { hostSentences, messages, unquoted } from "./eso-messages.ts"
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
const hostPlace = "(the vCluster's host namespace)"

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`)

/** A key of ours under which ESO renders; a DNS-1123 subdomain, and what looks like one. */
const nameLike = new RegExp(String.raw`${escaped(renderedDomain)}/[-\w]+|[A-Za-z0-9](?:[-\w.]*[A-Za-z0-9])?`, "gu")

/** From a text of the host to the same in the tenant's names: it holds no name of vCluster's scheme and no untrue namespace. */
export type Translate = (text: string) => string

/** ESO's usual word. It holds no name, and is nearly all that ever comes. */
const nameless: ReadonlySet<string> = new Set(["", messages.synced, messages.storeValidated])

/** Words that may stand between an object and its namespace: `secrets "a" not found in namespace "b"`. */
const glue: ReadonlySet<string> = new Set(["not", "found", "in", "from", "of", "at", "the", "namespace"])
const glueGap = /^[\s"'`(:=,/]*$/u

interface Names {
  /** The tenant's name of what the host calls so; undefined: it is none of the object's own. */
  readonly own: (name: string) => string | undefined
  /** What is read in the place of a name, other than that of the host namespace. */
  readonly read: (name: string) => string
}

const namesOf = ({ own, isOther, vcluster }: HostNames): Names => {
  // `NAME-x-NAMESPACE-x-VCLUSTER`, and what ends as our own names do (names.ts); a sentence may go on right after it.
  const scheme = new RegExp(
    String.raw`^(?:.*-[0-9a-f]{32}(?:\.merge)?(?:\.es|\.ref)|.*-x-${escaped(vcluster)}(?:\.es|\.ref)?)(?![-\w])`,
    "u",
  )
  const ownOf = (name: string): string | undefined => {
    const mine = own.get(name)
    if (mine !== undefined) return mine
    const host = scheme.exec(name)?.[0] ?? ""
    const tenants = own.get(host)
    return tenants === undefined ? undefined : tenants + name.slice(host.length)
  }
  return {
    own: ownOf,
    read: (name) => {
      const mine = ownOf(name)
      if (mine !== undefined) return mine
      const host = scheme.exec(name)?.[0]
      if (host !== undefined) return other + name.slice(host.length)
      return isOther(name) ? other : name
    },
  }
}

/** Whether what stands right behind a namespace, as in `team-x/app`, is an object's own name. */
const leadsToOwn = (text: string, end: number, { own }: Names): boolean => {
  if (text[end] !== "/" && text[end] !== ":") return false
  const next = new RegExp(nameLike.source, "uy")
  next.lastIndex = end + 1
  const name = next.exec(text)?.[0]
  return name !== undefined && own(name) !== undefined
}

/**
 * Whole names are replaced. The host namespace becomes the tenant's only beside the name of something that the tenant has there: what
 * else is said of it (`namespace team-x is being terminated`, a Secret that is looked for in it) is not true of the tenant's.
 */
const translateWords = (hostNames: HostNames): Translate => {
  const { hostNamespace, tenantText, virtualNamespace } = hostNames
  const names = namesOf(hostNames)
  let known: boolean | undefined
  /** The tenant wrote the host namespace's name, so what stands there may well be a path at the provider. */
  const isKnown = (): boolean => (known ??= tenantText().match(nameLike)?.includes(hostNamespace) === true)
  const place = (name: string, isOfOwn: boolean): string => {
    if (isKnown()) return name
    return isOfOwn ? virtualNamespace : hostPlace
  }
  return (text) => {
    let read = ""
    let end = 0
    let behindOwn = false
    for (const { 0: name, index } of text.matchAll(nameLike)) {
      const gap = text.slice(end, index)
      end = index + name.length
      behindOwn = behindOwn && glueGap.test(gap)
      if (name === hostNamespace) {
        read += gap + place(name, behindOwn || leadsToOwn(text, end, names))
        behindOwn = false
      } else {
        read += gap + names.read(name)
        behindOwn = glue.has(name) ? behindOwn : names.own(name) !== undefined
      }
    }
    return read + text.slice(end)
  }
}

/** What is to be said in a sentence of ESO's that is about the host namespace; undefined: it is about another. */
const sentenceIn = ({ hostNamespace, virtualNamespace }: HostNames, { groups = {} }: RegExpMatchArray) => {
  const { deniedStore, deniedFrom, secret, lookedForIn } = groups
  if (deniedStore !== undefined && deniedFrom === hostNamespace)
    return `using cluster store ${deniedStore} for namespace "${virtualNamespace}" is not allowed from this vCluster's host namespace "${hostNamespace}"`
  if (secret !== undefined && lookedForIn === hostNamespace)
    return `cannot get Kubernetes secret ${secret} from this vCluster's host namespace, where its operator keeps the credentials of a ClusterSecretStore`
  return undefined
}

const translateWith = (names: HostNames): Translate => {
  const words = translateWords(names)
  const { own } = namesOf(names)
  return (text) => {
    let read = ""
    let end = 0
    for (const match of text.matchAll(hostSentences)) {
      const isOfOwn = own(unquoted(match.groups?.["secret"] ?? "")) !== undefined
      const sentence = isOfOwn ? undefined : sentenceIn(names, match)
      read += words(text.slice(end, match.index)) + (sentence ?? words(match[0]))
      end = match.index + match[0].length
    }
    return read + words(text.slice(end))
  }
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
