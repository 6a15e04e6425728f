/** From the words on the command line to a program: help, version, mistakes, or a command. */
import { Effect } from "effect"
import { nearestWord } from "../effects/text/did-you-mean.ts"
import { canonicalArgv, type CommandLine, readCommandLine } from "./argv.ts"
import { type Command, commands, type Program } from "./commands.ts"
import { allFlagSpecs, type FlagSpec } from "./flags.ts"
import { appHelp, commandHelp, groupHelp } from "./help.ts"
import { packageVersion } from "./package-version.ts"
import { UsageError } from "./usage-error.ts"

/** Some text to print on standard output and be done, or something to run. */
export type Plan =
  | { readonly _tag: "Print"; readonly text: string }
  | { readonly _tag: "Run"; readonly program: Program }

const print = (text: string): Plan => ({ _tag: "Print", text })

const wordsOf = (command: Command): ReadonlyArray<string> => command.doc.name.split(" ")

/** The command whose name the words begin with: `config show` has two. */
const named = (words: ReadonlyArray<string>): Command | undefined =>
  commands.find((command) => wordsOf(command).every((word, index) => words[index] === word))

/** The commands of a group: `config`. */
const groupOf = (word: string | undefined): ReadonlyArray<Command> =>
  commands.filter((command) => command.doc.name.startsWith(`${word} `))

const unknownCommand = (program: string, words: ReadonlyArray<string>): UsageError => {
  const group = groupOf(words[0])
  const typed = words.slice(0, group.length === 0 ? 1 : 2).join(" ")
  const known = (group.length === 0 ? commands : group).map((command) => command.doc.name)
  const near = nearestWord(typed, group.length === 0 ? [...known, ...known.map(firstWord)] : known)
  const page = group.length === 0 ? program : `${program} ${words[0]}`
  const hint = near === undefined ? `see ${page} --help` : `did you mean ${near}?`
  return new UsageError({ message: `unknown command ${JSON.stringify(typed)} (${hint})` })
}

const firstWord = (name: string): string => name.split(" ")[0] ?? name

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
  const command = named(argv)
  return command === undefined
    ? allFlagSpecs
    : [...command.specs, ...allFlagSpecs.filter((spec) => !command.specs.includes(spec))]
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
  if (line.version && words.length === 0) return print(`kubectl-vcluster-es ${packageVersion}\n`)
  if (words.length === 0) return print(appHelp(program, docs))
  const command = named(words)
  if (command === undefined) {
    const group = groupOf(words[0])
    if (group.length === 0 || (words.length > 1 && !help)) return yield* unknownCommand(program, words)
    return print(
      groupHelp(
        program,
        firstWord(words[0] ?? ""),
        group.map((one) => one.doc),
      ),
    )
  }
  const operands = words.slice(wordsOf(command).length)
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
