/** Names and terminations only: the schemas are large, and read in full where they are compared. */
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import type { Side } from "../../engine/actions.ts"
import type { Cache } from "../../engine/caches.ts"
import { customResourceDefinitions } from "../../resources.ts"

const nameAndTermination = ({ apiVersion, kind, metadata }: KubeObject): KubeObject => ({
  apiVersion,
  kind,
  metadata: {
    name: metadata.name,
    ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
    ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
    ...(metadata.deletionTimestamp === undefined ? {} : { deletionTimestamp: metadata.deletionTimestamp }),
  },
})

const crds = (name: string, side: Side): Cache => ({
  name,
  side,
  spec: () => ({
    resource: customResourceDefinitions,
    selection: { metadataOnly: true },
    indexes: {},
    transform: nameAndTermination,
  }),
})

export const hostCrds = crds("hostCrds", "host")
export const virtualCrds = crds("virtualCrds", "virtual")
