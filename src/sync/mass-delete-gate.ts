/**
 * Decides, deletion by deletion, whether a host object may go because its virtual object is absent (DESIGN §7).
 *
 * A deletion that we watched happen in a healthy virtual cluster is carried out. One that is only inferred (from a start or
 * a relist) counts, together with all others of its kind, towards the mass-deletion stop. While the virtual CRD is
 * terminating or gone, nothing counts as watched: the API server deletes every object of it, and none of them by a wish of
 * its owner.
 */
import { Effect } from "effect"
import type { ObjectKey } from "../effects/kube-object.ts"
import type { Caches } from "./caches.ts"
import type { SyncContext } from "./context.ts"
import { judgeMassDeletion } from "./rules/mass-delete.ts"
import type { MassDeletion } from "./rules/mass-delete.ts"
import { originOf } from "./rules/ownership.ts"

export interface MassDeleteGate {
  /** A live DELETED event of a virtual ExternalSecret. */
  readonly sawDeletion: (key: ObjectKey) => void
  /** The virtual object is (back) there, or the host copy is gone: nothing to remember. */
  readonly forget: (key: ObjectKey) => void
  /** Absences may have appeared without being watched: judge anew. */
  readonly judgeAnew: () => void
  /** The stop that is in force, if any. */
  readonly judge: () => MassDeletion | undefined
  /** undefined: the deletion may be carried out. */
  readonly admit: (key: ObjectKey) => Effect.Effect<MassDeletion | undefined>
}

/** Live deletions in a row after which the CRD is looked at before the next one: its deletion may have outrun its event. */
const burst = 5
const burstWindowMs = 5_000

interface Options {
  readonly caches: Caches
  readonly context: SyncContext
  /** Whether the operator has allowed it (flag or annotation). */
  readonly allowed: () => boolean
  /** Milliseconds. */
  readonly now: () => number
  /** Asks the virtual API server whether the CRD is there and not terminating. */
  readonly crdIsHealthy: Effect.Effect<boolean>
}

export const makeMassDeleteGate = ({ caches, context, allowed, now: clock, crdIsHealthy }: Options): MassDeleteGate => {
  const seen = new Set<ObjectKey>()
  let recent: Array<number> = []
  let verdict: { readonly stop: MassDeletion | undefined } | undefined

  const judge = (): MassDeletion | undefined => {
    if (allowed()) return undefined
    verdict ??= { stop: count() }
    return verdict.stop
  }

  const count = (): MassDeletion | undefined => {
    let managed = 0
    let absent = 0
    for (const copy of caches.hostExternalSecrets.values()) {
      const origin = originOf(copy, context.tenancy)
      if (origin === undefined) continue
      managed += 1
      if (caches.virtualExternalSecrets.get(origin.key) === undefined && !seen.has(origin.key)) absent += 1
    }
    return judgeMassDeletion(absent, managed)
  }

  const confirmBurst = Effect.gen(function* () {
    const now = clock()
    recent = [...recent.filter((at) => now - at < burstWindowMs), now]
    if (recent.length <= burst) return
    if (yield* crdIsHealthy) return
    seen.clear()
    verdict = undefined
  })

  return {
    sawDeletion: (key) => {
      seen.add(key)
    },
    forget: (key) => {
      seen.delete(key)
    },
    judgeAnew: () => {
      verdict = undefined
    },
    judge,
    admit: Effect.fnUntraced(function* (key) {
      if (seen.has(key)) yield* confirmBurst
      return seen.has(key) ? undefined : judge()
    }),
  }
}
