/** All that is to be known of one SecretStore of the tenant's: itself, its copies, and what stands under the names that it needs. */
import type { KubeObject, ObjectKey } from "../../../effects/client/kube-object.ts"
import { keyOf, objectKey } from "../../../effects/client/kube-object.ts"
import { matches } from "../../../effects/client/label-selector.ts"
import type { Caches } from "../../engine/caches.ts"
import type { SyncContext } from "../../engine/context.ts"
import { vclusterService } from "../../engine/vcluster-service.ts"
import { heardOf, regardedStores } from "../../external-secrets/involved-object.ts"
import type { ObservedReferent } from "../../external-secrets/referents.ts"
import { observeReferents } from "../../external-secrets/referents.ts"
import { hostSecretStores, virtualSecretStores } from "../../external-secrets/store-caches.ts"
import { referentsOf } from "../../external-secrets/store-references.ts"
import { storeText } from "../../external-secrets/tenant-text.ts"
import type { Translate } from "../../tenancy/message-translation.ts"
import type { HostLocation } from "../../tenancy/names.ts"
import { isHandedOver, isLeftoverOf } from "../../tenancy/vcluster-leftover.ts"

export interface Observed {
  readonly key: ObjectKey
  readonly context: SyncContext
  /** The vCluster's; undefined: it is away. */
  readonly service: KubeObject | undefined
  /** Host objects that say they are the copy of this key; more than one after a change of the namespace mapping. */
  readonly copies: ReadonlyArray<KubeObject>
  /** undefined: there is none in the virtual cluster (any more) */
  readonly virtual: KubeObject | undefined
  /** What vCluster's own integration left of one that is gone. */
  readonly abandoned: ReadonlyArray<KubeObject>
  readonly isSelected: boolean
  /** undefined: not selected, or its namespace has no place on the host */
  readonly onHost: OnHost | undefined
}

export interface OnHost {
  readonly location: HostLocation
  /** What stands there, whosever it is. */
  readonly standing: KubeObject | undefined
  /** Whether vCluster's own integration left it, and the operator has handed it over. */
  readonly isHandedOver: boolean
  /** The one of the copies that is where it should be. */
  readonly copy: KubeObject | undefined
  readonly references: ReadonlyArray<ObservedReferent>
  /** ESO's events about the copy. */
  readonly heard: ReadonlyArray<KubeObject>
  /** For what is said on the host. Looks other names up as they come. */
  readonly translate: Translate
}

export const isSelected = (store: KubeObject, { settings: { stores } }: SyncContext): boolean =>
  stores.enabled && matches(stores.selector, store.metadata.labels ?? {})

const observeHost = (
  virtual: KubeObject,
  copies: ReadonlyArray<KubeObject>,
  caches: Caches,
  context: SyncContext,
): OnHost | undefined => {
  const location = context.locate(virtual)
  if (location === undefined) return undefined
  const place = keyOf(location.namespace, location.name)
  const copy = copies.find((each) => objectKey(each) === place)
  const standing = caches.of(hostSecretStores).get(place)
  return {
    location,
    standing,
    isHandedOver:
      standing !== undefined && isLeftoverOf(standing, objectKey(virtual), context.tenancy) && isHandedOver(standing),
    copy,
    references: observeReferents(referentsOf(virtual, context), virtual.metadata.namespace ?? "", caches, context),
    heard: copy === undefined ? [] : heardOf(copy, caches, regardedStores),
    translate: storeText(virtual, location, caches, context),
  }
}

export const observe = (key: ObjectKey, caches: Caches, context: SyncContext): Observed => {
  const known = caches.of(virtualSecretStores).get(key)
  const virtual = known?.metadata.deletionTimestamp === undefined ? known : undefined
  const copies = caches.of(hostSecretStores).byIndex("origin", key)
  const selected = virtual !== undefined && isSelected(virtual, context)
  return {
    key,
    context,
    service: vclusterService(caches, context),
    copies,
    virtual,
    abandoned: known === undefined ? caches.of(hostSecretStores).byIndex("leftover", key) : [],
    isSelected: selected,
    onHost: selected ? observeHost(virtual, copies, caches, context) : undefined,
  }
}
