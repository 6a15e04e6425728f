/** What the operator has loosened for a vCluster (DESIGN §6): rule by rule, each denied by default. */

export interface Policy {
  /** `allow`: any ClusterSecretStore of the host, imported or not (how the paid build behaves). */
  readonly unimportedClusterStores: "deny" | "allow"
}

export const defaultPolicy: Policy = { unimportedClusterStores: "deny" }
