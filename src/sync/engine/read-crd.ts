import type { KubeClient } from "../../effects/client/kube-client.ts"
import { orUndefined } from "../../effects/client/ignore-not-found.ts"
import { crdName, customResourceDefinitions } from "../resources.ts"

/** A CRD as it stands now; no cache is asked. Whole it has half a megabyte. */
export const readCrd = (client: KubeClient, plural: string, options: { readonly metadataOnly: boolean }) =>
  client.get(customResourceDefinitions, { name: crdName(plural) }, options).pipe(orUndefined)
