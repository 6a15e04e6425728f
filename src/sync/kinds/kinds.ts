/** The registry: what the Syncer syncs. Adding a kind is a folder of its own and a line here; what one kind needs of another is handed to it here. */
import { Layer } from "effect"
import type { Cache } from "../engine/caches.ts"
import { readCaches, type Registered, Registry, syncedPlurals } from "../engine/registry.ts"
import type { SyncSettings } from "../tenancy/sync-settings.ts"
import type { SyncedKind } from "../engine/synced-kind.ts"
import { clusterSecretStoreKind } from "./cluster-secret-store/kind.ts"
import { crdPrerequisites } from "./custom-resource-definition/prerequisites.ts"
import { eventKind, storeEventKind } from "./event/kind.ts"
import { makeExternalSecretKind } from "./external-secret/kind.ts"
import { acceptedExternalSecretReferrer, externalSecretReferrer } from "./external-secret/referrer.ts"
import { makeReferencedConfigMapKind, makeReferencedSecretKind } from "./referenced-object/kind.ts"
import { secretStoreKind } from "./secret-store/kind.ts"
import { agreedStoreReferrer, storeReferrer } from "./secret-store/referrer.ts"
import { targetSecrets } from "./secret/to-virtual.ts"
import { webhookKind } from "./validating-webhook/kind.ts"

const referrers = [storeReferrer, agreedStoreReferrer, externalSecretReferrer, acceptedExternalSecretReferrer]

export const referencedSecretKind = makeReferencedSecretKind(referrers)
export const referencedConfigMapKind = makeReferencedConfigMapKind(referrers)
export const externalSecretKind = makeExternalSecretKind(targetSecrets)

export const syncedKinds: ReadonlyArray<SyncedKind> = [
  referencedSecretKind,
  referencedConfigMapKind,
  externalSecretKind,
  secretStoreKind,
  clusterSecretStoreKind,
  webhookKind,
  eventKind,
  storeEventKind,
]

const registry: Registered = { kinds: syncedKinds, prerequisites: crdPrerequisites }

/** For the check of settings. */
export const syncedBy = (settings: SyncSettings): ReadonlySet<string> => syncedPlurals(registry, settings)

export const registryLayer = Layer.succeed(Registry, registry)

/** All that the kinds read, and the CRDs. */
export const syncedCaches: ReadonlyArray<Cache> = readCaches(registry)
