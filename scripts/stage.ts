/** The stages of `make test`: each is a command or a check, gives counts, and stops no other. */
import { spawn } from "node:child_process"
import { globSync, readFileSync, rmSync } from "node:fs"
import { delimiter, join } from "node:path"
import { Effect } from "effect"
import { countReport, type Counts, parseReport, type Report } from "./vitest-report.ts"

export interface Outcome extends Counts {
  /** What went wrong beyond single failures, or a remark. */
  readonly note?: string
}

export interface Stage {
  readonly name: string
  readonly run: Effect.Effect<Outcome>
}

export type Runtime = "node" | "bun" | "deno"

export const root = process.cwd()
export const results = join(root, "test-results")

const bin = (name: string): string => join(root, "node_modules", ".bin", name)

export const passed: Outcome = { passed: 1, failed: 0, skipped: 0 }
export const failed = (note: string): Outcome => ({ passed: 0, failed: 1, skipped: 0, note })

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
}

interface Options {
  readonly env?: Readonly<Record<string, string>>
  /** Keep standard output instead of showing it. */
  readonly capture?: boolean
}

/** A stage that hangs must end one day; the slowest one takes a few minutes, the first build of all programs half an hour. */
const limit = 60 * 60 * 1000

/** Runs a command of `node_modules/.bin`, or npm. Never fails: a command that cannot be started has code null. */
export const command = (name: string, args: ReadonlyArray<string>, options: Options = {}): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    const path = [join(root, "node_modules", ".bin"), process.env["PATH"]].join(delimiter)
    const child = spawn(name === "npm" ? "npm" : bin(name), args, {
      env: { ...process.env, PATH: path, ...options.env },
      stdio: ["ignore", options.capture === true ? "pipe" : "inherit", "inherit"],
      timeout: limit,
      killSignal: "SIGKILL",
    })
    let stdout = ""
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk
    })
    child.once("error", (error) => resume(Effect.succeed({ code: null, signal: error.message, stdout })))
    child.once("close", (code, signal) => resume(Effect.succeed({ code, signal, stdout })))
    return Effect.sync(() => child.kill("SIGTERM"))
  })

const describeEnd = ({ code, signal }: Ended): string => (code === null ? `ended by ${signal}` : `exit code ${code}`)

/** One check: the command's exit code. */
export const commandStage = (name: string, program: string, args: ReadonlyArray<string>): Stage => ({
  name,
  run: Effect.map(command(program, args), (ended) => (ended.code === 0 ? passed : failed(describeEnd(ended)))),
})

const reportFile = (project: string, runtime: Runtime): string => join(results, `${project}-${runtime}.json`)

/** The report of an earlier stage of this run, if it got so far. */
export const readReport = (project: string, runtime: Runtime): Report | undefined => {
  try {
    return parseReport(readFileSync(reportFile(project, runtime), "utf8"))
  } catch {
    return undefined
  }
}

/** How Vitest itself is started on a runtime; `bun vitest` would run it on Node. */
const launchers: Readonly<Record<Runtime, ReadonlyArray<string>>> = {
  node: [],
  bun: ["--bun"],
  deno: ["run", "-A"],
}

const judge = (ended: Ended, report: Report | undefined): Outcome => {
  if (report === undefined) return failed(`no report: ${describeEnd(ended)}`)
  const counts = countReport(report)
  if (counts.passed + counts.failed + counts.skipped === 0) return failed("not one test ran")
  if (ended.code !== 0 && counts.failed === 0) {
    return { ...counts, failed: 1, note: `${describeEnd(ended)} though no test failed` }
  }
  return counts.skipped > 0 ? { ...counts, note: "tests were skipped: that counts as a failure" } : counts
}

interface VitestRun {
  /** Of vitest.config.ts. */
  readonly project: string
  readonly runtime?: Runtime
  /** Only these files; default: all of the project. */
  readonly files?: ReadonlyArray<string>
  /** Only tests whose full name matches; the others count as skipped. */
  readonly pattern?: string
  /** Of the report's file, without the runtime; default: the project. */
  readonly report?: string
  readonly env?: Readonly<Record<string, string>>
}

export const vitest = ({
  project,
  runtime = "node",
  files = [],
  pattern,
  report = project,
  env = {},
}: VitestRun): Effect.Effect<Outcome> =>
  Effect.suspend(() => {
    const output = reportFile(report, runtime)
    rmSync(output, { force: true })
    const args = [
      ...launchers[runtime],
      join(root, "node_modules/vitest/vitest.mjs"),
      "run",
      `--project=${project}`,
      ...(pattern === undefined ? [] : [`--testNamePattern=${pattern}`]),
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${output}`,
      ...files,
    ]
    return command(runtime, args, { env: { EXPECT_RUNTIME: runtime, ...env } }).pipe(
      Effect.map((ended) => judge(ended, readReport(report, runtime))),
    )
  })

/** The tests of a project of vitest.config.ts, whose files are in `folders`; a project without files has nothing to prove yet. */
export const vitestStage = (project: string, folders: ReadonlyArray<string>, runtime: Runtime = "node"): Stage => ({
  name: `${project} tests on ${runtime}`,
  run: Effect.suspend(() => {
    const files = globSync(folders.map((folder) => `test/${folder}/**/*.test.ts`))
    return files.length === 0
      ? Effect.succeed({ passed: 0, failed: 0, skipped: 0, note: "no files" })
      : vitest({ project, runtime })
  }),
})
