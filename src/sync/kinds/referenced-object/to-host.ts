/** The host copy of a Secret or ConfigMap that a spec refers to. */
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import { referenceLabel } from "../../tenancy/labels.ts"
import type { HostLocation } from "../../tenancy/names.ts"
import { renderedKeysMark } from "../../tenancy/rendered-keys.ts"
import { markAnnotations, markLabels, ownedByService } from "../../tenancy/ownership.ts"
import type { Tenancy } from "../../tenancy/ownership.ts"

/**
 * What should stand on the host, but for the data and what is known of it.
 *
 * @param rendered keys whose texts become labels or annotations: ESO finds them under keys of ours, too
 */
export const copyWithoutData = (
  source: KubeObject,
  location: HostLocation,
  kind: "Secret" | "ConfigMap",
  tenancy: Tenancy,
  service: KubeObject | undefined,
  rendered: ReadonlyArray<string>,
): KubeObject => ({
  apiVersion: "v1",
  kind,
  metadata: {
    ...location,
    labels: { ...markLabels(tenancy), [referenceLabel]: "true" },
    annotations: { ...markAnnotations(source, tenancy), ...renderedKeysMark(rendered) },
    ownerReferences: ownedByService(service, location.namespace),
  },
  // Whatever the tenant's is: a control plane acts on some types, and ESO reads the data only.
  ...(kind === "Secret" ? { type: "Opaque" } : {}),
})
