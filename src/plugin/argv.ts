/**
 * The first look at a command line: which command, which flags, which words. It allows what kubectl's users type: flags before the
 * command, `-n x`, `-n=x`, `-nx`, `-wv6`, a flag given twice (the last one counts). What it makes of them is the one form
 * that is then decoded.
 */
import { Result } from "effect"
import { nearestWord } from "../effects/text/did-you-mean.ts"
import type { FlagSpec } from "./flags.ts"
import { UsageError } from "./usage-error.ts"

export interface GivenFlag {
  readonly spec: FlagSpec
  /** As typed, for messages: `-n`, `--namespace`. */
  readonly typed: string
  readonly value: string | undefined
}

export interface CommandLine {
  readonly words: ReadonlyArray<string>
  readonly flags: ReadonlyArray<GivenFlag>
  readonly help: boolean
  readonly version: boolean
}

const unknownFlag = (typed: string, specs: ReadonlyArray<FlagSpec>): UsageError => {
  const near = typed.startsWith("--")
    ? nearestWord(typed.slice(2), [...specs.map((spec) => spec.long), "help"])
    : undefined
  return new UsageError({
    message: `unknown flag ${typed}${near === undefined ? "" : ` (did you mean --${near}?)`}`,
  })
}

class Reader {
  readonly words: Array<string> = []
  readonly flags: Array<GivenFlag> = []
  help = false
  version = false
  private readonly rest: Array<string>
  private readonly specs: ReadonlyArray<FlagSpec>

  constructor(argv: ReadonlyArray<string>, specs: ReadonlyArray<FlagSpec>) {
    this.rest = [...argv]
    this.specs = specs
  }

  read(): UsageError | undefined {
    for (let word = this.rest.shift(); word !== undefined; word = this.rest.shift()) {
      if (word === "--") {
        this.words.push(...this.rest)
        return undefined
      }
      const problem = word.startsWith("--")
        ? this.long(word)
        : word.startsWith("-") && word !== "-"
          ? this.short(word.slice(1))
          : void this.words.push(word)
      if (problem !== undefined) return problem
    }
    return undefined
  }

  private long(word: string): UsageError | undefined {
    const equals = word.indexOf("=")
    const name = equals === -1 ? word.slice(2) : word.slice(2, equals)
    const value = equals === -1 ? undefined : word.slice(equals + 1)
    if (name === "help") return void (this.help = value !== "false")
    if (name === "version") return void (this.version = value !== "false")
    const spec = this.specs.find((candidate) => candidate.long === name)
    return spec === undefined ? unknownFlag(`--${name}`, this.specs) : this.take(spec, `--${name}`, value)
  }

  /** A cluster of short flags; the first one with a value ends it: `-wnteam` is `-w -n team`. */
  private short(letters: string): UsageError | undefined {
    const letter = letters.slice(0, 1)
    const after = letters.slice(1)
    if (letter === "h") this.help = true
    const spec = this.specs.find((candidate) => candidate.short === letter)
    if (spec === undefined) {
      if (letter !== "h") return unknownFlag(`-${letter}`, this.specs)
      return after === "" ? undefined : this.short(after)
    }
    if (after.startsWith("=")) return this.take(spec, `-${letter}`, after.slice(1))
    if (spec.value !== undefined) return this.take(spec, `-${letter}`, after === "" ? undefined : after)
    return this.take(spec, `-${letter}`, undefined) ?? (after === "" ? undefined : this.short(after))
  }

  private take(spec: FlagSpec, typed: string, given: string | undefined): UsageError | undefined {
    let value = given ?? spec.bare
    if (spec.value === undefined) {
      if (value !== undefined && value !== "true" && value !== "false") {
        return new UsageError({
          message: `invalid value ${JSON.stringify(value)} for ${typed}: expected true or false`,
        })
      }
    } else if (value === undefined) {
      value = this.rest.shift()
      if (value === undefined) return new UsageError({ message: `${typed} needs a value: ${typed} ${spec.value}` })
    }
    this.flags.push({ spec, typed, value })
    return undefined
  }
}

/** Sorts `argv` (without the program) by the flags in `specs`. */
export const readCommandLine = (
  argv: ReadonlyArray<string>,
  specs: ReadonlyArray<FlagSpec>,
): Result.Result<CommandLine, UsageError> => {
  const reader = new Reader(argv, specs)
  const problem = reader.read()
  return problem === undefined
    ? Result.succeed({ words: reader.words, flags: reader.flags, help: reader.help, version: reader.version })
    : Result.fail(problem)
}

/** The flags and words of a command in one form, each flag once unless it may be repeated. */
export const canonicalArgv = (flags: ReadonlyArray<GivenFlag>, words: ReadonlyArray<string>): Array<string> => {
  const last = new Map(flags.map((given) => [given.spec.long, given]))
  const counting = flags.filter((given) => given.spec.repeatable === true || last.get(given.spec.long) === given)
  return [
    ...counting.map((given) => `--${given.spec.long}${given.value === undefined ? "" : `=${given.value}`}`),
    ...(words.length === 0 ? [] : ["--", ...words]),
  ]
}
