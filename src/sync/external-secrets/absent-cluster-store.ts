/** A ClusterSecretStore that is not on the host, though its kind may just not be served: what a decision that rests on it says of itself. */
import type { Decision } from "../engine/actions.ts"

export const restsOnAbsentClusterStore: Required<Pick<Decision, "restsOnAbsent">> = {
  restsOnAbsent: {
    plural: "clustersecretstores",
    otherwise: {
      health: "waiting",
      reason: "StoresUnknown",
      message:
        "the host does not serve ClusterSecretStores now (is External Secrets Operator being reinstalled?); nothing is deleted meanwhile",
    },
  },
}
