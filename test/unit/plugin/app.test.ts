import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { plan, programName } from "../../../src/plugin/app.ts"
import { canonicalArgv, readCommandLine } from "../../../src/plugin/argv.ts"
import { commands } from "../../../src/plugin/commands.ts"
import { allFlagSpecs } from "../../../src/plugin/flags.ts"
import { packageVersion } from "../../../src/plugin/package-version.ts"

const program = "kubectl vcluster-es"

const canonical = (...argv: ReadonlyArray<string>): ReadonlyArray<string> | string =>
  Result.match(readCommandLine(argv, allFlagSpecs), {
    onFailure: (error) => error.message,
    onSuccess: (line) => canonicalArgv(line.flags, line.words),
  })

describe("the shapes of a command line that kubectl's users type", () => {
  const cases: ReadonlyArray<readonly [ReadonlyArray<string>, ReadonlyArray<string> | string]> = [
    [
      ["status", "-n", "x"],
      ["--namespace=x", "--", "status"],
    ],
    [
      ["-n", "x", "status", "a"],
      ["--namespace=x", "--", "status", "a"],
    ],
    [
      ["status", "-n=x", "a"],
      ["--namespace=x", "--", "status", "a"],
    ],
    [
      ["status", "-nx"],
      ["--namespace=x", "--", "status"],
    ],
    [
      ["status", "-wnx"],
      ["--watch", "--namespace=x", "--", "status"],
    ],
    [
      ["status", "-v=6"],
      ["--v=6", "--", "status"],
    ],
    [
      ["status", "-v", "6"],
      ["--v=6", "--", "status"],
    ],
    [
      ["status", "--v=6"],
      ["--v=6", "--", "status"],
    ],
    [
      ["status", "-n", "a", "--namespace=b"],
      ["--namespace=b", "--", "status"],
    ],
    [
      ["status", "--as-group", "a", "--as-group=b"],
      ["--as-group=a", "--as-group=b", "--", "status"],
    ],
    [
      ["sync", "--dry-run", "x"],
      ["--dry-run=server", "--", "sync", "x"],
    ],
    [
      ["sync", "--dry-run=client"],
      ["--dry-run=client", "--", "sync"],
    ],
    [
      ["sync", "--follow=false"],
      ["--follow=false", "--", "sync"],
    ],
    [
      ["sync", "--", "-x"],
      ["--", "sync", "-x"],
    ],
    [
      ["sync", "-f", "-"],
      ["--values=-", "--", "sync"],
    ],
    [
      ["status", "--token=a=b"],
      ["--token=a=b", "--", "status"],
    ],
    [
      ["status", "--token", "-secret"],
      ["--token=-secret", "--", "status"],
    ],
    [["status", "-n"], "-n needs a value: -n NAMESPACE"],
    [["status", "--context"], "--context needs a value: --context NAME"],
    [["status", "--watch=maybe"], 'invalid value "maybe" for --watch: expected true or false'],
    [["status", "--namespcae", "x"], "unknown flag --namespcae (did you mean --namespace?)"],
    [["status", "--qqqqqq"], "unknown flag --qqqqqq"],
    [["status", "-q"], "unknown flag -q"],
    [["status", "-=x"], "unknown flag -="],
    [["sync", "--folow"], "unknown flag --folow (did you mean --follow?)"],
  ]
  for (const [argv, expected] of cases) it(argv.join(" "), () => assert.deepStrictEqual(canonical(...argv), expected))
})

const text = (...argv: ReadonlyArray<string>) =>
  plan(argv, program).pipe(Effect.map((result) => (result._tag === "Print" ? result.text : "(runs)")))
const mistake = (...argv: ReadonlyArray<string>) =>
  plan(argv, program).pipe(
    Effect.flip,
    Effect.map((error) => error.message),
  )

describe("what is printed", () => {
  it.effect("a bare call is a call for help", () =>
    Effect.gen(function* () {
      const help = yield* text()
      assert.strictEqual(help, yield* text("--help"))
      assert.strictEqual(help, yield* text("help"))
      for (const { doc } of commands) assert.include(help, `  ${doc.name} `)
      assert.include(help, "  kubectl vcluster-es COMMAND [VCLUSTER] [flags]")
    }),
  )
  for (const { doc, specs } of commands)
    it.effect(`the page of ${doc.name} names every flag and no line is too long`, () =>
      Effect.gen(function* () {
        const words = doc.name.split(" ")
        const help = yield* text(...words, "--help")
        assert.strictEqual(help, yield* text("help", ...words))
        assert.strictEqual(help, yield* text("-h", ...words, "whatever"))
        for (const spec of specs) assert.include(help, spec.long === spec.short ? `-${spec.long} ` : `--${spec.long}`)
        for (const line of help.split("\n")) assert.isAtMost(line.length, 100, line)
        assert.include(help, `Usage:\n  kubectl vcluster-es ${doc.name} ${doc.operands} [flags]`)
      }),
    )
  it.effect("a word that only begins the names of commands lists them", () =>
    Effect.gen(function* () {
      const help = yield* text("config")
      assert.strictEqual(help, yield* text("config", "--help"))
      assert.strictEqual(help, yield* text("help", "config"))
      assert.strictEqual(help, yield* text("config", "whatever", "--help"))
      assert.include(help, "  kubectl vcluster-es config show [VCLUSTER] [flags]")
      assert.include(help, "  kubectl vcluster-es config validate FILE... [flags]")
      assert.notInclude(help, "status")
    }),
  )
  it.effect("the version", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* text("--version"), `kubectl-vcluster-es ${packageVersion}\n`)
    }),
  )
  it("the name is kubectl's for its plugin", () => {
    assert.strictEqual(programName("/usr/bin/kubectl-vcluster_es"), program)
    assert.strictEqual(programName("C:\\bin\\kubectl-vcluster-es.exe"), program)
    assert.strictEqual(programName("/opt/vcluster-es"), "vcluster-es")
  })
})

describe("mistakes", () => {
  const cases: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
    [["statsu"], 'unknown command "statsu" (did you mean status?)'],
    [["frobnicate"], 'unknown command "frobnicate" (see kubectl vcluster-es --help)'],
    [["status", "a", "b"], "status takes one vCluster, got 2: a, b"],
    [["confg", "show"], 'unknown command "confg" (did you mean config?)'],
    [["config", "shwo"], 'unknown command "config shwo" (did you mean config show?)'],
    [["config", "frobnicate"], 'unknown command "config frobnicate" (see kubectl vcluster-es config --help)'],
    [["config", "show", "a", "b"], "config show takes one vCluster, got 2: a, b"],
    [["config", "show", "--folow"], "unknown flag --folow (did you mean --follow?)"],
    [["config", "show", "-o", "wide"], 'invalid value "wide" for --output: choose one of json, yaml'],
    [["config", "validate", "--context=x", "a"], "config validate has no flag --context"],
    [["status", "--follow"], "status has no flag --follow"],
    [["sync", "-w"], "sync has no flag -w"],
    [["status", "-o", "xml"], 'invalid value "xml" for --output: choose one of json, yaml, wide'],
    [["version", "-o", "wide"], 'invalid value "wide" for --output: choose one of json, yaml'],
    [
      ["sync", "--once-timeout", "soon"],
      'invalid value "soon" for --once-timeout: expected a duration such as 90s or 5m',
    ],
    [["sync", "--once-timeout=-1s"], 'invalid value "-1s" for --once-timeout: expected a duration such as 90s or 5m'],
    [["sync", "--workers=0"], 'invalid value "0" for --workers: expected a number from 1 to 64'],
    [["sync", "--color=blue"], 'invalid value "blue" for --color: choose one of auto, always, never'],
    [["sync", "-v", "loud"], 'invalid value "loud" for --v: expected a number from 0 to 10'],
    [["--folow", "sync"], "unknown flag --folow (did you mean --follow?)"],
  ]
  for (const [argv, expected] of cases)
    it.effect(argv.join(" "), () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* mistake(...argv), expected)
      }),
    )
})

const decoded = (...argv: ReadonlyArray<string>) =>
  plan(argv, program).pipe(
    Effect.map((result) => {
      assert.strictEqual(result._tag, "Run")
      return result._tag === "Run" ? result.program : undefined
    }),
  )

describe("what is decoded", () => {
  it.effect("a loop has done its work when it is stopped", () =>
    Effect.gen(function* () {
      assert.isTrue((yield* decoded("sync", "--follow"))?.untilStopped)
      assert.isFalse((yield* decoded("sync"))?.untilStopped)
      assert.isFalse((yield* decoded("sync", "--follow=false"))?.untilStopped)
      assert.isTrue((yield* decoded("status", "-w"))?.untilStopped)
    }),
  )
  it.effect("messages", () =>
    Effect.gen(function* () {
      const messages = yield* decoded("sync", "-v=8", "--log-format=json", "--color=never")
      assert.deepInclude(messages, { verbosity: 8, logFormat: "json", color: "never" })
    }),
  )
})
