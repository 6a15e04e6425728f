import { Effect } from "effect"
import type { SyncArgs } from "./commands.ts"
export const sync = (args: SyncArgs) =>
  Effect.sync(() => {
    process.stdout.write(JSON.stringify(args))
    return 0
  })
