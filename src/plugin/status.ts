import { Effect } from "effect"
import type { StatusArgs } from "./commands.ts"
export const status = (args: StatusArgs) =>
  Effect.sync(() => {
    process.stdout.write(JSON.stringify(args))
    return 0
  })
