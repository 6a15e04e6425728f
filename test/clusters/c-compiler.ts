/** Whether this machine can compile C: kine is partly SQLite, and that is C. */
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { Effect } from "effect"
import { GroundError } from "./errors.ts"

const install =
  process.platform === "darwin"
    ? "xcode-select --install"
    : "gcc and the C library's headers and static library: Debian and Ubuntu gcc libc6-dev, Fedora gcc glibc-static, Alpine gcc musl-dev"

/**
 * Fails with `missing` where there is none.
 *
 * @param command what Go would call (`go env CC`), arguments included
 * @param purpose the programs that need it
 */
export const requireCCompiler = (command: string, purpose: string): Effect.Effect<void, GroundError> => {
  const [file = "cc", ...args] = command.split(" ")
  return Effect.tryPromise({
    try: (signal) => promisify(execFile)(file, [...args, "--version"], { signal }),
    catch: () =>
      new GroundError({
        message: `a C compiler is needed to build ${purpose}, and ${file} cannot be run; install it (${install}), or name another one in CC`,
        missing: "C compiler",
      }),
  }).pipe(Effect.asVoid)
}
