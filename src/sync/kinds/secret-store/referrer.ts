/** What the tenant's SecretStores take along to the host. */
import { hostSecretStores, virtualSecretStores } from "../../external-secrets/store-caches.ts"
import { referentsOf } from "../../external-secrets/store-references.ts"
import { agreedReferents } from "../../external-secrets/agreed-base.ts"
import type { Referrer } from "../../external-secrets/referrer.ts"
import { copiesAsReferrers, ownNamespace } from "../../external-secrets/referrer.ts"
import { judgeSpec } from "./judge.ts"
import { isSelected } from "./observe.ts"

export const storeReferrer: Referrer = {
  cache: virtualSecretStores,
  namespaceOf: ownNamespace,
  referents: referentsOf,
  mayGoToHost: (store, _caches, context) =>
    store.metadata.deletionTimestamp === undefined &&
    isSelected(store, context) &&
    context.locate(store) !== undefined &&
    judgeSpec(store, context) === undefined,
  judgedBy: [],
}

export const agreedStoreReferrer: Referrer = copiesAsReferrers(virtualSecretStores, hostSecretStores, agreedReferents)
