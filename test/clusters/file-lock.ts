/** A lock between processes of one machine: a file that holds the owner's process id. */
import { link, readFile, rm, writeFile } from "node:fs/promises"
import { Effect } from "effect"
import { describeCause, GroundError } from "./errors.ts"

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives, and is another user's.
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}

/** True when the lock is ours. The link makes name and content appear in one step. */
const tryLock = async (path: string): Promise<boolean> => {
  const own = `${path}.${process.pid}`
  await writeFile(own, String(process.pid))
  try {
    await link(own, path)
    return true
  } catch {
    const owner = Number(await readFile(path, "utf8").catch(() => ""))
    // Two waiters may both remove a dead owner's lock and both go on: what the lock guards must bear that, it only saves work.
    if (!isAlive(owner)) await rm(path, { force: true })
    return false
  } finally {
    await rm(own, { force: true })
  }
}

const acquire = (path: string, what: string): Effect.Effect<void, GroundError> =>
  Effect.gen(function* () {
    for (let waited = 0; ; waited++) {
      const locked = yield* Effect.tryPromise({
        try: () => tryLock(path),
        catch: (cause) => new GroundError({ message: `cannot lock ${path}: ${describeCause(cause)}` }),
      })
      if (locked) return
      if (waited % 30 === 0) process.stderr.write(`test ground: waiting for ${what}\n`)
      yield* Effect.sleep("500 millis")
    }
  })

/** Runs the effect while holding the lock; a lock whose owner has died is taken over. */
export const withFileLock = <A, E, R>(
  path: string,
  what: string,
  effect: Effect.Effect<A, E, R>,
): Effect.Effect<A, E | GroundError, R> =>
  Effect.acquireUseRelease(
    acquire(path, what),
    () => effect,
    () => Effect.promise(() => rm(path, { force: true })),
  )
