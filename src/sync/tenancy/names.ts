/**
 * Names on the host: vCluster's own scheme, so that operators recognise them (loft-sh/vcluster, `pkg/util/translate`), and for Secrets
 * names of ours, which vCluster never takes for its own: a readable beginning, a digest, and a suffix that says what it is.
 *
 * The scheme is not injective (`a-x-b` in `c` and `a` in `b-x-c`): a name alone proves nothing, nor do marks (`ownership.ts`). The digest is of
 * the parts taken apart, so that no two names of ours meet. Nothing rests on parsing a name.
 */
import { createHash } from "node:crypto"
import { LruMap } from "../../effects/controller/lru-cache.ts"

export interface HostLocation {
  readonly namespace: string
  readonly name: string
}

/** Longest name that vCluster makes, in bytes: a label value's limit. */
const schemeBytes = 63
const keptBytes = 52
/** Longest name of a Kubernetes object (DNS-1123 subdomain), in bytes. */
const objectBytes = 253

const secretSuffix = ".es"
const mergeSuffix = ".merge.es"
const referenceSuffix = ".ref"

/** What the API server takes for a name: a DNS-1123 subdomain (Kubernetes documentation, "Object Names and IDs"). */
export const isObjectName = (name: string): boolean =>
  name.length <= objectBytes && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name)

/** The first `kept` bytes, `-` and 10 hexadecimal digits of the sha256 of the whole, in which every `.-` becomes `-`. */
const shorten = (full: string, kept: number): string => {
  const bytes = Buffer.from(full)
  const digest = createHash("sha256").update(bytes).digest("hex").slice(0, 10)
  // `stream`: nothing stays of a character that the cut splits, so that the result is never longer.
  const start = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, kept), { stream: true })
  return `${start}-${digest}`.replaceAll(".-", "-")
}

/** vCluster's `SafeConcatName`: joined by `-`, and shortened to at most 63 bytes when longer than that. */
export const safeConcatName = (...parts: ReadonlyArray<string>): string => {
  const full = parts.join("-")
  return Buffer.byteLength(full) <= schemeBytes ? full : shorten(full, keptBytes)
}

/** Host name of a namespaced object: `NAME-x-NAMESPACE-x-VCLUSTER`. An empty name stays empty, as in vCluster. */
export const hostName = (name: string, namespace: string, vcluster: string): string =>
  name === "" ? "" : safeConcatName(name, "x", namespace, "x", vcluster)

/** Of the parts taken apart: 128 bits in hexadecimal digits. */
const digestOf = (parts: ReadonlyArray<string>): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32)

/** Cut to at most `longest` bytes, and not behind a `-` or `.`. */
const cut = (text: string, longest: number): string => {
  const bytes = Buffer.from(text).subarray(0, longest)
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes, { stream: true }).replace(/[-.]+$/, "")
}

/** @param namespace virtual @param vcluster whose */
export type NameOf = (name: string, namespace: string, vcluster: string) => string

/** Names that are known without hashing them again: each change of an object asks for several of its names. */
const rememberedNames = 4096

const remembered = (nameOf: NameOf): NameOf => {
  const names = new LruMap<string, string>(rememberedNames)
  return (name, namespace, vcluster) => {
    // What is longer is no name, and would be too much of our memory.
    if (name.length + namespace.length + vcluster.length > 2 * objectBytes) return nameOf(name, namespace, vcluster)
    // Lengths tell the parts apart, whatever is in them.
    const parts = `${vcluster.length} ${namespace.length} ${vcluster}${namespace}${name}`
    const known = names.get(parts)
    if (known !== undefined) return known
    const made = nameOf(name, namespace, vcluster)
    names.set(parts, made)
    return made
  }
}

/** @param readable what an operator shall recognise */
const digested = (readable: NameOf, suffix: string): NameOf =>
  remembered((name, namespace, vcluster) => {
    if (name === "") return ""
    const end = `-${digestOf([vcluster, namespace, name])}${suffix}`
    return cut(readable(name, namespace, vcluster), objectBytes - end.length) + end
  })

const itself: NameOf = (name) => name

/**
 * Host name of the Secret that ESO writes for a target. vCluster's own names end in the vCluster's name, a DNS label, or in
 * hexadecimal digits: never in `.es`.
 */
export const hostSecretName = digested(hostName, secretSuffix)
/** The same in a mapped namespace. */
export const mappedSecretName = digested(itself, secretSuffix)

/**
 * Host name of the Secret that ESO writes for an ExternalSecret that merges (`creationPolicy: Merge`): named by the ExternalSecret, since
 * several may merge into one Secret. No other name of ours ends in `.merge.es`: before `.es` they have a digest.
 */
export const mergeSecretName = digested(hostName, mergeSuffix)
/** The same in a mapped namespace. */
export const mappedMergeSecretName = digested(itself, mergeSuffix)

/** Host name of a Secret or ConfigMap that is copied because a spec refers to it. */
export const hostReferenceName = digested(hostName, referenceSuffix)
/** The same in a mapped namespace. */
export const mappedReferenceName = digested(itself, referenceSuffix)

/** As version 0.1 had them: no digest, but where a name would be too long. */
const formerly = (readable: string, suffix: string): string => {
  if (readable === "" || Buffer.byteLength(readable) + suffix.length <= objectBytes) return readable + suffix
  // 11: the dash and the ten digits that `shorten` adds.
  return shorten(readable, objectBytes - suffix.length - 11) + suffix
}

/** What version 0.1 called the Secret that ESO writes. @param readable as an operator recognises it */
export const formerSecretName = (readable: string): string => formerly(readable, secretSuffix)
/** The same for an ExternalSecret that merges. @param externalSecret the host name of the ExternalSecret */
export const formerMergeSecretName = (externalSecret: string): string => formerly(externalSecret, mergeSuffix)

interface Named {
  readonly name: string
  readonly namespace: string
}

/** Who asks, and where its own objects are. */
interface Own {
  readonly vcluster: string
  readonly hostNamespace: string
}

/** Whether an object of the virtual cluster has its copy at a place on the host, by the settings of now or of another time. */
export type IsPlaceOf = (origin: Named, place: HostLocation, own: Own) => boolean

/** Of ExternalSecrets and SecretStores. Any namespace but the vCluster's may have been one that a virtual one is mapped to. */
export const isCopysPlace: IsPlaceOf = ({ name, namespace }, place, { vcluster, hostNamespace }) =>
  place.name === (place.namespace === hostNamespace ? hostName(name, namespace, vcluster) : name)

/** Of what specs refer to. Under former names there are copies to be removed. */
export const isReferencesPlace: IsPlaceOf = ({ name, namespace }, place, { vcluster, hostNamespace }) =>
  place.namespace === hostNamespace
    ? place.name === hostReferenceName(name, namespace, vcluster) ||
      place.name === formerly(hostName(name, namespace, vcluster), referenceSuffix)
    : place.name === mappedReferenceName(name, namespace, vcluster) || place.name === formerly(name, referenceSuffix)
