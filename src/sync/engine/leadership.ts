/**
 * The right to write for one vCluster: the Lease, the memory that is kept on it, and the end of the run in which it is lost.
 *
 * The order is that of DESIGN §7: a look around (whoever waits must wait for the right vCluster), the Lease, and no write before it.
 */
import { Clock, Context, Deferred, Effect, Layer, Ref } from "effect"
import { orUndefined } from "../../effects/client/ignore-not-found.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { forkTask } from "../../effects/controller/supervision.ts"
import { acquireLease } from "../../effects/leader-election/leader-election.ts"
import { tookOverAsSeen } from "../../effects/leader-election/lease.ts"
import { monotonicMillis } from "../../effects/monotonic-time.ts"
import { services } from "../resources.ts"
import {
  allowMassDeleteAnnotation,
  heldDeletionsAnnotation,
  highestVersionAnnotation,
  knownCrdsAnnotation,
  versionAnnotation,
  virtualClusterAnnotation,
} from "../tenancy/labels.ts"
import { ownedByService } from "../tenancy/ownership.ts"
import { bothClients, fencedClients, HostClient } from "./clients.ts"
import type { SyncFailure } from "./errors.ts"
import { LeaseLost } from "./errors.ts"
import { FollowedCrds } from "./followed-crds.ts"
import { Patience } from "./patience.ts"
import type { Survey } from "./preflight.ts"
import { leaseName, lookAround } from "./preflight.ts"
import { Reporter } from "./reporter.ts"
import { SyncOptions } from "./sync-options.ts"
import { VclusterTarget } from "./target.ts"

/** What the Lease remembers of the virtual cluster from the moment on in which it is known to be the right one. */
interface Remembered {
  readonly virtualUid: string
  readonly highestResourceVersion: () => string | undefined
}

interface Held {
  /** What was seen before the Lease was taken; undefined: much may have happened since, and another look is called for. */
  readonly firstLook: Survey | undefined
  /** False for ever from the moment the Lease is lost. */
  readonly isHeld: () => boolean
  /** The Lease, as it was last read or written. */
  readonly lease: () => KubeObject
  /** Fails as soon as this run must not go on. */
  readonly over: Effect.Effect<never, SyncFailure>
  /** The run must not go on: fails {@link over}. */
  readonly end: (why: SyncFailure) => Effect.Effect<void>
  /** For whoever finds that a write was held back: ends the run with the loss of the Lease, and does not return. */
  readonly whenFenced: Effect.Effect<never>
  /** Whether the operator has allowed a mass deletion: by a flag, or on the Lease. */
  readonly massDeleteAllowed: () => boolean
  /** The same, on the Lease only. */
  readonly massDeleteAllowedOnLease: () => boolean
  /** Deletions that are held back, for the Lease to say; empty: none. */
  readonly heldDeletions: Ref.Ref<string>
  /** The deletions that the annotation on the Lease allowed are over: it is taken off. */
  readonly allowanceSpent: Ref.Ref<boolean>
  readonly remember: (known: Remembered) => Effect.Effect<void>
}

/** A Lease that takes longer to get was waited for, or hard to come by: much may have happened meanwhile. Milliseconds. */
const atOnceMs = 5_000

const makeLeadership = Effect.gen(function* () {
  const host = yield* HostClient
  const { vcluster } = yield* VclusterTarget
  const options = yield* SyncOptions
  const { onWarning } = yield* Reporter
  const { waits, patiently } = yield* Patience
  const crds = yield* FollowedCrds
  const clock = yield* Clock.Clock
  const first = yield* patiently(lookAround)
  const lookedAt = monotonicMillis(clock)
  const heldDeletions = yield* Ref.make("")
  const allowanceSpent = yield* Ref.make(false)
  const remembered = yield* Ref.make<Remembered | undefined>(undefined)

  const annotations = (): Readonly<Record<string, string>> => {
    const known = Ref.getUnsafe(remembered)
    // Until then, what another syncer wrote since our look must stay: it is what we compare with next.
    if (known === undefined) return first.knownUid === undefined ? { [virtualClusterAnnotation]: first.virtualUid } : {}
    return {
      [virtualClusterAnnotation]: known.virtualUid,
      [highestVersionAnnotation]: known.highestResourceVersion() ?? "",
      [knownCrdsAnnotation]: crds.note(),
      [heldDeletionsAnnotation]: Ref.getUnsafe(heldDeletions),
      ...(Ref.getUnsafe(allowanceSpent) ? { [allowMassDeleteAnnotation]: "" } : {}),
    }
  }

  const lease = yield* acquireLease({
    client: host,
    namespace: vcluster.namespace,
    name: leaseName(vcluster),
    identity: options.identity,
    wait: waits,
    // The owner of all that we put beside it: `helm uninstall` of the vCluster then takes the Lease along as well.
    owners: host.get(services, vcluster).pipe(
      orUndefined,
      Effect.map((service) => ownedByService(service, vcluster.namespace)),
    ),
    onWaiting: (holder) => Effect.sync(() => onWarning(`waiting: ${holder} is at work for this vCluster`)),
    annotations: () => ({ [versionAnnotation]: options.version, ...annotations() }),
  })

  const cameAtOnce =
    monotonicMillis(clock) - lookedAt <= atOnceMs && tookOverAsSeen(first.lease, lease.current(), options.identity)
  const fatal = yield* Deferred.make<never, SyncFailure>()
  const end = (why: SyncFailure) => Effect.asVoid(Deferred.fail(fatal, why))
  const leaseLost = new LeaseLost({ lease: `${vcluster.namespace}/${leaseName(vcluster)}` })
  yield* forkTask(
    "whoever waits for the loss of the Lease",
    Effect.matchCauseEffect(lease.lost, {
      onSuccess: () => end(leaseLost),
      onFailure: (cause) => Deferred.failCause(fatal, cause),
    }),
  )
  const massDeleteAllowedOnLease = () => lease.current().metadata.annotations?.[allowMassDeleteAnnotation] === "true"
  return {
    firstLook: cameAtOnce ? first : undefined,
    isHeld: lease.isHeld,
    lease: lease.current,
    over: Deferred.await(fatal),
    end,
    whenFenced: Effect.andThen(end(leaseLost), Effect.never),
    massDeleteAllowed: () => options.allowMassDelete || massDeleteAllowedOnLease(),
    massDeleteAllowedOnLease,
    heldDeletions,
    allowanceSpent,
    remember: (known: Remembered) => Ref.set(remembered, known),
  }
})

export class Leadership extends Context.Service<Leadership, Held>()("vcluster-es/sync/engine/Leadership") {
  /** Held until the scope of the layer closes, which gives the Lease back. */
  static readonly layer = Layer.effect(Leadership, makeLeadership)

  /** Both clients behind the Lease: they write no more when it is lost. */
  static readonly fencedClients = Layer.effectContext(
    Effect.gen(function* () {
      const { isHeld } = yield* Leadership
      return fencedClients(yield* bothClients, isHeld)
    }),
  )
}

/** What fails since the fence has fallen is not told: the run ends with the loss of the Lease. */
export const unlessFenced =
  (whenFenced: Effect.Effect<never>) =>
  <A, R>(effect: Effect.Effect<A, SyncFailure, R>): Effect.Effect<A, SyncFailure, R> =>
    Effect.catchReason(effect, "ApiError", "Fenced", () => whenFenced)

/** Ends as soon as the run must not go on, whatever `effect` is at. */
export const whileLeading = <A, R>(
  effect: Effect.Effect<A, SyncFailure, R>,
): Effect.Effect<A, SyncFailure, R | Leadership> =>
  Effect.flatMap(Leadership, ({ over, whenFenced }) => Effect.raceFirst(unlessFenced(whenFenced)(effect), over))
