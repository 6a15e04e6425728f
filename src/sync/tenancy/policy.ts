/** What the operator has loosened for a vCluster (DESIGN §6): rule by rule, each denied by default. */

export interface Policy {
  /** `allow`: any ClusterSecretStore of the host, imported or not (how the paid build behaves). */
  readonly unimportedClusterStores: "deny" | "allow"
  /** What becomes of a tenant's Secret when the authorisation for it is withdrawn: by default it stays as it is. */
  readonly revocation: "Retain" | "Delete"
}

export const defaultPolicy: Policy = { unimportedClusterStores: "deny", revocation: "Retain" }
