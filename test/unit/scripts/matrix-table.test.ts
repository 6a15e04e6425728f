import { assert, describe, it } from "@effect/vitest"
import { renderTable, rowPattern } from "../../../scripts/matrix-table.ts"

describe("rowPattern", () => {
  const pattern = new RegExp(rowPattern(["creation: from Owner", "templates: a (b)"]))

  it("matches these names at the end of a test's full name", () => {
    assert.isTrue(pattern.test("as in one cluster creation: from Owner"))
    assert.isTrue(pattern.test("as in one cluster templates: a (b)"))
  })

  it("matches no name that goes on, and takes no sign for more than itself", () => {
    assert.isFalse(pattern.test("as in one cluster creation: from Owner to Orphan"))
    assert.isFalse(pattern.test("as in one cluster templates: a b"))
  })
})

describe("renderTable", () => {
  it("has a line for each place, with what failed in bold and a dash where nothing was run", () => {
    const good = { passed: 16, failed: 0, skipped: 0 }
    const bad = { passed: 7, failed: 2, skipped: 1, note: "9 of 10 named tests ran" }
    assert.strictEqual(
      renderTable(
        ["main path", "rows"],
        [
          { version: "1.30.14", role: "virtual", cells: [good, bad] },
          { version: "1.30.14", role: "host", cells: [good, undefined] },
        ],
      ),
      `| Kubernetes | whose   | main path | rows                                                           |
| ---------- | ------- | --------- | -------------------------------------------------------------- |
| 1.30.14    | virtual | 16 passed | 7 passed, **2 failed**, **1 skipped**, 9 of 10 named tests ran |
| 1.30.14    | host    | 16 passed | –                                                              |
`,
    )
  })
})
