/** What the settings say about the sync: the part of vcluster.yaml that decisions rest on. */
import type { LabelSelector } from "../../effects/client/label-selector.ts"
import type { NamespaceSettings } from "./namespace-mapping.ts"

/** Whether objects of a kind are synced, and which. */
export interface Selection {
  readonly enabled: boolean
  readonly selector: LabelSelector
}

/** As the mapping has it: host `team/db` or `/db`, virtual `default/db`. */
export interface ImportedSecret {
  readonly host: string
  readonly virtual: string
}

export interface SyncSettings {
  /** `enabled` is false only in the shape of vCluster 0.21–0.26 (`sync.externalSecrets.enabled: false`). */
  readonly externalSecrets: Selection
  readonly stores: Selection
  readonly clusterStores: Selection
  readonly namespaces: NamespaceSettings
  /** The tenant's ServiceAccounts exist on the host (`sync.toHost.serviceAccounts.enabled`). */
  readonly serviceAccounts: boolean
  /** Secrets of the host that vCluster itself writes in the virtual cluster (`sync.fromHost.secrets.mappings.byName`): those named one by one. */
  readonly importedSecrets: ReadonlyArray<ImportedSecret>
  /** ESO's validating webhooks in the virtual cluster. */
  readonly webhook: boolean
  /** CRD version for the virtual cluster; undefined: the host's storage version. */
  readonly version: string | undefined
}
