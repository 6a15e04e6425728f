/** The real Helm against a control plane, with folders of its own. */
import { Effect } from "effect"
import type { ControlPlane } from "./control-plane.ts"
import { GroundError } from "./errors.ts"
import { runProgram } from "./programs.ts"
import { helmProgram } from "./tools.ts"
import type { Watchdog } from "./watchdog.ts"

/** Runs it to its end; gives what it prints. Fails with its words when its exit code is not 0. */
export const helm = Effect.fnUntraced(function* (
  watchdog: Watchdog,
  host: ControlPlane,
  args: ReadonlyArray<string>,
): Effect.fn.Return<string, GroundError> {
  const finished = yield* runProgram(watchdog, {
    file: yield* helmProgram,
    args: ["--kubeconfig", host.kubeconfig, ...args],
    env: { HOME: watchdog.folder },
  })
  if (finished.code !== 0) {
    return yield* new GroundError({ message: `helm ${args.join(" ")}: ${finished.stderr.trimEnd()}` })
  }
  return finished.stdout
})
