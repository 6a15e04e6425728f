/** The command line itself is wrong: one line, exit code 2. Light on purpose: mistakes answer at once. */
import { Data, Runtime } from "effect"
import { exitCodes } from "../effects/exit-codes.ts"

export class UsageError extends Data.TaggedError("UsageError")<{ readonly message: string }> {
  override readonly [Runtime.errorExitCode] = exitCodes.usage
}
