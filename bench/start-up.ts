/** How long `version --client` takes, beside kubectl's. */
import { spawn } from "node:child_process"
import { Effect } from "effect"
import type { Place } from "./ground.ts"

export interface StartUp {
  /** Milliseconds of each round, from the spawn to the exit. */
  readonly ours: ReadonlyArray<number>
  readonly kubectl: ReadonlyArray<number>
}

const millis = (file: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const since = performance.now()
    spawn(file, ["version", "--client"], { stdio: "ignore" })
      .once("error", reject)
      .once("exit", (code) =>
        code === 0
          ? resolve(performance.now() - since)
          : reject(new Error(`${file} version --client: exit code ${code}`)),
      )
  })

/** In turns, so that both meet the same machine; a round that is not counted warms the caches of files. */
export const measureStartUp = (place: Place, rounds: number): Effect.Effect<StartUp> =>
  Effect.promise(async () => {
    const ours: Array<number> = []
    const kubectl: Array<number> = []
    const round = async (left: number): Promise<void> => {
      if (left === 0) return
      ours.push(await millis(place.binary))
      kubectl.push(await millis(place.ground.tools.kubectl))
      await round(left - 1)
    }
    await round(rounds + 1)
    return { ours: ours.slice(1), kubectl: kubectl.slice(1) }
  })
