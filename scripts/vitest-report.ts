/** What Vitest's JSON reporter tells of a run, and whether two runs were the same. */
import { Schema } from "effect"

const File = Schema.Struct({
  name: Schema.String,
  status: Schema.String,
  assertionResults: Schema.Array(Schema.Struct({ fullName: Schema.String, status: Schema.String })),
})
const Report = Schema.Struct({ testResults: Schema.Array(File) })
export type Report = typeof Report.Type

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** Throws when the text is no report. */
export const parseReport = (text: string): Report => Schema.decodeUnknownSync(Report)(JSON.parse(text))

/** A file that failed without a failed test (it did not load, a hook failed) counts as one failure. */
export const countReport = (report: Report): Counts => {
  const statuses = report.testResults.flatMap((file) => file.assertionResults.map((test) => test.status))
  const brokenFiles = report.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  )
  const passed = statuses.filter((status) => status === "passed").length
  const failedTests = statuses.filter((status) => status === "failed").length
  return { passed, failed: failedTests + brokenFiles.length, skipped: statuses.length - passed - failedTests }
}

/** One line a test, sorted: what must be equal on all runtimes. `root` is cut off the file names. */
export const testLines = (report: Report, root: string): ReadonlyArray<string> =>
  report.testResults
    .flatMap((file) => {
      const name = file.name.startsWith(`${root}/`) ? file.name.slice(root.length + 1) : file.name
      return file.assertionResults.map((test) => `${test.status} ${name} ${test.fullName}`)
    })
    .toSorted()

/** The lines that `others` lacks; a line that comes twice must be there twice. */
const surplus = (lines: ReadonlyArray<string>, others: ReadonlyArray<string>): ReadonlyArray<string> => {
  const left = new Map<string, number>()
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1)
  return lines.filter((line) => {
    const count = left.get(line) ?? 0
    left.set(line, count - 1)
    return count <= 0
  })
}

interface Run {
  readonly name: string
  readonly lines: ReadonlyArray<string>
}

/** Lines that only one of two runs has; empty when the runs were the same. */
export const differences = (first: Run, second: Run): ReadonlyArray<string> => [
  ...surplus(first.lines, second.lines).map((line) => `only on ${first.name}: ${line}`),
  ...surplus(second.lines, first.lines).map((line) => `only on ${second.name}: ${line}`),
]
