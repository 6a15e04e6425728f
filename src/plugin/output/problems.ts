/** What is not in step, one paragraph an object: what, why, since when, and what to do. `status` and `sync` share it. */
import type { ObjectReport } from "../../sync/engine/report.ts"
import type { Health } from "../../sync/tenancy/object-health.ts"
import { ageOf } from "./age.ts"
import { cutEnd, cutMiddle, escapeText, textWidth } from "./escape.ts"
import { type Style, symbol, type Symbol, toLocale } from "./style.ts"

export interface Canvas {
  readonly style: Style
  /** Columns of the terminal; undefined when nobody looks: then nothing is cut or wrapped. */
  readonly columns: number | undefined
  readonly nowMs: number
}

const symbolOf: Readonly<Record<Health, Symbol>> = {
  synced: "ok",
  waiting: "waiting",
  broken: "broken",
  refused: "warning",
}

const rank: Readonly<Record<Health, number>> = { broken: 0, refused: 1, waiting: 2, synced: 3 }

/** Messages of ESO repeat whole answers of a provider's API. */
const longestMessage = 600
const widestSubject = 48
/** More than that nobody reads; `-o wide` and `-o json` have them all. */
const mostProblems = 20

/** `namespace/name` for an ExternalSecret, the kind before it for all others. */
export const subjectOf = (report: Pick<ObjectReport, "kind" | "namespace" | "name">): string => {
  const path = escapeText(report.namespace === undefined ? report.name : `${report.namespace}/${report.name}`)
  return report.kind === "ExternalSecret" ? path : `${escapeText(report.kind)} ${path}`
}

/** Breaks at spaces; a word that is longer than a line stays whole, so that it can be copied. */
const wrap = (text: string, first: number, next: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of text.split(" ")) {
    const last = lines.at(-1)
    const room = lines.length === 1 ? first : next
    if (last !== undefined && textWidth(last) + 1 + textWidth(word) <= room) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

const indent = "    "

/** Words are wrapped, the command is not: it is there to be copied. */
const fixSteps = (report: ObjectReport, columns: number | undefined): ReadonlyArray<string> => {
  const { text = "", command = "" } = report.fix ?? {}
  const room = (columns ?? Number.POSITIVE_INFINITY) - indent.length - "fix   ".length
  return [...(text === "" ? [] : wrap(escapeText(text), room, room)), ...(command === "" ? [] : [escapeText(command)])]
}

const renderProblem = (report: ObjectReport, subjectWidth: number, canvas: Canvas): ReadonlyArray<string> => {
  const { style, columns, nowMs } = canvas
  const subject = cutMiddle(subjectOf(report), widestSubject)
  const prefix = report.health === "refused" ? "refused: " : report.health === "waiting" ? "waiting: " : ""
  const message = cutEnd(prefix + escapeText(report.message), longestMessage)
  const lead = `${subject}${" ".repeat(Math.max(0, subjectWidth - textWidth(subject)))}   `
  const wrapped =
    columns === undefined ? [message] : wrap(message, columns - 2 - textWidth(lead), columns - indent.length)
  const age = ageOf(report.since, nowMs)
  const lines = [`${lead}${wrapped[0] ?? ""}`, ...wrapped.slice(1).map((line) => indent + line)]
  if (age !== undefined) lines.push(`${indent}since ${age}`)
  const steps = fixSteps(report, columns)
  for (const [index, step] of steps.entries()) lines.push(`${indent}${index === 0 ? "fix   " : "      "}${step}`)
  return [
    `${symbol(style, symbolOf[report.health])} ${toLocale(style, lines[0] ?? "")}`,
    ...lines.slice(1).map((line) => toLocale(style, line)),
  ]
}

/** Worst first, then by name; stable, so that two looks can be compared. */
export const sortProblems = (reports: ReadonlyArray<ObjectReport>): ReadonlyArray<ObjectReport> =>
  reports
    .filter((report) => report.health !== "synced")
    .toSorted((a, b) => rank[a.health] - rank[b.health] || (subjectOf(a) < subjectOf(b) ? -1 : 1))

/** @param all also those past the first twenty */
export const renderProblems = (
  reports: ReadonlyArray<ObjectReport>,
  canvas: Canvas,
  all: boolean,
): ReadonlyArray<string> => {
  const problems = sortProblems(reports)
  const shown = all ? problems : problems.slice(0, mostProblems)
  const width = Math.min(widestSubject, Math.max(0, ...shown.map((report) => textWidth(subjectOf(report)))))
  const lines = shown.flatMap((report) => renderProblem(report, width, canvas))
  const left = problems.length - shown.length
  return left === 0 ? lines : [...lines, toLocale(canvas.style, `… and ${left} more; -o wide or -o json shows all`)]
}
