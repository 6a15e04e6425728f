/**
 * Stores, labels, settings, ESO, its CRDs, the collector and the syncer come and go at random while tenants make mistakes; a second client watches their Secrets
 * from outside. No Secret is ever absent that ESO alone would have kept, and none has a value that its tenant may not have.
 *
 * `VCLUSTER_ES_SEED=N` repeats the moves of a run; `VCLUSTER_ES_LONG=1` is the long form, 300 ExternalSecrets for half an hour.
 */
import { assert, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { keepLogsOnFailure } from "../support/on-ground.ts"
import { isLongRun } from "../support/long-run.ts"
import { seedOfRun } from "../support/soak/random.ts"
import { soak } from "../support/soak/soak.ts"
import { SyncedPair } from "../support/synced-pair.ts"

const long = { count: 300, rounds: 10, length: Duration.seconds(150) }
const short = { count: 40, rounds: 2, length: Duration.seconds(60) }

const seed = seedOfRun(isLongRun)

keepLogsOnFailure("soak")

it.live(
  "no Secret is lost that ESO alone would have kept",
  () =>
    Effect.gen(function* () {
      process.stderr.write(`soak: VCLUSTER_ES_SEED=${seed}\n`)
      const pair = yield* SyncedPair
      const moves = yield* Effect.scoped(soak(pair, seed, isLongRun ? long : short))
      process.stderr.write(`soak: ${moves} moves\n`)
      assert.isAtLeast(moves, 20)
    }).pipe(Effect.provide(SyncedPair.layer({ follow: false })), Effect.scoped),
  isLongRun ? 3_600_000 : 600_000,
)
