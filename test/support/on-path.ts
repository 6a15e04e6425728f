/** A folder for PATH, as a user has it: kubectl, and our binary under the name by which kubectl finds its plugins. */
import { Effect } from "effect"
import { mkdir, symlink } from "node:fs/promises"
import { join } from "node:path"
import type { GroundShape } from "../clusters/ground.ts"
import { binary } from "./synced-pair.ts"

/** Gives the value of PATH. */
export const makePath = (ground: GroundShape): Effect.Effect<string> =>
  Effect.promise(async () => {
    const bin = join(ground.folder, "bin")
    const first = await mkdir(bin, { recursive: true })
    if (first !== undefined) {
      await symlink(ground.tools.kubectl, join(bin, "kubectl"))
      await symlink(binary, join(bin, "kubectl-vcluster_es"))
    }
    return `${bin}:/usr/bin:/bin`
  })
