/** What `npm run matrix` shows: a table in Markdown, a row for each place that a Kubernetes version had. */
import type { Outcome } from "./stage.ts"

/** Undefined: not run there. */
export type Cell = Outcome | undefined

export interface TableRow {
  /** The whole version. */
  readonly version: string
  /** Whose API server it was. */
  readonly role: string
  /** One for each column. */
  readonly cells: ReadonlyArray<Cell>
}

/** A regular expression for tests that end with exactly these names. */
export const rowPattern = (names: ReadonlyArray<string>): string =>
  `(${names.map((name) => name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join("|")})$`

const renderCell = (cell: Cell): string => {
  if (cell === undefined) return "–"
  const counts = [
    `${cell.passed} passed`,
    ...(cell.failed === 0 ? [] : [`**${cell.failed} failed**`]),
    ...(cell.skipped === 0 ? [] : [`**${cell.skipped} skipped**`]),
    ...(cell.note === undefined ? [] : [cell.note]),
  ]
  return counts.join(", ")
}

/** As the project's formatter has tables: columns of equal width. @returns lines, each with its line feed */
export const renderTable = (columns: ReadonlyArray<string>, rows: ReadonlyArray<TableRow>): string => {
  const lines = [
    ["Kubernetes", "whose", ...columns],
    ...rows.map(({ version, role, cells }) => [version, role, ...cells.map(renderCell)]),
  ]
  const widths = (lines[0] ?? []).map((_, index) => Math.max(...lines.map((line) => (line[index] ?? "").length)))
  const render = (line: ReadonlyArray<string>): string =>
    `| ${widths.map((width, index) => (line[index] ?? "").padEnd(width)).join(" | ")} |\n`
  const [head = [], ...body] = lines
  return [render(head), render(widths.map((width) => "-".repeat(width))), ...body.map(render)].join("")
}
