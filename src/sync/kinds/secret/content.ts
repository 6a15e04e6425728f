/** What a Secret holds for the tenant. */
import { createHash } from "node:crypto"
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import { sortedEntries, stringMapAt, valueAt } from "../../../effects/client/unstructured.ts"
import { writtenAnnotation } from "../../tenancy/labels.ts"
import { isRenderedDataKey } from "../../tenancy/rendered-keys.ts"

/** What ESO put into the host Secret for the tenant: some texts stand there only to become labels and annotations. */
export const sourceData = (source: KubeObject): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(stringMapAt(source, "data")).filter(([key]) => !isRenderedDataKey(key)))

export const isImmutable = (secret: KubeObject): boolean => valueAt(secret, "immutable") === true

type Entries = Readonly<Record<string, string>>

/** Of which labels and annotations we have asked for: what admission made of them is then known from an edit. */
export const writtenMark = ({
  annotations,
  labels,
}: {
  readonly annotations: Entries
  readonly labels: Entries
}): Entries => {
  const asked = [labels, annotations].map(sortedEntries)
  if (asked.every(({ length }) => length === 0)) return {}
  return { [writtenAnnotation]: createHash("sha256").update(JSON.stringify(asked)).digest("hex").slice(0, 16) }
}
