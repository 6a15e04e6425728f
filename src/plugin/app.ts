/** From the words on the command line to a program: help, version, mistakes, or a command. */
import { Effect, Result } from "effect"
import { nearestWord } from "../effects/nearest-word.ts"
import { canonicalArgv, type CommandLine, readCommandLine } from "./argv.ts"
import { type Command, commands, type Program } from "./commands.ts"
import { allFlagSpecs, type FlagSpec } from "./flags.ts"
import { appHelp, commandHelp } from "./help.ts"
import { packageVersion } from "./package-version.ts"
import { UsageError } from "./usage-error.ts"

/** Some text to print on standard output and be done, or something to run. */
export type Plan =
  | { readonly _tag: "Print"; readonly text: string }
  | { readonly _tag: "Run"; readonly program: Program }

const print = (text: string): Plan => ({ _tag: "Print", text })

const findCommand = (program: string, word: string): Result.Result<Command, UsageError> => {
  const found = commands.find((command) => command.doc.name === word)
  if (found !== undefined) return Result.succeed(found)
  const near = nearestWord(
    word,
    commands.map((command) => command.doc.name),
  )
  const hint = near === undefined ? `see ${program} --help` : `did you mean ${near}?`
  return Result.fail(new UsageError({ message: `unknown command ${JSON.stringify(word)} (${hint})` }))
}

/** A flag that exists, but not for this command. */
const misplaced = (command: Command, line: CommandLine): string | undefined => {
  const own = new Set(command.specs.map((spec) => spec.long))
  return line.flags.find((given) => !own.has(given.spec.long))?.typed
}

const check = (command: Command, line: CommandLine, operands: ReadonlyArray<string>): UsageError | undefined => {
  const { name } = command.doc
  const foreign = misplaced(command, line)
  if (foreign !== undefined) return new UsageError({ message: `${name} has no flag ${foreign}` })
  if (operands.length <= command.operands) return undefined
  return new UsageError({
    message: `${name} takes ${command.operands === 0 ? "no arguments" : "one vCluster"}, got ${operands.length}: ${operands.join(", ")}`,
  })
}

/** The flags of the command where its name is already plain to see: a mistyped one is then only compared with those. */
const specsFor = (argv: ReadonlyArray<string>): ReadonlyArray<FlagSpec> => {
  const named = commands.find((command) => command.doc.name === argv[0])
  return named === undefined
    ? allFlagSpecs
    : [...named.specs, ...allFlagSpecs.filter((spec) => !named.specs.includes(spec))]
}

/**
 * @param argv without the program itself
 * @param program how the user calls us, for help: `kubectl vcluster-es`
 */
export const plan = Effect.fn("plan")(function* (argv: ReadonlyArray<string>, program: string) {
  const line = yield* Effect.fromResult(readCommandLine(argv, specsFor(argv)))
  const docs = commands.map((command) => command.doc)
  const help = line.help || line.words[0] === "help"
  const words = line.words[0] === "help" ? line.words.slice(1) : line.words
  const [name, ...operands] = words
  if (line.version && name === undefined) return print(`kubectl-vcluster-es ${packageVersion}\n`)
  if (name === undefined) return print(appHelp(program, docs))
  const command = yield* Effect.fromResult(findCommand(program, name))
  if (help) return print(commandHelp(program, command.doc, command.specs))
  const problem = check(command, line, operands)
  if (problem !== undefined) return yield* problem
  const ready: Plan = { _tag: "Run", program: yield* command.decode(canonicalArgv(line.flags, operands)) }
  return ready
})

/** What to call us in help: kubectl runs `kubectl-vcluster_es` when its user types `kubectl vcluster-es`. */
export const programName = (argv0: string): string => {
  const base = (argv0.split(/[\\/]/).at(-1) ?? "").replace(/\.exe$/i, "")
  return base === "vcluster-es" ? "vcluster-es" : "kubectl vcluster-es"
}
