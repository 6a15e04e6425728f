/** What the tenant's SecretStores take along to the host. */
import { virtualSecretStores } from "../../external-secrets/store-caches.ts"
import { referentsOf } from "../../external-secrets/store-references.ts"
import type { Referrer } from "../../external-secrets/referrer.ts"
import { judgeSpec } from "./judge.ts"
import { isSelected } from "./observe.ts"

export const storeReferrer: Referrer = {
  cache: virtualSecretStores,
  referents: referentsOf,
  mayGoToHost: (store, _caches, context) =>
    store.metadata.deletionTimestamp === undefined &&
    isSelected(store, context) &&
    context.locate(store) !== undefined &&
    judgeSpec(store, context) === undefined,
  judgedBy: [],
}
