/** What the one who runs a Syncer wants to hear while it works. */
import { Context, Effect, Layer } from "effect"
import type { Change, SyncResult } from "./report.ts"

export class Reporter extends Context.Service<
  Reporter,
  {
    readonly onChange: (change: Change) => void
    readonly onProgress: (settled: number, total: number) => void
    readonly onWarning: (message: string) => void
    /** Of a Syncer that follows, once: when everything is in step, or after half a minute with what is not yet. */
    readonly onFirstPass: (result: SyncResult) => Effect.Effect<void>
    /** Awaited before work on each object: while what was told before is not taken, nothing more is done. */
    readonly ready: Effect.Effect<void>
  }
>()("vcluster-es/sync/engine/Reporter") {}

/** Wants to hear nothing: what others are made of. */
export const silentReporter: Reporter["Service"] = {
  onChange: () => {},
  onProgress: () => {},
  onWarning: () => {},
  onFirstPass: () => Effect.void,
  ready: Effect.void,
}

export const reporterLayer = (listens: Partial<Reporter["Service"]>): Layer.Layer<Reporter> =>
  Layer.succeed(Reporter, { ...silentReporter, ...listens })
