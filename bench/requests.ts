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

/** Per object; `count` is how many were made in that time. */
export const requestsPerObject = (lines: Lines, agent: string, count: number): Requests => {
  const isIts = byAgent(agent)
  const sides = [
    { side: "host", entries: lines.host },
    { side: "virtual", entries: lines.virtual },
  ]
  const kinds = new Map<string, number>()
  let gets = 0
  for (const { side, entries } of sides) {
    for (const entry of entries) {
      if (!isIts(entry) || entry.stage !== "ResponseComplete" || !objects.has(entry.objectRef?.resource ?? "")) continue
      if (isWrite(entry)) kinds.set(kindOf(side, entry), (kinds.get(kindOf(side, entry)) ?? 0) + 1)
      else if (entry.verb === "get") gets++
    }
  }
  const writes = [...kinds.values()].reduce((sum, one) => sum + one, 0)
  return {
    gets: gets / count,
    writes: writes / count,
    byKind: Object.fromEntries([...kinds].map(([kind, number]) => [kind, number / count])),
  }
}
