/** The registry: what the Syncer syncs. Adding a kind is a module of its own and a line here. */
import { clusterSecretStoreKind } from "./cluster-secret-store-to-virtual.ts"
import { eventKind } from "./event-to-virtual.ts"
import { externalSecretKind } from "./external-secret.ts"
import type { SyncedKind } from "./synced-kind.ts"

export const syncedKinds: ReadonlyArray<SyncedKind> = [externalSecretKind, clusterSecretStoreKind, eventKind]
