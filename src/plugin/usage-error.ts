/** The command line itself is wrong: one line, exit code 2. */
import { Data } from "effect"

export class UsageError extends Data.TaggedError("UsageError")<{ readonly message: string }> {}
