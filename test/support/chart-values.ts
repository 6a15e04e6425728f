/** Values as users write them: what the charts take, and what they refuse. */
import { refusedRows } from "./chart-values-refused.ts"
import { takenRows } from "./chart-values-taken.ts"
import type { ValuesRow } from "./values-row.ts"

export const valuesRows: ReadonlyArray<ValuesRow> = [...takenRows, ...refusedRows]
