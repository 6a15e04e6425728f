/**
 * CRDs of somebody else's whose objects are converted by a webhook: what an External Secrets Operator leaves behind that was once
 * installed in the virtual cluster. Ours have no conversion.
 */
import { Effect } from "effect"
import type { ApiError } from "../../../effects/client/api-error.ts"
import type { KubeClient } from "../../../effects/client/kube-client.ts"
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import { stringAt, valueAt } from "../../../effects/client/unstructured.ts"
import { ConversionBroken } from "../../engine/errors.ts"
import { isOurCrd, resourceOf, servedVersions } from "./to-virtual.ts"

const webhookOf = (crd: KubeObject): string => {
  const config = valueAt(crd, "spec", "conversion", "webhook", "clientConfig")
  const service = [stringAt(config, "service", "namespace"), stringAt(config, "service", "name")]
  return service.every((part) => part !== undefined) ? `Service ${service.join("/")}` : (stringAt(config, "url") ?? "")
}

/** The API server's words (`apiextensions-apiserver`, `conversion/webhook_converter.go`): it converts whenever the stored version is another one. */
const tellsOfConversion = ({ detail }: ApiError): boolean => detail.includes("conversion webhook")

/**
 * Whether objects can be read at a version. One is asked for: only where there is one does the API server convert anything, and only then a webhook
 * that is not there does harm.
 */
export const checkConversion = (
  client: KubeClient,
  crd: KubeObject,
  version: string,
): Effect.Effect<void, ConversionBroken> => {
  if (isOurCrd(crd) || stringAt(crd, "spec", "conversion", "strategy") !== "Webhook") return Effect.void
  if (!servedVersions(crd).includes(version)) return Effect.void
  return client.list(resourceOf(crd, version), { metadataOnly: true, limit: 1 }).pipe(
    Effect.asVoid,
    // Whatever else goes wrong is told by whoever reads them in earnest.
    Effect.catch((error) =>
      tellsOfConversion(error)
        ? Effect.fail(new ConversionBroken({ crd: crd.metadata.name, webhook: webhookOf(crd), detail: error.detail }))
        : Effect.void,
    ),
  )
}
