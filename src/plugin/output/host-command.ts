/** Commands for the host that reach it also where the current context is the virtual cluster's, as `vcluster connect` leaves it. */
import type { ObjectReport } from "../../sync/engine/report.ts"
import { shellWord } from "./grant.ts"

/** @param context of the host in the kubeconfig; undefined: there is none (in a pod) */
export const namingHost =
  (context: string | undefined) =>
  (report: ObjectReport): ObjectReport => {
    const { fix } = report
    if (context === undefined || fix?.command === undefined || fix.cluster !== "host") return report
    const command = fix.command.replace(/^kubectl /, () => `kubectl --context ${shellWord(context)} `)
    return { ...report, fix: { ...fix, command } }
  }
