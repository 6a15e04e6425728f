import type { KubeClient } from "../../effects/client/kube-client.ts"
import { orUndefined } from "../../effects/client/ignore-not-found.ts"
import { crdName, customResourceDefinitions } from "../resources.ts"

/** A CRD as it stands now, without what it says; no cache is asked. */
export const readCrd = (client: KubeClient, plural: string) =>
  client.get(customResourceDefinitions, { name: crdName(plural) }, { metadataOnly: true }).pipe(orUndefined)
