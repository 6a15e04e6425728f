/** What one new ExternalSecret costs in requests, out of the audit logs of both API servers. */
import { type AuditEntry, byAgent, isWrite } from "../test/clusters/audit-log.ts"
import type { Lines } from "./phases.ts"

export interface Requests {
  /** Reads of single objects; the lists and watches of the start are not among them. */
  readonly gets: number
  readonly writes: number
  /** The writes by what they do, e.g. `virtual patch externalsecrets/status` → 1. */
  readonly byKind: Readonly<Record<string, number>>
}

/** What is asked and written for its own sake (Lease, CRDs, discovery) is not an object's cost. */
const objects = new Set(["externalsecrets", "secrets", "events"])

const kindOf = (side: string, { verb, objectRef }: AuditEntry): string =>
  `${side} ${verb} ${[objectRef?.resource, objectRef?.subresource].filter((part) => part !== undefined).join("/")}`

/** What is read before the first ExternalSecret is written, the vCluster's own Secrets say, is the cost of the start. */
const firstWrite = (entries: ReadonlyArray<AuditEntry>): string =>
  entries
    .filter((entry) => isWrite(entry) && entry.objectRef?.resource === "externalsecrets")
    .map((entry) => entry.requestReceivedTimestamp)
    .reduce((first, time) => (time < first ? time : first), "9999")

/** Per object; `count` is how many were made in that time. */
export const requestsPerObject = (lines: Lines, agent: string, count: number): Requests => {
  const counts = (entry: AuditEntry) =>
    byAgent(agent)(entry) && entry.stage === "ResponseComplete" && objects.has(entry.objectRef?.resource ?? "")
  const host = lines.host.filter(counts)
  const virtual = lines.virtual.filter(counts)
  const since = firstWrite(host)
  const gets = [...host, ...virtual].filter((entry) => entry.verb === "get" && entry.requestReceivedTimestamp >= since)
  const writes = [
    ...host.filter(isWrite).map((entry) => kindOf("host", entry)),
    ...virtual.filter(isWrite).map((entry) => kindOf("virtual", entry)),
  ]
  const kinds = new Map<string, number>()
  for (const kind of writes) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  return {
    gets: gets.length / count,
    writes: writes.length / count,
    byKind: Object.fromEntries([...kinds].map(([kind, number]) => [kind, number / count])),
  }
}
