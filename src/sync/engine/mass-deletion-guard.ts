/**
 * Decides, deletion by deletion, whether a host object may go because its virtual object is gone (DESIGN §7).
 *
 * A deletion that was watched live is carried out, once the virtual CRD has been looked at afterwards: were the CRD
 * terminating, the API server would delete every object of it, and none of them by a wish of its owner. The events of the CRD
 * and of its objects come by different watches, in any order; the look settles it, because a termination comes before
 * the deletions that it causes and is never taken back. One look covers all deletions seen before it.
 *
 * All other absences (a start, a relist, a CRD that went) count together towards the mass-deletion stop.
 */
import { Effect, Semaphore } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import type { KubeObject, ObjectKey } from "../../effects/client/kube-object.ts"
import type { Caches } from "./caches.ts"
import type { SyncContext } from "./context.ts"
import type { Mirrored } from "./synced-kind.ts"
import { judgeMassDeletion } from "./mass-deletion.ts"
import type { MassDeletion } from "./mass-deletion.ts"
import { originOf } from "../tenancy/ownership.ts"

export interface MassDeleteGate {
  /** A virtual object was deleted, or its deletion began, while we watched. */
  readonly sawDeletion: (key: ObjectKey) => void
  /** The virtual object is (back) there, or the host copy is gone: nothing to remember. */
  readonly forget: (key: ObjectKey) => void
  /** Absences may have appeared without being watched: judge anew. */
  readonly judgeAnew: () => void
  /** The virtual objects were just listed: they are objects of the CRD that stands now. */
  readonly listed: Effect.Effect<void, ApiError>
  /** What has to be asked for, whether or not it is allowed. */
  readonly judge: () => MassDeletion | undefined
  /** undefined: the deletion may be carried out. */
  readonly admit: (key: ObjectKey) => Effect.Effect<MassDeletion | undefined, ApiError>
}

interface Options {
  /** For messages. */
  readonly kind: string
  readonly mirrored: Mirrored
  readonly caches: Caches
  readonly context: SyncContext
  /** Whether the operator has allowed it (flag or annotation). */
  readonly allowed: () => boolean
  /** The virtual CRD, asked of the API server now; undefined: there is none. */
  readonly virtualCrd: Effect.Effect<KubeObject | undefined, ApiError>
}

const isGone = (virtual: KubeObject | undefined): boolean =>
  virtual?.metadata.deletionTimestamp !== undefined || virtual === undefined

/**
 * @param doomed the virtual CRD is terminating or gone: all of its objects are about to follow, one by one, so all count
 *   already now
 */
const count = (
  { kind, mirrored, caches, context }: Options,
  confirmed: ReadonlySet<ObjectKey>,
  doomed: boolean,
): MassDeletion | undefined => {
  let managed = 0
  let absent = 0
  for (const copy of caches.of(mirrored.host).values()) {
    const origin = originOf(copy, context.tenancy)
    if (origin === undefined || copy.metadata.deletionTimestamp !== undefined) continue
    managed += 1
    const lost = doomed || isGone(caches.of(mirrored.virtual).get(origin.key))
    if (lost && !confirmed.has(origin.key)) absent += 1
  }
  return judgeMassDeletion(kind, absent, managed)
}

export const makeMassDeleteGate = (options: Options): MassDeleteGate => {
  const { allowed, virtualCrd } = options
  const one = Semaphore.makeUnsafe(1)
  /** Seen, but the CRD has not been looked at since. */
  const seen = new Set<ObjectKey>()
  const confirmed = new Set<ObjectKey>()
  let crdUid: string | undefined
  let doomed = false
  let verdict: { readonly stop: MassDeletion | undefined } | undefined

  const judgeAnew = () => {
    verdict = undefined
  }

  const judge = (): MassDeletion | undefined => {
    verdict ??= { stop: count(options, confirmed, doomed) }
    return verdict.stop
  }

  const confirmSeen = Effect.gen(function* () {
    const covered = [...seen]
    const crd = yield* virtualCrd
    const healthy = crd !== undefined && !isGone(crd) && crd.metadata.uid === crdUid
    for (const key of covered) {
      if (!seen.delete(key)) continue
      if (healthy) confirmed.add(key)
    }
    if (healthy) return
    doomed = true
    judgeAnew()
  })

  return {
    sawDeletion: (key) => {
      seen.add(key)
    },
    forget: (key) => {
      seen.delete(key)
      confirmed.delete(key)
    },
    judgeAnew,
    listed: Effect.map(virtualCrd, (crd) => {
      crdUid = crd?.metadata.uid
      doomed = isGone(crd)
      // Whatever was seen of the former CRD's objects proves nothing about this list.
      seen.clear()
      judgeAnew()
    }),
    judge,
    admit: (key) =>
      one
        .withPermits(1)(Effect.suspend(() => (seen.has(key) ? confirmSeen : Effect.void)))
        .pipe(Effect.map(() => (confirmed.has(key) || allowed() ? undefined : judge()))),
  }
}
