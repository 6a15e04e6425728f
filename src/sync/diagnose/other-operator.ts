/** Reports of objects that are left to an operator inside the virtual cluster, once it is known what a search for it has found. */
import { keyOf } from "../../effects/client/kube-object.ts"
import type { ObjectReport } from "../engine/report.ts"
import { virtualExternalSecrets } from "../external-secrets/external-secret-caches.ts"
import { otherOperator } from "../external-secrets/other-operator.ts"
import { refusedVerdict } from "../external-secrets/verdicts.ts"
import type { OperatorSearch } from "../tenancy/operator-search.ts"
import type { Observation } from "./snapshot.ts"

export const isOfOtherOperator = ({ reason }: ObjectReport): boolean =>
  reason === "ManagedByOtherOperator" || reason === "OtherOperatorSilent"

/** @param now milliseconds since the epoch */
export const searchedFor = (
  observation: Pick<Observation, "caches" | "reports">,
  search: OperatorSearch,
  now: number,
): ReadonlyArray<ObjectReport> =>
  observation.reports.map((report) => {
    if (!isOfOtherOperator(report)) return report
    const virtual = observation.caches.of(virtualExternalSecrets).get(keyOf(report.namespace, report.name))
    const refusal = virtual === undefined ? undefined : otherOperator(virtual, now, search)
    return refusal === undefined ? report : { ...report, ...refusedVerdict(refusal) }
  })
