/**
 * `make test`: every check and every test, on Node, Bun and Deno where they must agree.
 *
 * A failed stage stops no other; the exit code is 1 when anything failed or was skipped. The last line, also written to
 * `test-results/summary.txt`, is `N passed, N failed, N skipped`. Arguments: names of stages (their first word), default all.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { runScript } from "./run-script.ts"
import {
  command,
  commandStage,
  failed,
  type Outcome,
  passed,
  readReport,
  results,
  root,
  type Runtime,
  type Stage,
  vitestStage,
} from "./stage.ts"
import { differences, testLines } from "./vitest-report.ts"

const runtimes: ReadonlyArray<Runtime> = ["node", "bun", "deno"]
const unitFolders = ["unit", "model"]

/** The same tests must have passed everywhere: a test that a runtime silently leaves out is a difference. */
const sameTests: Stage = {
  name: "same unit tests on all runtimes",
  run: Effect.sync(() => {
    const runs = runtimes.map((name) => ({ name, report: readReport("unit", name) }))
    const missing = runs.filter((run) => run.report === undefined).map((run) => run.name)
    if (missing.length > 0) return failed(`no report of ${missing.join(", ")}`)
    const [first, ...others] = runs.flatMap(({ name, report }) =>
      report === undefined ? [] : [{ name, lines: testLines(report, root) }],
    )
    const found = first === undefined ? [] : others.flatMap((other) => differences(first, other))
    for (const line of found.slice(0, 20)) console.log(line)
    return found.length === 0 ? passed : failed(`${found.length} differences`)
  }),
}

const entry = join(root, "src/main.ts")

/** Vite loads the modules of the tests; here each runtime loads the program itself. */
const starts: Stage = {
  name: "program starts on all runtimes",
  run: Effect.gen(function* () {
    const outputs = yield* Effect.all({
      node: command("node", [entry, "version"], { capture: true }),
      bun: command("bun", [entry, "version"], { capture: true }),
      deno: command("deno", ["run", "-A", entry, "version"], { capture: true }),
    })
    const wrong = Object.entries(outputs).filter(([, ended]) => ended.code !== 0 || ended.stdout === "")
    return wrong.length === 0 ? passed : failed(`not on ${wrong.map(([name]) => name).join(", ")}`)
  }),
}

const stages: ReadonlyArray<Stage> = [
  commandStage("types", "tsc", ["-p", "tsconfig.json"]),
  commandStage("effect diagnostics", "effect-tsgo", ["diagnostics", "--project", "tsconfig.json", "--strict"]),
  commandStage("lint", "oxlint", ["--deny-warnings"]),
  commandStage("format", "oxfmt", ["--check"]),
  ...runtimes.map((runtime) => vitestStage("unit", unitFolders, runtime)),
  sameTests,
  starts,
  commandStage("build", "npm", ["run", "--silent", "build"]),
  commandStage("ground: all programs", "node", ["test/clusters/build-tools.ts"]),
  vitestStage("integration", ["integration"]),
  vitestStage("attack", ["attack"]),
  vitestStage("comparison", ["comparison"]),
  vitestStage("e2e", ["e2e"]),
  vitestStage("e2e-patient", ["e2e"]),
]

interface Result extends Outcome {
  readonly name: string
  readonly seconds: number
}

const runStage = Effect.fnUntraced(function* (stage: Stage): Effect.fn.Return<Result> {
  console.log(`\n=== ${stage.name}`)
  const since = performance.now()
  const outcome = yield* stage.run
  return { ...outcome, name: stage.name, seconds: (performance.now() - since) / 1000 }
})

const sum = (list: ReadonlyArray<Result>, what: "passed" | "failed" | "skipped"): number =>
  list.reduce((total, result) => total + result[what], 0)

const isGood = (result: Result): boolean => result.failed === 0 && result.skipped === 0

const row = (result: Result): string => {
  const cells = [result.passed, result.failed, result.skipped].map((count) => String(count).padStart(7))
  const mark = isGood(result) ? "ok  " : "FAIL"
  const note = result.note === undefined ? "" : `  ${result.note}`
  return `${mark} ${result.name.padEnd(32)}${cells.join("")}${result.seconds.toFixed(1).padStart(9)}${note}`
}

const summarize = (list: ReadonlyArray<Result>): string =>
  `${sum(list, "passed")} passed, ${sum(list, "failed")} failed, ${sum(list, "skipped")} skipped`

const wanted = process.argv.slice(2)

runScript(
  Effect.gen(function* () {
    mkdirSync(results, { recursive: true })
    const chosen = stages.filter(({ name }) => wanted.length === 0 || wanted.includes(name.split(/[ :]/)[0] ?? ""))
    const list = yield* Effect.forEach(chosen, runStage)
    console.log(`\n${"stage".padStart(10).padEnd(37)} passed failed skipped  seconds`)
    for (const result of list) console.log(row(result))
    const summary = summarize(list)
    writeFileSync(join(results, "summary.txt"), `${summary}\n`)
    console.log(`\n${summary}`)
    return list.length > 0 && list.every(isGood) ? 0 : 1
  }),
)
