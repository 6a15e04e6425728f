/** Nothing of a ground stays behind, however its process ends. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { createInterface } from "node:readline"
import { setTimeout as delay } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { makeWatchdog } from "../clusters/watchdog.ts"

const Victim = Schema.Struct({ folder: Schema.String, watchdog: Schema.Int, children: Schema.Array(Schema.Int) })
const decodeVictim = Schema.decodeUnknownSync(Victim)

const script = fileURLToPath(new URL("../support/ground-victim.ts", import.meta.url))

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** There is no event for the end of a process that is not one's child: this looks. */
const untilGone = async (
  pids: ReadonlyArray<number>,
  folder: string,
  deadline = Date.now() + 10_000,
): Promise<ReadonlyArray<string>> => {
  const left = [...pids.filter(isAlive).map(String), ...(existsSync(folder) ? [folder] : [])]
  if (left.length === 0 || Date.now() > deadline) return left
  await delay(20)
  return untilGone(pids, folder, deadline)
}

const startVictim = async (kind: "bare" | "full") => {
  const child = spawn(process.execPath, [script, kind], { stdio: ["ignore", "pipe", "inherit"] })
  const [line] = await once(createInterface({ input: child.stdout }), "line")
  return { child, ...decodeVictim(JSON.parse(String(line))) }
}

describe("the watchdog", () => {
  for (const signal of ["SIGKILL", "SIGINT", "SIGTERM"] as const) {
    it(`cleans up after ${signal} to its parent`, async () => {
      const victim = await startVictim("bare")
      assert.lengthOf(victim.children, 1)
      assert.deepStrictEqual([victim.watchdog, ...victim.children].map(isAlive), [true, true])
      victim.child.kill(signal)
      assert.deepStrictEqual(await untilGone([victim.watchdog, ...victim.children], victim.folder), [])
    })
  }

  it("takes two whole control planes down with a parent that was killed", async () => {
    const victim = await startVictim("full")
    assert.lengthOf(victim.children, 6)
    victim.child.kill("SIGKILL")
    assert.deepStrictEqual(await untilGone([victim.watchdog, ...victim.children], victim.folder), [])
  })

  it("is stood in for by its parent when it is killed itself", async () => {
    const victim = await startVictim("bare")
    process.kill(victim.watchdog, "SIGKILL")
    assert.deepStrictEqual(await untilGone([victim.watchdog, ...victim.children], victim.folder), [])
    victim.child.kill("SIGKILL")
  })

  it.live("has removed everything when the scope has closed", () =>
    Effect.gen(function* () {
      const seen = yield* Effect.scoped(
        Effect.gen(function* () {
          const watchdog = yield* makeWatchdog({ prefix: "vcluster-es-test-" })
          const sleeper = yield* watchdog.start({ name: "sleeper", file: "sleep", args: ["600"] })
          assert.isTrue(isAlive(sleeper.pid))
          return { pids: [watchdog.pid, sleeper.pid], folder: watchdog.folder }
        }),
      )
      assert.deepStrictEqual(seen.pids.filter(isAlive), [])
      assert.isFalse(existsSync(seen.folder))
    }),
  )

  it.live("says which program it could not start", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const watchdog = yield* makeWatchdog({ prefix: "vcluster-es-test-" })
        const error = yield* Effect.flip(watchdog.start({ name: "none", file: "/no/such/program", args: [] }))
        assert.include(error.message, "/no/such/program")
      }),
    ),
  )
})
