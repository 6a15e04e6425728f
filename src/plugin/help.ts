/** `--help`, laid out as kubectl's users know it. */
import type { FlagGroup, FlagSpec } from "./flags.ts"

export interface Example {
  readonly what: string
  /** Without the program's name. */
  readonly line: string
}

export interface CommandDoc {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** Paragraphs for the command's own page. */
  readonly about: ReadonlyArray<string>
  readonly operands: string
  readonly examples: ReadonlyArray<Example>
}

const pageWidth = 100

const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of text.split(" ")) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

const columns = (rows: ReadonlyArray<readonly [string, string]>): ReadonlyArray<string> => {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2
  return rows.flatMap(([left, right]) =>
    wrap(right, pageWidth - width - 2).map((line, index) => `  ${(index === 0 ? left : "").padEnd(width)}${line}`),
  )
}

const titles: Readonly<Record<FlagGroup, string>> = {
  command: "Options:",
  virtual: "The virtual cluster:",
  host: "The host cluster (as in kubectl):",
  output: "Messages:",
}

const usageOf = (spec: FlagSpec): string => {
  const short = spec.short === undefined ? "    " : `-${spec.short}, `
  // kubectl, too, has a flag whose long form is its short one.
  const long = spec.long === spec.short ? `-${spec.long}` : `${short}--${spec.long}`
  if (spec.value === undefined) return long
  return spec.bare === undefined ? `${long} ${spec.value}` : `${long}[=${spec.value}]`
}

const flagSection = (group: FlagGroup, specs: ReadonlyArray<FlagSpec>): ReadonlyArray<string> => {
  const rows = specs.filter((spec) => spec.group === group).map((spec) => [usageOf(spec), spec.description] as const)
  const help = group === "command" ? [["-h, --help", "Show this page"] as const] : []
  return rows.length + help.length === 0 ? [] : [titles[group], ...columns([...rows, ...help]), ""]
}

const exampleSection = (program: string, examples: ReadonlyArray<Example>): ReadonlyArray<string> =>
  examples.length === 0
    ? []
    : ["Examples:", ...examples.flatMap(({ what, line }) => [`  # ${what}`, `  ${program} ${line}`, ""])]

/** The page of the program as a whole. */
export const appHelp = (program: string, commands: ReadonlyArray<CommandDoc>): string =>
  [
    "External Secrets for open-source vCluster: syncs ExternalSecrets from the virtual cluster to the host,",
    "where External Secrets Operator resolves them, and the Secrets back.",
    "",
    "Commands:",
    ...columns(commands.map((command) => [command.name, command.summary] as const)),
    "",
    ...exampleSection(program, [
      { what: "What is synced, what is broken and why", line: "status -n team-x" },
      { what: "Sync, and go on syncing", line: "sync my-vcluster -n team-x --follow" },
    ]),
    "Usage:",
    `  ${program} COMMAND [VCLUSTER] [flags]`,
    "",
    `Use "${program} COMMAND --help" for more about a command.`,
    "",
  ].join("\n")

/** The page of a word that only begins the names of commands: `config`. */
export const groupHelp = (program: string, group: string, commands: ReadonlyArray<CommandDoc>): string =>
  [
    "Commands:",
    ...columns(commands.map((command) => [command.name, command.summary] as const)),
    "",
    "Usage:",
    ...commands.map((command) => `  ${program} ${command.name} ${command.operands} [flags]`),
    "",
    `Use "${program} ${group} COMMAND --help" for more about a command.`,
    "",
  ].join("\n")

/** The page of one command. */
export const commandHelp = (program: string, command: CommandDoc, specs: ReadonlyArray<FlagSpec>): string =>
  [
    `${command.summary}.`,
    "",
    ...command.about.flatMap((paragraph) => [...wrap(paragraph, pageWidth), ""]),
    ...exampleSection(program, command.examples),
    ...flagSection("command", specs),
    ...flagSection("virtual", specs),
    ...flagSection("host", specs),
    ...flagSection("output", specs),
    "Usage:",
    `  ${program} ${command.name}${command.operands === "" ? "" : ` ${command.operands}`} [flags]`,
    "",
  ].join("\n")
