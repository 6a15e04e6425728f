/** `config validate`: what is wrong with files of settings, before any cluster sees them. */
import { Effect } from "effect"
import { syncedBy } from "../../sync/kinds/kinds.ts"
import { checkValues } from "../../sync/settings/settings.ts"
import { type FileReport, isValid, renderValidation, validationData } from "../output/config-text.ts"
import { exitCodes } from "../../effects/exit-codes.ts"
import { printObject } from "../output/print-object.ts"
import { Terminal } from "../output/terminal.ts"
import { UsageError } from "../usage-error.ts"
import { readValuesFile } from "../connect/values-file.ts"

export interface ConfigValidateArgs {
  /** `-` is standard input. */
  readonly files: ReadonlyArray<string>
  /** One more file: what the other commands call it by. */
  readonly values: string | undefined
  /** That the vCluster will live in. */
  readonly namespace: string | undefined
  /** Undefined: text for people. */
  readonly output: "json" | "yaml" | undefined
}

/** A file that cannot be read keeps nobody from hearing about the others. */
const look = (path: string, namespace: string | undefined): Effect.Effect<FileReport> =>
  readValuesFile(path).pipe(
    Effect.map(({ text, source }) => ({ file: source, ...checkValues(text, source, syncedBy, { namespace }) })),
    Effect.catch(({ source, trouble }) =>
      Effect.succeed<FileReport>({
        file: source,
        problems: [{ file: source, message: `cannot be read: ${trouble}` }],
        warnings: [],
      }),
    ),
  )

export const configValidate = Effect.fn("configValidate")(function* (args: ConfigValidateArgs) {
  const paths = [...(args.values === undefined ? [] : [args.values]), ...args.files]
  if (paths.length === 0)
    return yield* new UsageError({ message: "config validate takes at least one FILE (- is standard input), got none" })
  if (paths.filter((path) => path === "-").length > 1)
    return yield* new UsageError({ message: "standard input (-) can be read only once" })
  const terminal = yield* Terminal
  const reports = yield* Effect.forEach(paths, (path) => look(path, args.namespace))
  yield* terminal.out(
    args.output === undefined
      ? renderValidation(reports, terminal.outStyle)
      : printObject(args.output, validationData(reports)),
  )
  // Code 2 for wrong settings, as in every other command that reads them.
  return reports.every(isValid) ? exitCodes.good : exitCodes.usage
})
