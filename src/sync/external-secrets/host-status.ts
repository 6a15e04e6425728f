/** What ESO says of a copy on the host, for the tenant's own object. */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { JsonRecord } from "../../effects/client/unstructured.ts"
import { recordAt } from "../../effects/client/unstructured.ts"
import { translateStatus } from "../tenancy/conditions.ts"
import type { Translate } from "../tenancy/message-translation.ts"

/**
 * @param target name of the Secret in the virtual cluster, where the status names one
 * @returns undefined until ESO has said something: an absent status on the host is not news
 */
export const hostStatus = (host: KubeObject, target: string, translate: Translate): JsonRecord | undefined => {
  const status = recordAt(host, "status")
  return status === undefined || Object.keys(status).length === 0
    ? undefined
    : translateStatus(status, target, translate)
}
