/**
 * Names on the host: vCluster's own scheme, so that operators recognise them (loft-sh/vcluster, `pkg/util/translate`), and
 * two suffixes of ours for Secrets, so that vCluster never takes them for its own.
 *
 * The scheme is not injective (`a-x-b` in `c` and `a` in `b-x-c`): a name proves nothing, the annotations of `ownership.ts` do.
 */
import { createHash } from "node:crypto"

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

const suffixed = (name: string, suffix: string): string => {
  if (name === "" || Buffer.byteLength(name) + suffix.length <= objectBytes) return name === "" ? "" : name + suffix
  // 11: the dash and the ten digits that `shorten` adds.
  return shorten(name, objectBytes - suffix.length - 11) + suffix
}

/**
 * Host name of the Secret that ESO writes, at most 66 bytes. vCluster's own names end in the vCluster's name, a DNS label, or in
 * hexadecimal digits: never in `.es`.
 */
export const hostSecretName = (target: string, namespace: string, vcluster: string): string =>
  suffixed(hostName(target, namespace, vcluster), secretSuffix)

/** Host name of a Secret or ConfigMap that is copied because a spec refers to it. */
export const hostReferenceName = (name: string, namespace: string, vcluster: string): string =>
  suffixed(hostName(name, namespace, vcluster), referenceSuffix)

/**
 * Host name of the Secret that ESO writes for an ExternalSecret that merges (`creationPolicy: Merge`): named by the ExternalSecret, since
 * several may merge into one Secret. No name of vCluster's scheme ends in `.merge`, so no target translates to it; among mapped names,
 * which are kept, one that does is refused like any other name that is taken.
 *
 * @param externalSecret the host name of the ExternalSecret
 */
export const mergeSecretName = (externalSecret: string): string => suffixed(externalSecret, mergeSuffix)

/** As {@link hostSecretName} in a mapped namespace, where names are kept but for the suffix; shortened when over 253 bytes. */
export const mappedSecretName = (target: string): string => suffixed(target, secretSuffix)

/** As {@link hostReferenceName} in a mapped namespace. */
export const mappedReferenceName = (name: string): string => suffixed(name, referenceSuffix)
