/** What works during one epoch, in the order in which it is made: each is told of nothing before it stands. */
import { Effect, Layer } from "effect"
import { Epoch } from "./epoch.ts"
import { Informers, KeptCaches } from "./informers.ts"
import { KeyQueue } from "./key-queue.ts"
import { MassDeleteGates } from "./mass-deletion-gates.ts"
import { OwnerFence } from "./owner-fence.ts"
import { Reconciler } from "./reconciler.ts"
import { ReconcileLoop } from "./reconcile-loop.ts"
import { Reports } from "./reports.ts"

/** From caches (be they empty, or a test's) to a loop that can be run over them. */
export const reconciling = ReconcileLoop.layer.pipe(
  Layer.provideMerge(Reconciler.layer),
  Layer.provideMerge(KeyQueue.layer),
  Layer.provideMerge(Layer.merge(MassDeleteGates.layer, Reports.layer)),
)

const informing = Layer.effect(
  Informers,
  Effect.gen(function* () {
    const { start } = yield* KeptCaches
    const { listener } = yield* KeyQueue
    return yield* start(listener)
  }),
)

const machinery = informing.pipe(
  Layer.provideMerge(reconciling),
  Layer.provideMerge(OwnerFence.layer),
  Layer.provideMerge(KeptCaches.layer),
  Layer.provideMerge(Epoch.layer),
)

/** All of it stops when `effect` ends. Each epoch has its own. */
export const withMachinery = Effect.provide(machinery, { local: true })
