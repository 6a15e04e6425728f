import { Effect } from "effect"
import type { VersionArgs } from "./commands.ts"
export const version = (args: VersionArgs) =>
  Effect.sync(() => {
    process.stdout.write(JSON.stringify(args))
    return 0
  })
