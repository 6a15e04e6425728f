import { assert, it } from "@effect/vitest"
import { renderTable } from "../../../../src/plugin/output/table.ts"

const columns = [
  { header: "NAME", cut: "middle" },
  { header: "READY", align: "right" },
  { header: "MESSAGE", cut: "end" },
] as const
const rows = [
  ["production/db-credentials-of-the-team", "12", "store aws: AccessDeniedException: not authorized"],
  ["default/a", "3", ""],
]

it("is full when nobody looks", () => {
  assert.deepStrictEqual(renderTable(columns, rows), [
    "NAME                                    READY   MESSAGE",
    "production/db-credentials-of-the-team      12   store aws: AccessDeniedException: not authorized",
    "default/a                                   3",
  ])
})

it("fits the terminal by cutting the widest of the columns that may be cut", () => {
  const lines = renderTable(columns, rows, 60)
  assert.deepStrictEqual(lines, [
    "NAME                       READY   MESSAGE",
    "production/d…of-the-team      12   store aws: AccessDeniedE…",
    "default/a                      3",
  ])
  assert.isAtMost(Math.max(...lines.map((line) => line.length)), 60)
})

it("leaves a column that must not be cut whole, also where nothing fits", () => {
  const [, row = ""] = renderTable(columns, rows, 10)
  assert.include(row, "   12   ")
})

it("counts wide letters as two columns", () => {
  assert.deepStrictEqual(
    renderTable(
      [{ header: "A" }, { header: "B" }],
      [
        ["日本", "x"],
        ["ab", "y"],
      ],
    ),
    ["A      B", "日本   x", "ab     y"],
  )
})
