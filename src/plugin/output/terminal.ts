/** Standard output and standard error, and what is known about who reads them. */
import { Context, Effect, Layer } from "effect"
import { type ColorChoice, type Style, styleFor } from "./style.ts"

interface TerminalShape {
  /** The answer. */
  readonly out: (text: string) => Effect.Effect<void>
  /** The story: progress, warnings, errors. */
  readonly err: (text: string) => Effect.Effect<void>
  readonly outStyle: Style
  readonly errStyle: Style
  /** Columns of standard output; undefined when it is no terminal. */
  readonly outColumns: number | undefined
  readonly errColumns: number | undefined
}

export class Terminal extends Context.Service<Terminal, TerminalShape>()("vcluster-es/plugin/Terminal") {
  static readonly layer = (choice: ColorChoice): Layer.Layer<Terminal> => Layer.sync(Terminal, () => forProcess(choice))
}

const write = (stream: NodeJS.WriteStream, text: string): Effect.Effect<void> =>
  Effect.callback((resume) => {
    // A reader that has left (`| head`) is no error of ours: the callback tells of it, and there is nobody to tell.
    stream.write(text, () => resume(Effect.void))
  })

const columnsOf = (stream: NodeJS.WriteStream): number | undefined => (stream.isTTY ? stream.columns || 80 : undefined)

const forProcess = (choice: ColorChoice) => {
  const styleOf = (stream: NodeJS.WriteStream): Style =>
    styleFor({ choice, isTty: stream.isTTY, env: process.env, platform: process.platform })
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {})
  return Terminal.of({
    out: (text) => write(process.stdout, text),
    err: (text) => write(process.stderr, text),
    outStyle: styleOf(process.stdout),
    errStyle: styleOf(process.stderr),
    outColumns: columnsOf(process.stdout),
    errColumns: columnsOf(process.stderr),
  })
}
