/** What is waited for: by the one who follows, all that is over by itself one day; whoever makes one pass gives up. */
import { Context, Duration, Effect, Layer, Schedule } from "effect"
import { isTransient } from "../../effects/client/api-error.ts"
import type { SyncFailure } from "./errors.ts"
import { Reporter } from "./reporter.ts"

const tryAgainEvery = Schedule.spaced(Duration.seconds(5))

/**
 * What is over by itself, or when somebody else has done their part: a cluster that is asleep, paused or on its way up, ESO
 * that is not installed, a version that is not served yet, a CRD that is being deleted or whose conversion webhook is away (DESIGN §7).
 */
const isPassing = (error: SyncFailure): boolean =>
  error._tag === "OperatorMissing" ||
  error._tag === "CrdNotServed" ||
  error._tag === "ConversionBroken" ||
  (error._tag === "ApiError" &&
    (isTransient(error) || (error.reason._tag === "NotFound" && error.reason.resourceMissing)))

type Patiently = <A, R>(effect: Effect.Effect<A, SyncFailure, R>) => Effect.Effect<A, SyncFailure, R>

/** Tells each new trouble once, and tries again until it is over. */
const makePatience = (warn: (message: string) => void): Patiently => {
  let told = ""
  return (effect) =>
    effect.pipe(
      Effect.tapError((error) =>
        Effect.sync(() => {
          if (!isPassing(error) || error.message === told) return
          told = error.message
          warn(`${told}; waiting for it`)
        }),
      ),
      Effect.retry({ schedule: tryAgainEvery, while: isPassing }),
      Effect.tap(() =>
        Effect.sync(() => {
          told = ""
        }),
      ),
    )
}

export class Patience extends Context.Service<
  Patience,
  {
    /** Whether a Lease that somebody else holds is waited for. */
    readonly waits: boolean
    readonly patiently: Patiently
  }
>()("vcluster-es/sync/engine/Patience") {
  static readonly none = Layer.succeed(Patience, { waits: false, patiently: (effect) => effect })
  static readonly unlimited = Layer.effect(
    Patience,
    Effect.map(Reporter, ({ onWarning }) => ({ waits: true, patiently: makePatience(onWarning) })),
  )
}
