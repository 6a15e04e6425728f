/** What a Secret holds for the tenant. */
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import { stringMapAt, valueAt } from "../../../effects/client/unstructured.ts"
import { isRenderedDataKey } from "../../tenancy/rendered-keys.ts"

/** What ESO put into the host Secret for the tenant: some texts stand there only to become labels and annotations. */
export const sourceData = (source: KubeObject): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(stringMapAt(source, "data")).filter(([key]) => !isRenderedDataKey(key)))

export const isImmutable = (secret: KubeObject): boolean => valueAt(secret, "immutable") === true
