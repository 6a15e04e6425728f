/** The registry: what the Syncer syncs. Adding a kind is a module of its own and a line here. */
import { Layer } from "effect"
import { clusterSecretStoreKind } from "./cluster-secret-store/kind.ts"
import { eventKind, storeEventKind } from "./event/kind.ts"
import { externalSecretKind } from "./external-secret/kind.ts"
import { referencedConfigMapKind, referencedSecretKind } from "./referenced-object/kind.ts"
import { secretStoreKind } from "./secret-store/kind.ts"
import { Registry } from "../engine/registry.ts"
import type { SyncedKind } from "../engine/synced-kind.ts"
import { crdPrerequisites } from "./custom-resource-definition/ensure.ts"
import { webhookKind } from "./validating-webhook/kind.ts"

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

export const registryLayer = Layer.succeed(Registry, { kinds: syncedKinds, prerequisites: crdPrerequisites })
