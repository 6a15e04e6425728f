/** What the built binary says when it cannot do what it was asked, taken apart. */
import { assert } from "@effect/vitest"
import { type Duration, Effect } from "effect"
import { byAgent, describeEntry, isWrite } from "../clusters/audit-log.ts"
import type { GroundError } from "../clusters/errors.ts"
import type { GroundShape } from "../clusters/ground.ts"
import type { Finished, Program } from "../clusters/programs.ts"
import type { KubeError } from "./kube-error.ts"
import { binary } from "./synced-pair.ts"

export interface Complaint {
  readonly code: number | null
  readonly error: string
  /** The lines after `fix:`, without their indentation. */
  readonly fix?: string
  readonly warnings?: ReadonlyArray<string>
}

/** Neither the kubeconfig of whoever runs the tests, nor a pod's surroundings. */
const surroundings = (ground: GroundShape) => ({
  HOME: ground.folder,
  KUBECONFIG: undefined,
  KUBERNETES_SERVICE_HOST: undefined,
})

export const runBinary = (
  ground: GroundShape,
  args: ReadonlyArray<string>,
  program: Partial<Program> = {},
  timeout?: Duration.Input,
): Effect.Effect<Finished, GroundError> =>
  ground.run(
    { file: binary, args, cwd: ground.folder, ...program, env: { ...surroundings(ground), ...program.env } },
    timeout,
  )

/**
 * Standard error as warnings, one error and its fix; anything else on it (a second error, a stack trace) fails, and so does
 * anything on standard output.
 */
export const complaintOf = (finished: Finished): Complaint => {
  assert.strictEqual(finished.stdout, "", "nothing on standard output")
  assert.notMatch(finished.stderr, /^\s+at |\.ts:\d|node:/m, "no stack trace")
  const shape = /^((?:Warning: .*\n)*)Error: (.*\n(?: {7}.*\n)*)(?: {2}fix: (.*\n(?: {7}.*\n)*))?$/.exec(
    finished.stderr,
  )
  assert.isNotNull(shape, `warnings, one error and its fix, but standard error is:\n${finished.stderr}`)
  const [, warnings = "", error = "", fix] = shape ?? []
  const plain = (text: string) => text.replaceAll(/^ {7}/gm, "").trimEnd()
  return {
    code: finished.code,
    error: plain(error),
    ...(fix === undefined ? {} : { fix: plain(fix) }),
    ...(warnings === "" ? {} : { warnings: warnings.trimEnd().replaceAll("Warning: ", "").split("\n") }),
  }
}

export const complain = (
  ground: GroundShape,
  args: ReadonlyArray<string>,
  program?: Partial<Program>,
): Effect.Effect<Complaint, GroundError> => Effect.map(runBinary(ground, args, program), complaintOf)

export const ourAgent = byAgent("kubectl-vcluster-es/")

/** Runs `effect` and asserts that meanwhile no request of ours changed anything. Both API servers must run before and after it. */
export const changingNothing = Effect.fnUntraced(function* <A, E, R>(
  { host, virtual }: GroundShape,
  effect: Effect.Effect<A, E, R>,
): Effect.fn.Return<A, E | KubeError, R> {
  const marks = [yield* host.audit.mark, yield* virtual.audit.mark] as const
  const result = yield* effect
  const entries = [...(yield* host.audit.since(marks[0])), ...(yield* virtual.audit.since(marks[1]))]
  assert.deepStrictEqual(entries.filter((entry) => ourAgent(entry) && isWrite(entry)).map(describeEntry), [])
  return result
})
