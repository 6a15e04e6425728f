import { assert, describe, it } from "@effect/vitest"
import { countReport, differences, parseReport, testLines } from "../../../scripts/vitest-report.ts"

const file = (name: string, status: string, tests: ReadonlyArray<readonly [string, string]>) => ({
  name,
  status,
  assertionResults: tests.map(([fullName, testStatus]) => ({ fullName, status: testStatus })),
})

const report = (...files: ReadonlyArray<ReturnType<typeof file>>) => parseReport(JSON.stringify({ testResults: files }))

describe("countReport", () => {
  it("counts passed and failed tests, and all others as skipped", () => {
    const tests = [
      ["a", "passed"],
      ["b", "failed"],
      ["c", "pending"],
      ["d", "todo"],
      ["e", "skipped"],
    ] as const
    assert.deepStrictEqual(countReport(report(file("/r/x.test.ts", "failed", tests))), {
      passed: 1,
      failed: 1,
      skipped: 3,
    })
  })

  it("counts a file that did not load as a failure", () => {
    const broken = file("/r/broken.test.ts", "failed", [])
    const good = file("/r/good.test.ts", "passed", [["a", "passed"]])
    assert.deepStrictEqual(countReport(report(broken, good)), { passed: 1, failed: 1, skipped: 0 })
  })

  it("counts a failed hook beside passed tests as a failure", () => {
    const counts = countReport(report(file("/r/x.test.ts", "failed", [["a", "passed"]])))
    assert.deepStrictEqual(counts, { passed: 1, failed: 1, skipped: 0 })
  })
})

const run = (name: string, ...lines: ReadonlyArray<string>) => ({ name, lines })

describe("differences", () => {
  it("is empty for equal runs", () => {
    assert.deepStrictEqual(
      differences(run("node", "passed x a", "passed x b"), run("bun", "passed x a", "passed x b")),
      [],
    )
  })

  it("tells what either side lacks, another status, and a test that ran twice", () => {
    const node = run("node", "passed x a", "passed x b", "passed x b", "passed x c")
    const deno = run("deno", "failed x c", "passed x a", "passed x b", "passed x d")
    assert.deepStrictEqual(differences(node, deno), [
      "only on node: passed x b",
      "only on node: passed x c",
      "only on deno: failed x c",
      "only on deno: passed x d",
    ])
  })

  it("does not depend on where the project lies or in which order files ran", () => {
    const one = report(
      file("/a/x.test.ts", "passed", [["t", "passed"]]),
      file("/a/y.test.ts", "passed", [["u", "passed"]]),
    )
    const two = report(
      file("/b/y.test.ts", "passed", [["u", "passed"]]),
      file("/b/x.test.ts", "passed", [["t", "passed"]]),
    )
    assert.deepStrictEqual(testLines(one, "/a"), testLines(two, "/b"))
  })
})
