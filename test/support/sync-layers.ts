/** What a Syncer needs, for tests that run a whole one over clients of theirs. */
import { Effect, Layer, Ref } from "effect"
import type { Side } from "../../src/sync/engine/actions.ts"
import type { Cache } from "../../src/sync/engine/caches.ts"
import { clientsLayer } from "../../src/sync/engine/clients.ts"
import type { SyncContext } from "../../src/sync/engine/context.ts"
import { Epoch } from "../../src/sync/engine/epoch.ts"
import type { Clients } from "../../src/sync/engine/executor.ts"
import { Leadership } from "../../src/sync/engine/leadership.ts"
import type { CrdFollower, Prerequisites } from "../../src/sync/engine/prerequisites.ts"
import { Registry } from "../../src/sync/engine/registry.ts"
import { type Reporter, reporterLayer } from "../../src/sync/engine/reporter.ts"
import { SyncOptions } from "../../src/sync/engine/sync-options.ts"
import type { SyncServices } from "../../src/sync/engine/syncer.ts"
import { ActivePolicy, type VclusterRef, VclusterTarget } from "../../src/sync/engine/target.ts"
import { registryLayer } from "../../src/sync/kinds/kinds.ts"
import { defaultPolicy } from "../../src/sync/tenancy/policy.ts"
import { testContext } from "../model/world.ts"

const notKept = (side: Side): Cache => ({ name: `no CRDs of the ${side}`, side, spec: () => undefined })
const notWanted = () => Effect.die(new Error("no CRD is wanted"))

const noCrds: CrdFollower = {
  see: () => Effect.succeed([]),
  judge: () => Effect.void,
  recall: () => {},
  note: () => "",
  isKnown: () => true,
  keep: notWanted,
  ensure: notWanted,
}

/** No CRD is wanted. */
export const noPrerequisites: Prerequisites = {
  caches: { host: notKept("host"), virtual: notKept("virtual") },
  compare: notWanted,
  follower: () => noCrds,
  foreign: () => undefined,
  specSchema: () => undefined,
}

/** Nothing is synced. */
export const emptyRegistry: Layer.Layer<Registry> = Layer.succeed(Registry, {
  kinds: [],
  prerequisites: noPrerequisites,
})

export const optionsLayer: Layer.Layer<SyncOptions> = Layer.succeed(SyncOptions, {
  identity: "me",
  version: "0",
  workers: 2,
  allowMassDelete: false,
  acceptIdentity: false,
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
    Layer.succeed(ActivePolicy, defaultPolicy),
    optionsLayer,
  )

const unheld = Effect.die(new Error("nobody holds this Lease"))

/** The right to write, held for ever. */
export const leadershipLayer: Layer.Layer<Leadership> = Layer.sync(Leadership, () => ({
  firstLook: undefined,
  isHeld: () => true,
  lease: () => ({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "test" } }),
  over: Effect.never,
  end: () => unheld,
  whenFenced: unheld,
  massDeleteAllowed: () => false,
  massDeleteAllowedOnLease: () => false,
  heldDeletions: Ref.makeUnsafe(""),
  allowanceSpent: Ref.makeUnsafe(false),
  remember: () => Effect.void,
}))

/** An epoch over CRDs that never change. */
export const epochLayer = (context: SyncContext): Layer.Layer<Epoch> =>
  Layer.succeed(Epoch, {
    context,
    outdated: Effect.never,
    hostCrdUid: () => undefined,
    crdChanged: () => Effect.void,
  })
