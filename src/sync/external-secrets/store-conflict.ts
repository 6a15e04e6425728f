/** Whose SecretStore stands on the host under the name that the copy of a tenant's one needs. */
import { keyOf } from "../../effects/client/kube-object.ts"
import type { Caches } from "../engine/caches.ts"
import type { SyncContext } from "../engine/context.ts"
import type { HostLocation } from "../tenancy/names.ts"
import { originOf } from "../tenancy/ownership.ts"
import { Refusal } from "../tenancy/refusals.ts"
import { hostSecretStores } from "./store-caches.ts"

/** What stands under the name that we need must be ours (DESIGN §3, §6). */
export const storeConflict = (
  location: HostLocation,
  virtual: { readonly namespace: string; readonly name: string },
  caches: Caches,
  context: SyncContext,
): Refusal | undefined => {
  const standing = caches.of(hostSecretStores).get(keyOf(location.namespace, location.name))
  if (standing === undefined) return undefined
  const origin = originOf(standing, context.tenancy)
  if (origin === undefined)
    return new Refusal({
      reason: "HostObjectNotOurs",
      message: `the host already has a SecretStore ${location.name} that does not belong to this vCluster; rename SecretStore ${virtual.name}`,
    })
  return origin.key === keyOf(virtual.namespace, virtual.name)
    ? undefined
    : new Refusal({
        reason: "HostNameTaken",
        message: `SecretStore ${origin.key} translates to the same host name ${location.name}; rename one of the two`,
      })
}
