/** Kubernetes' garbage collector, away for a while: a kube-controller-manager that restarts, or waits for its Lease. */
import { Effect } from "effect"
import type { ControlPlane } from "../../clusters/control-plane.ts"
import type { GroundError } from "../../clusters/errors.ts"

/** Runs `effect` with no collector at work; afterwards there is one, which knows all kinds that there are by then. */
export const whileCollectorIsAway = <A, E, R>(
  { stopControllerManager, restartControllerManager }: ControlPlane,
  effect: Effect.Effect<A, E, R>,
): Effect.Effect<A, E | GroundError, R> =>
  stopControllerManager.pipe(Effect.andThen(effect), Effect.tap(restartControllerManager))
