/** Tests on a test ground: one ground for all tests of a group, logs kept when one fails. */
import { join } from "node:path"
import { afterEach, describe, layer, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { Ground, type GroundOptions, keepAllLogs } from "../clusters/ground.ts"

const folderFor = (name: string): string => join("test-results", name.replaceAll(/[^\w.-]+/g, "-"))

/** After each failed test from here on: the logs of every ground that is up go to `test-results/NAME/`; the path is printed. */
export const keepLogsOnFailure = (name: string): void => {
  afterEach(async (context) => {
    if (context.task.result?.state !== "fail") return
    const kept = await Effect.runPromise(keepAllLogs(folderFor(`${name} ${context.task.name}`)))
    for (const folder of kept) process.stderr.write(`test ground: logs of the failed test kept in ${folder}\n`)
  })
}

/**
 * A group of tests that share one {@link Ground}, with real time (no test clock). The ground is started before the first one and is
 * gone after the last. The first run on a machine builds the programs, hence the long timeout.
 *
 * @param missing what this machine lacks for it: the tests are skipped then, and say so
 */
export const onGround = (
  name: string,
  define: (it: Vitest.MethodsNonLive<Ground>) => void,
  options: GroundOptions = {},
  missing?: string,
): void => {
  const ground = Ground.layer({ logsTo: folderFor(name), ...options })
  const group = () =>
    layer(ground, { excludeTestServices: true, timeout: "30 minutes" })(name, (it) => {
      keepLogsOnFailure(name)
      define(it)
    })
  if (missing === undefined) group()
  else describe.skip(`skipped, because ${missing}`, group)
}
