/** The registry: what the Syncer syncs. Adding a kind is a module of its own and a line here. */
import { Layer } from "effect"
import { clusterSecretStoreKind } from "./cluster-secret-store/kind.ts"
import { eventKind, storeEventKind } from "./event/kind.ts"
import { externalSecretKind } from "./external-secret/kind.ts"
import { referencedConfigMapKind, referencedSecretKind } from "./referenced-object/kind.ts"
import { secretStoreKind } from "./secret-store/kind.ts"
import { readCaches, Registry } from "../engine/registry.ts"
import type { SyncedKind } from "../engine/synced-kind.ts"
import { crdPrerequisites } from "./custom-resource-definition/ensure.ts"
import { webhookKind } from "./validating-webhook/kind.ts"
import type { Cache } from "../engine/caches.ts"

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

const registry: Registry["Service"] = { kinds: syncedKinds, prerequisites: crdPrerequisites }

export const registryLayer = Layer.succeed(Registry, registry)

/** All that the kinds read, and the CRDs. */
export const syncedCaches: ReadonlyArray<Cache> = readCaches(registry)
