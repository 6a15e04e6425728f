/** The registry: what the Syncer syncs. Adding a kind is a module of its own and a line here. */
import { clusterSecretStoreKind } from "./cluster-secret-store-to-virtual.ts"
import { eventKind, storeEventKind } from "./event-to-virtual.ts"
import { externalSecretKind } from "./external-secret.ts"
import { referencedConfigMapKind, referencedSecretKind } from "./reference-to-host.ts"
import { secretStoreKind } from "./secret-store.ts"
import type { SyncedKind } from "./synced-kind.ts"
import { webhookKind } from "./webhook-to-virtual.ts"

export const syncedKinds: ReadonlyArray<SyncedKind> = [
  referencedSecretKind,
  referencedConfigMapKind,
  secretStoreKind,
  externalSecretKind,
  clusterSecretStoreKind,
  webhookKind,
  eventKind,
  storeEventKind,
]
