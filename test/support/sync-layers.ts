/** What a Syncer needs, for tests that run a whole one over clients of theirs. */
import { Layer } from "effect"
import { clientsLayer } from "../../src/sync/engine/clients.ts"
import type { Clients } from "../../src/sync/engine/executor.ts"
import { type Reporter, reporterLayer } from "../../src/sync/engine/reporter.ts"
import { SyncOptions } from "../../src/sync/engine/sync-options.ts"
import type { SyncServices } from "../../src/sync/engine/syncer.ts"
import { type VclusterRef, VclusterTarget } from "../../src/sync/engine/target.ts"
import { registryLayer } from "../../src/sync/kinds/kinds.ts"
import { testContext } from "../model/world.ts"

/** @param reporter what it hears; nothing else is told anybody */
export const syncLayers = (
  clients: Clients,
  vcluster: VclusterRef,
  reporter: Partial<Reporter["Service"]> = {},
): Layer.Layer<SyncServices> =>
  Layer.mergeAll(
    clientsLayer(clients),
    registryLayer,
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
