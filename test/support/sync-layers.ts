/** What a Syncer needs, for tests that run a whole one over clients of theirs. */
import { Effect, Layer } from "effect"
import { clientsLayer } from "../../src/sync/engine/clients.ts"
import type { Clients } from "../../src/sync/engine/executor.ts"
import { Registry } from "../../src/sync/engine/registry.ts"
import { type Reporter, reporterLayer } from "../../src/sync/engine/reporter.ts"
import { SyncOptions } from "../../src/sync/engine/sync-options.ts"
import type { SyncServices } from "../../src/sync/engine/syncer.ts"
import { type VclusterRef, VclusterTarget } from "../../src/sync/engine/target.ts"
import { registryLayer } from "../../src/sync/kinds/kinds.ts"
import { testContext } from "../model/world.ts"

const unwanted = () => Effect.die(new Error("no CRD is wanted"))

/** Nothing is synced, so no CRD is wanted. */
export const emptyRegistry: Layer.Layer<Registry> = Layer.succeed(Registry, {
  kinds: [],
  prerequisites: {
    caches: [],
    wanted: () => [],
    compare: unwanted,
    keep: unwanted,
    ensure: unwanted,
    foreign: () => undefined,
    specSchema: () => undefined,
  },
})

interface More {
  /** What it hears; nothing else is told anybody. */
  readonly reporter?: Partial<Reporter["Service"]>
  readonly registry?: Layer.Layer<Registry>
}

export const syncLayers = (
  clients: Clients,
  vcluster: VclusterRef,
  { reporter = {}, registry = registryLayer }: More = {},
): Layer.Layer<SyncServices> =>
  Layer.mergeAll(
    clientsLayer(clients),
    registry,
    reporterLayer(reporter),
    Layer.succeed(VclusterTarget, { vcluster, settings: testContext().settings }),
    Layer.succeed(SyncOptions, {
      identity: "me",
      version: "0",
      workers: 2,
      allowMassDelete: false,
      acceptIdentity: false,
    }),
  )
