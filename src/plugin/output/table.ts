/** Tables like kubectl's: columns three spaces apart, no lines, nothing after the last cell. */
import { cutEnd, cutMiddle, textWidth } from "./escape.ts"

export interface Column {
  readonly header: string
  readonly align?: "left" | "right"
  /** How a cell is cut when the table is wider than the terminal; a column without it keeps its width. */
  readonly cut?: "middle" | "end"
}

const gap = 3
/** A column that was cut to less tells nothing any more. */
const narrowest = 8

/** Takes width from the widest of the columns that may be cut, one column of characters at a time, until the table fits. */
const fit = (columns: ReadonlyArray<Column>, widths: ReadonlyArray<number>, room: number): ReadonlyArray<number> => {
  const fitted = [...widths]
  let excess = fitted.reduce((sum, width) => sum + width, gap * (columns.length - 1)) - room
  while (excess > 0) {
    let widest = -1
    for (const [index, column] of columns.entries()) {
      const width = fitted[index] ?? 0
      const usable = column.cut !== undefined && width > Math.max(narrowest, textWidth(column.header))
      if (usable && width > (fitted[widest] ?? 0)) widest = index
    }
    if (widest === -1) return fitted
    fitted[widest] = (fitted[widest] ?? 0) - 1
    excess -= 1
  }
  return fitted
}

const cell = (column: Column, text: string, width: number, last: boolean): string => {
  const cut = column.cut === "end" ? cutEnd(text, width) : column.cut === "middle" ? cutMiddle(text, width) : text
  const padding = " ".repeat(Math.max(0, width - textWidth(cut)))
  if (column.align === "right") return padding + cut
  return last ? cut : cut + padding
}

/**
 * The lines of a table, the header first. Cells must be escaped already and without colour.
 *
 * @param width columns of the terminal; undefined when nobody looks (a pipe, a file): then nothing is cut
 */
export const renderTable = (
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  width?: number,
): ReadonlyArray<string> => {
  const all = [columns.map((column) => column.header), ...rows]
  const natural = columns.map((_, index) => Math.max(...all.map((row) => textWidth(row[index] ?? ""))))
  const widths = width === undefined ? natural : fit(columns, natural, width)
  return all.map((row) =>
    columns
      .map((column, index) => cell(column, row[index] ?? "", widths[index] ?? 0, index === columns.length - 1))
      .join(" ".repeat(gap))
      .trimEnd(),
  )
}
