/** The last word on whether a request that changes something may leave this process. */
import { Context } from "effect"

/**
 * Asked in the very turn in which such a request is handed to the connection, before each attempt: a request may have waited long for
 * a place, a connection or credentials since somebody decided on it. It goes with the fiber, so that many who share
 * one client have a fence each.
 */
export const Fence = Context.Reference<() => boolean>("vcluster-es/effects/transport/Fence", {
  defaultValue: () => () => true,
})
