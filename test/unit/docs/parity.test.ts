/** docs/parity.md names tests that are there: a renamed one must be renamed in it as well. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const root = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url))
const page = readFileSync(root("docs/parity.md"), "utf8")
const rows = page.split("\n").filter((line) => line.startsWith("| ") && !/^\| (entry|-+) /.test(line))

describe("docs/parity.md", () => {
  it("has an entry in each row, and a test for each entry", () => {
    assert.isAtLeast(rows.length, 50)
    for (const row of rows) assert.match(row, /\| (`test\/[\w/-]+(\.test)?\.ts`.*|same *)\|$/, row)
  })

  for (const [, path = "", name = ""] of page.matchAll(/`(test\/[\w/.-]+\.ts)`: "([^"]+)"/g))
    it(`${path}: ${name}`, () => {
      assert.isTrue(existsSync(root(path)), path)
      assert.include(readFileSync(root(path), "utf8"), name)
    })
})
