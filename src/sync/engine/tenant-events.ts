/** Events of ours about a tenant's objects, in the virtual cluster. */
import { Context, Effect, Layer } from "effect"
import type { EventRecorder } from "../../effects/client/event-recorder.ts"
import { makeEventRecorder } from "../../effects/client/event-recorder.ts"
import { VirtualClient } from "./clients.ts"
import { SyncOptions } from "./sync-options.ts"

export class TenantEvents extends Context.Service<TenantEvents, EventRecorder>()(
  "vcluster-es/sync/engine/TenantEvents",
) {
  static readonly layer = Layer.effect(
    TenantEvents,
    Effect.gen(function* () {
      const { identity } = yield* SyncOptions
      return yield* makeEventRecorder({ client: yield* VirtualClient, component: "vcluster-es", instance: identity })
    }),
  )
}
