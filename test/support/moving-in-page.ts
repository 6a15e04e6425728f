/** The commands of docs/moving-in.md: what tests run is what the page tells people to run. */
import { readFileSync } from "node:fs"
import { Effect } from "effect"
import type { GroundError } from "../clusters/errors.ts"
import type { HostGround } from "../clusters/ground.ts"
import type { Finished } from "../clusters/programs.ts"
import { stringAt, arrayAt } from "../../src/effects/client/unstructured.ts"

const page = readFileSync(new URL("../../docs/moving-in.md", import.meta.url), "utf8")

/** The commands of a block of the page, by the comment in its first line. */
export const commandsOf = (title: string): string => {
  const [, text = ""] = new RegExp(`\`\`\`sh\\n(\\s*# ${title}\\n[^\`]*)\`\`\``).exec(page) ?? []
  return text
}

/** Runs commands as people do, with a kubectl that speaks to one cluster. */
export const shell = (
  ground: HostGround,
  path: string,
  kubeconfig: string,
  commands: string,
): Effect.Effect<Finished, GroundError> =>
  ground.run({
    file: "/bin/sh",
    args: ["-euc", commands],
    env: { PATH: path, KUBECONFIG: kubeconfig, HOME: ground.folder },
  })

export interface Problem {
  readonly name: string | undefined
  readonly reason: string | undefined
  readonly message: string
  readonly command: string
}

/** What `status -o json` has to say of ExternalSecrets and stores. */
export const problemsIn = (json: string): ReadonlyArray<Problem> => {
  const parsed: unknown = JSON.parse(json)
  return arrayAt(parsed, "problems").map((problem) => ({
    name: stringAt(problem, "object", "name"),
    reason: stringAt(problem, "reason"),
    message: stringAt(problem, "message") ?? "",
    command: stringAt(problem, "fix", "command") ?? "",
  }))
}

/** Starts a watch on one Secret; gives what it has told so far: `TYPE UID VALUE` a line, the value of key `password` as it is encoded. */
export const watchSecret = Effect.fnUntraced(function* (
  ground: HostGround,
  kubeconfig: string,
  { namespace, name }: { readonly namespace: string; readonly name: string },
) {
  const path = '{.type} {.object.metadata.uid} {.object.data.password}{"\\n"}'
  const watch = ["--watch", "--output-watch-events", "-o", `jsonpath=${path}`]
  const args = [`--kubeconfig=${kubeconfig}`, "get", "secret", name, "-n", namespace, ...watch]
  const running = yield* ground.start({ file: ground.tools.kubectl, args, env: { HOME: ground.folder } })
  yield* running.waitForOutput(/^ADDED /)
  return () =>
    running
      .stdout()
      .split("\n")
      .filter((line) => line !== "")
})
