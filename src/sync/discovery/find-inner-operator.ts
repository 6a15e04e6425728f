/**
 * Whether an External Secrets Operator runs inside the virtual cluster. Best effort: one that was installed in a way of its own leaves no
 * trace that we know.
 */
import { Effect } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import { named } from "../../effects/client/field-selector.ts"
import type { KubeClient, Selection } from "../../effects/client/kube-client.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { objectKey } from "../../effects/client/kube-object.ts"
import type { Resource } from "../../effects/client/resource.ts"
import { valueAt } from "../../effects/client/unstructured.ts"
import { expiryOf, leaseResource, readLease } from "../../effects/leader-election/lease.ts"
import type { OperatorSearch } from "../tenancy/operator-search.ts"
import { workloadResources } from "./find-vcluster.ts"

/** Its chart's label; webhook and cert-controller have names of their own. */
const chartLabel: Selection = { labelSelector: "app.kubernetes.io/name=external-secrets" }
/** With leader election (off by default), in its own namespace; ESO 2.9 can give it another name (`cmd/controller/root.go`). */
const electionLease: Selection = { fieldSelector: named("external-secrets-controller") }

/** Of a Lease that names no duration (client-go's default). */
const defaultLeaseMs = 15_000

const look = (
  client: KubeClient,
  resource: Resource,
  selection: Selection,
  isAlive: (object: KubeObject) => boolean,
): Effect.Effect<OperatorSearch, ApiError> =>
  client.list(resource, selection).pipe(
    Effect.map(({ items }): OperatorSearch => ({
      traces: items.map((object) => ({ name: `${resource.kind} ${objectKey(object)}`, isAlive: isAlive(object) })),
      hidden: [],
    })),
    Effect.catchReason("ApiError", "Forbidden", () => Effect.succeed({ traces: [], hidden: [resource.kind] })),
  )

const hasReadyPod = (deployment: KubeObject): boolean => {
  const ready = valueAt(deployment, "status", "readyReplicas")
  return typeof ready === "number" && ready > 0
}

/**
 * @param virtual client of the virtual cluster
 * @param now milliseconds since the epoch
 */
export const findInnerOperator = Effect.fn("findInnerOperator")(function* (
  virtual: KubeClient,
  now: number,
): Effect.fn.Return<OperatorSearch, ApiError> {
  const isRenewed = (lease: KubeObject) => expiryOf(readLease(lease), defaultLeaseMs) > now
  const found = yield* Effect.all(
    [
      ...workloadResources
        .filter(({ kind }) => kind === "Deployment")
        .map((resource) => look(virtual, resource, chartLabel, hasReadyPod)),
      look(virtual, leaseResource, electionLease, isRenewed),
    ],
    { concurrency: "unbounded" },
  )
  return { traces: found.flatMap(({ traces }) => traces), hidden: found.flatMap(({ hidden }) => hidden) }
})
