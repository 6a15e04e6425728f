/**
 * Where the program's own log goes: lines on stderr, because stdout is for the answer.
 *
 * Messages quote tenants (names, messages of API servers), so whatever a terminal obeys or a reader cannot see is written
 * as an escape, and an entry is always exactly one line. Effect's own formats (`Logger.formatLogFmt`, `formatJson`) print stack traces and
 * numbers of fibers, which are of no use to an operator.
 */
import { Cause, Formatter, Layer, Logger, type LogLevel, References } from "effect"
import { jsonEscape, shortEscapes, unsafeCharacters } from "../text/unsafe-characters.ts"

export interface LogOptions {
  /** `text`: `TIME LEVEL MESSAGE KEY=VALUE …`; `json`: one object a line with `time`, `level`, `message` and the keys. */
  readonly format: "text" | "json"
  /** As klog counts: below 6 `Info`, from 6 on `Debug`, from 8 on `Trace`. */
  readonly verbosity: number
  /** Gets whole lines, line feed included. Default: stderr. */
  readonly write?: (line: string) => void
}

export const minimumLevel = (verbosity: number): LogLevel.LogLevel => {
  if (verbosity >= 8) return "Trace"
  return verbosity >= 6 ? "Debug" : "Info"
}

/** Escapes as JSON writes them, so that escaped JSON still means the same. */
const escapeLine = (text: string): string =>
  text.replace(unsafeCharacters, (character) => shortEscapes[character] ?? jsonEscape(character))

const textOf = (value: unknown): string => {
  if (typeof value === "string") return value
  return value instanceof Error ? value.message : Formatter.formatJson(value)
}

/** Quoted where a space, a quote or an equals sign would make it ambiguous. */
const valueText = (value: unknown): string => {
  const text = textOf(value)
  return /^[^\s"=]+$/u.test(text) ? text : JSON.stringify(text)
}

/** The messages only: where in our code it happened is of no use to an operator. */
const causeText = (cause: Cause.Cause<unknown>): string =>
  Cause.prettyErrors(cause)
    .map((error) => error.message)
    .join("; ")

const messageText = (message: unknown): string =>
  Array.isArray(message) ? message.map(textOf).join(" ") : textOf(message)

interface Entry {
  readonly time: string
  readonly level: string
  readonly message: string
  readonly fields: ReadonlyArray<readonly [string, unknown]>
}

const entryOf = ({ message, logLevel, cause, fiber, date }: Logger.Options<unknown>): Entry => {
  const annotations = Object.entries(fiber.getRef(References.CurrentLogAnnotations))
  const text = causeText(cause)
  return {
    time: date.toISOString(),
    level: logLevel.toLowerCase(),
    message: messageText(message),
    fields: text === "" ? annotations : [...annotations, ["cause", text]],
  }
}

const textLine = ({ time, level, message, fields }: Entry): string =>
  [time, level, message, ...fields.map(([key, value]) => `${key}=${valueText(value)}`)].join(" ")

const jsonLine = ({ time, level, message, fields }: Entry): string =>
  // The entry's own keys come last: an annotation cannot pass itself off as the level.
  Formatter.formatJson({
    ...Object.fromEntries(fields.map(([key, value]) => [key, jsonValue(value)])),
    time,
    level,
    message,
  })

const jsonValue = (value: unknown): unknown => (value instanceof Error ? value.message : value)

/** Replaces all loggers and sets the minimum level. */
export const logLayer = (options: LogOptions): Layer.Layer<never> => {
  const { write = (line: string) => void process.stderr.write(line) } = options
  const line = options.format === "json" ? jsonLine : textLine
  const logger = Logger.make((entry) => write(`${escapeLine(line(entryOf(entry)))}\n`))
  return Layer.mergeAll(
    Logger.layer([logger]),
    Layer.succeed(References.MinimumLogLevel)(minimumLevel(options.verbosity)),
  )
}
