/** `status` for programs. Within `v1alpha1` fields are only added. */
import { isGood, type StatusReport } from "../../sync/diagnose/status-report.ts"
import type { ObjectReport } from "../../sync/engine/report.ts"
import type { Health } from "../../sync/tenancy/object-health.ts"
import { sortProblems } from "./problems.ts"

export const dataVersion = "vcluster-es.io/v1alpha1"

const severity: Readonly<Record<Health, string>> = {
  synced: "info",
  waiting: "info",
  broken: "error",
  refused: "warning",
}

export const problemData = (report: ObjectReport) => ({
  severity: severity[report.health],
  health: report.health,
  object: {
    kind: report.kind,
    ...(report.namespace === undefined ? {} : { namespace: report.namespace }),
    name: report.name,
  },
  reason: report.reason,
  message: report.message,
  ...(report.since === undefined ? {} : { since: report.since }),
  ...(report.fix === undefined ? {} : { fix: report.fix }),
})

export const statusData = (report: StatusReport) => {
  const { holder, ...syncer } = report.syncer
  return {
    apiVersion: dataVersion,
    kind: "Status",
    healthy: isGood(report),
    vcluster: report.vcluster,
    syncer: holder === undefined ? syncer : { ...syncer, leader: holder },
    host: report.host,
    settings: report.settings,
    counts: Object.fromEntries(
      report.counts.map(({ kind, synced, waiting, broken, refused }) => [kind, { synced, waiting, broken, refused }]),
    ),
    problems: sortProblems(report.problems).map(problemData),
    notVisible: report.notVisible,
  }
}
