/** Requests that must not wait behind others. */
import { Context, Effect } from "effect"

/** Goes with the fiber. */
export const Urgent = Context.Reference<boolean>("vcluster-es/effects/transport/Urgent", { defaultValue: () => false })

/** Its requests have places of their own in each connection. For few and short ones: the renewal of a Lease. */
export const urgently: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect.provideService(
  Urgent,
  true,
)
