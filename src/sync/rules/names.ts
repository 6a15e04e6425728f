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
const maxBytes = 63
const keptBytes = 52

/**
 * vCluster's `SafeConcatName`: joined by `-`; when longer than 63 bytes, the first 52 bytes, `-` and 10 hexadecimal digits of the
 * sha256 of the whole, in which every `.-` becomes `-`.
 */
export const safeConcatName = (...parts: ReadonlyArray<string>): string => {
  const full = parts.join("-")
  const bytes = new TextEncoder().encode(full)
  if (bytes.length <= maxBytes) return full
  const digest = createHash("sha256").update(bytes).digest("hex").slice(0, 10)
  return `${new TextDecoder().decode(bytes.subarray(0, keptBytes))}-${digest}`.replaceAll(".-", "-")
}

/** Host name of a namespaced object: `NAME-x-NAMESPACE-x-VCLUSTER`. An empty name stays empty, as in vCluster. */
export const hostName = (name: string, namespace: string, vcluster: string): string =>
  name === "" ? "" : safeConcatName(name, "x", namespace, "x", vcluster)

/** Host name of the Secret that ESO writes. vCluster's names end in the vCluster's name or a hash, so never in `.es`. */
export const hostSecretName = (target: string, namespace: string, vcluster: string): string =>
  `${hostName(target, namespace, vcluster)}.es`

/** Host name of a Secret or ConfigMap that is copied because a spec refers to it. */
export const hostReferenceName = (name: string, namespace: string, vcluster: string): string =>
  `${hostName(name, namespace, vcluster)}.ref`
