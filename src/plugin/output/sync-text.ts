/** What `sync` says: one line for a pass, one for each change, a diff for a dry run. */
import type { PlannedChange } from "../../sync/diagnose/plan.ts"
import type { Change, ObjectReport } from "../../sync/engine/report.ts"
import type { Health } from "../../sync/tenancy/object-health.ts"
import { countByHealth } from "../../sync/engine/report.ts"
import { formatClock, formatElapsed } from "./age.ts"
import { diffObjects } from "./diff.ts"
import { escapeText } from "./escape.ts"
import { toJsonLine } from "./print-object.ts"
import { type Canvas, renderProblems, sortProblems } from "./problems.ts"
import { problemData } from "./status-data.ts"
import { paint, type Style, symbol, toLocale } from "./style.ts"

/** One pass, when it is over. */
export interface PassReport {
  readonly objects: ReadonlyArray<ObjectReport>
  readonly changes: ReadonlyArray<Change>
  readonly elapsedMs: number
}

/** What users ask about first; kinds that are not named here follow. */
const kindOrder = ["ExternalSecret", "SecretStore", "ClusterSecretStore"]

const rankOf = (kind: string): number => {
  const place = kindOrder.indexOf(kind)
  return place === -1 ? kindOrder.length : place
}

const byKind = (reports: ReadonlyArray<ObjectReport>): ReadonlyArray<readonly [string, ReadonlyArray<ObjectReport>]> =>
  [...Map.groupBy(reports, (report) => report.kind)].toSorted(([a], [b]) => rankOf(a) - rankOf(b))

const plural = (count: number, kind: string): string => `${count} ${kind}${count === 1 ? "" : "s"}`

const tally = (objects: ReadonlyArray<ObjectReport>): string => {
  const parts = byKind(objects).map(([kind, reports]) => {
    const { synced } = countByHealth(reports)
    return synced === reports.length
      ? plural(synced, escapeText(kind))
      : `${synced} of ${plural(reports.length, escapeText(kind))}`
  })
  return parts.length === 0 ? "nothing to sync" : parts.join(", ")
}

const writes = (changes: ReadonlyArray<Change>): string =>
  (["created", "updated", "deleted"] as const)
    .map((verb) => `${changes.filter((change) => change.verb === verb).length} ${verb}`)
    .join(", ")

const troubles = (objects: ReadonlyArray<ObjectReport>): string => {
  const counts = countByHealth(objects)
  return (["broken", "refused", "waiting"] as const satisfies ReadonlyArray<Health>)
    .filter((health) => counts[health] > 0)
    .map((health) => `${counts[health]} ${health}`)
    .join(", ")
}

/** Whether a pass has reached what it is for. */
export const isInStep = (pass: Pick<PassReport, "objects">): boolean => sortProblems(pass.objects).length === 0

/** `✓ in step: 41 ExternalSecrets, 2 ClusterSecretStores (6 created, 1 updated, 0 deleted) in 2.1s` */
export const renderPassLine = (pass: PassReport, style: Style): string => {
  const inStep = isInStep(pass)
  const what = `${tally(pass.objects)} (${writes(pass.changes)}) in ${formatElapsed(pass.elapsedMs)}`
  return inStep
    ? `${symbol(style, "ok")} in step: ${toLocale(style, what)}\n`
    : `${symbol(style, "broken")} not in step: ${toLocale(style, what)}; ${troubles(pass.objects)}\n`
}

/** The line, and each object that is not in step, in full. */
export const renderPass = (pass: PassReport, canvas: Canvas): string =>
  renderPassLine(pass, canvas.style) +
  renderProblems(pass.objects, canvas, true)
    .map((line) => `${line}\n`)
    .join("")

/** A pass as one line of JSON: the numbers, and what is not in step. */
export const passLine = (pass: PassReport, atMs: number): string =>
  toJsonLine({
    time: new Date(atMs).toISOString(),
    kind: "Pass",
    inStep: isInStep(pass),
    counts: Object.fromEntries(byKind(pass.objects).map(([kind, reports]) => [kind, countByHealth(reports)])),
    changes: pass.changes.length,
    elapsedMs: pass.elapsedMs,
    problems: sortProblems(pass.objects).map(problemData),
  })

const placeOf = (change: Pick<Change, "namespace" | "name">): string =>
  escapeText(change.namespace === undefined ? change.name : `${change.namespace}/${change.name}`)

/** `09:14:02 rotated  virtual Secret production/db-credentials` */
export const renderChange = (change: Change, atMs: number, style: Style): string => {
  const word = (change.note ?? (change.verb === "status" ? "told" : change.verb)).padEnd(8)
  const what = change.verb === "status" ? `status of ${change.kind}` : change.kind
  return `${paint(style, "dim", formatClock(atMs))} ${escapeText(word)} ${change.side} ${escapeText(what)} ${placeOf(change)}\n`
}

/** The same as one line of JSON. */
export const changeLine = (change: Change, atMs: number): string =>
  toJsonLine({ time: new Date(atMs).toISOString(), kind: "Change", change })

const sign = { created: "+", updated: "~", status: "~", deleted: "-" } as const
const toneOf = { created: "good", updated: "warning", status: "warning", deleted: "bad" } as const

const titleOf = (change: Change): string =>
  escapeText([change.side, change.kind, change.namespace, change.name].filter((part) => part !== undefined).join("/"))

const colorLine = (style: Style, line: string): string => {
  if (line.startsWith("+")) return paint(style, "good", line)
  if (line.startsWith("-")) return paint(style, "bad", line)
  return line.startsWith("@@") ? paint(style, "dim", line) : line
}

/** The diffs, then one line a change and the sum of them. */
export const renderDryRun = (planned: ReadonlyArray<PlannedChange>, style: Style): string => {
  if (planned.length === 0) return `${symbol(style, "ok")} in step: nothing would change\n`
  const diffs = planned.flatMap(({ change, before, after }) => diffObjects(titleOf(change), before, after))
  const list = planned.map(({ change }) => {
    const what = change.verb === "status" ? `status of ${change.kind}` : change.kind
    return paint(
      style,
      toneOf[change.verb],
      `${sign[change.verb]} ${change.side} ${escapeText(what)} ${placeOf(change)}`,
    )
  })
  const changes = planned.map(({ change }) =>
    change.verb === "status" ? { ...change, verb: "updated" as const } : change,
  )
  const lines = [
    ...diffs.map((line) => colorLine(style, line)),
    "",
    ...list,
    "",
    `would change: ${writes(changes)}; nothing was written`,
  ]
  return `${lines.join("\n")}\n`
}
