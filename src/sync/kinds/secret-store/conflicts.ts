/** What is known about one SecretStore of the tenant's, and whether the rules let it go to the host. */
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import type { Caches } from "../../engine/caches.ts"
import { storeConflict } from "../../external-secrets/store-conflict.ts"
import type { SyncContext } from "../../engine/context.ts"
import { referenceConflict } from "../../external-secrets/referents.ts"
import { referentsOf } from "../../external-secrets/store-references.ts"
import { matches } from "../../../effects/client/label-selector.ts"
import type { HostLocation } from "../../tenancy/names.ts"
import type { Refusal } from "../../tenancy/refusals.ts"
import { judgeSecretStore } from "./policy.ts"
import { normalize } from "../../tenancy/structural-schema.ts"

/** What fields the host's ESO does not have cannot be judged, so they do not go there: the API server would drop them anyway. */
export const knownSpec = (store: KubeObject, context: SyncContext): unknown =>
  normalize(context.hostSpecSchema("secretstores"), store["spec"])

export const isSelected = (store: KubeObject, { settings: { stores } }: SyncContext): boolean =>
  stores.enabled && matches(stores.selector, store.metadata.labels ?? {})

/** The rule that the spec breaks, if any. */
export const judge = (store: KubeObject, context: SyncContext): Refusal | undefined =>
  judgeSecretStore(store["spec"], {
    virtualNamespace: store.metadata.namespace ?? "",
    schema: context.hostSpecSchema("secretstores"),
    serviceAccounts: context.settings.serviceAccounts,
  })

/** Conflicts of the store itself and of what it refers to. */
export const hostConflict = (
  store: KubeObject,
  location: HostLocation,
  caches: Caches,
  context: SyncContext,
): Refusal | undefined => {
  const { name, namespace = "" } = store.metadata
  const own = storeConflict(location, { name, namespace }, caches, context)
  if (own !== undefined) return own
  for (const referent of referentsOf(store, context)) {
    const conflict = referenceConflict(referent, namespace, caches, context)
    if (conflict !== undefined) return conflict
  }
  return undefined
}
