/** How each object stood when it was last worked on. */
import { Context, Effect, Layer, Queue } from "effect"
import type { ObjectReport } from "./report.ts"

/** Asked after each decision, so it puts nothing together. */
const saysTheSame = (one: ObjectReport | undefined, other: ObjectReport | undefined): boolean =>
  one?.health === other?.health && one?.reason === other?.reason && one?.message === other?.message

const makeReports = Effect.gen(function* () {
  const changed = yield* Queue.sliding<void>(1)
  const all = new Map<string, ObjectReport>()
  const set = (id: string, report: ObjectReport | undefined) => {
    if (saysTheSame(all.get(id), report)) return
    if (report === undefined) all.delete(id)
    else all.set(id, report)
    Queue.offerUnsafe(changed, undefined)
  }
  return { all, set, changed: Queue.take(changed) }
})

export class Reports extends Context.Service<
  Reports,
  {
    /** By the id of the key (`work-id.ts`). */
    readonly all: ReadonlyMap<string, ObjectReport>
    /** How a key stands; undefined: it is none of our business any more. */
    readonly set: (id: string, report: ObjectReport | undefined) => void
    /** Completes at the next change (or at once, when something changed since it was last awaited). */
    readonly changed: Effect.Effect<void>
  }
>()("vcluster-es/sync/engine/Reports") {
  static readonly layer = Layer.effect(Reports, makeReports)
}
