/**
 * What a copy on the host bears for metadata: marks of ours, and no key that a tenant wrote. Reflectors, replicators, GitOps tools, sidecars and
 * Helm act on labels and annotations there, and the host is the operator's (DESIGN §3).
 *
 * Should a policy name keys to carry (SyncPolicy), they are added here, for all copies alike.
 */
import { sortedEntries } from "../../effects/client/unstructured.ts"
import { createHash } from "node:crypto"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { lastAppliedAnnotation, metadataHashAnnotation } from "./labels.ts"
import { markAnnotations, markLabels } from "./ownership.ts"
import type { Tenancy } from "./ownership.ts"

type Entries = Readonly<Record<string, string>> | undefined

/** Labels and annotations as the tenant has them. */
export interface TenantMetadata {
  readonly labels?: Entries
  readonly annotations?: Entries
}

const withoutLastApplied = (entries: Entries): Entries => {
  const { [lastAppliedAnnotation]: _, ...rest } = entries ?? {}
  return rest
}

/**
 * Of the labels and annotations of a virtual object, and of whatever else of it the host does not see.
 *
 * @param wished labels and annotations that its spec asks for
 * @param unseen more of its spec
 */
export const metadataHash = (
  { metadata }: KubeObject,
  wished?: TenantMetadata,
  unseen: ReadonlyArray<unknown> = [],
): string =>
  createHash("sha256")
    .update(
      JSON.stringify([
        sortedEntries(metadata.labels),
        sortedEntries(withoutLastApplied(metadata.annotations)),
        ...(wished === undefined && unseen.length === 0
          ? []
          : [sortedEntries(wished?.labels), sortedEntries(wished?.annotations)]),
        ...unseen,
      ]),
    )
    .digest("hex")
    .slice(0, 32)

/** @param hash {@link metadataHash} */
export const hostMetadata = (
  virtual: KubeObject,
  hash: string,
  tenancy: Tenancy,
): { readonly labels: Record<string, string>; readonly annotations: Record<string, string> } => ({
  labels: markLabels(tenancy),
  annotations: { ...markAnnotations(virtual, tenancy), [metadataHashAnnotation]: hash },
})
