/**
 * Fights that somebody else keeps up: a write of ours does not last, however often it is made. While one lasts, the tenant is told so
 * at the object, also in the moments in which our write stands.
 */
import type { ObjectRef } from "../../effects/client/kube-client.ts"
import { Refusal } from "../tenancy/refusals.ts"
import type { Action } from "./actions.ts"
import { objectOf } from "./actions.ts"
import type { SyncedKind } from "./synced-kind.ts"
import { contestReasonOf } from "./synced-kind.ts"
import { describeWrite, refillMs } from "./write-limiter.ts"

/** A fight in which nothing was to be put right for so long is over: two writes of ours, as the brake lets them through, have lasted. */
const calmMs = 2 * refillMs

const nameOf = ({ namespace, name }: ObjectRef): string => (namespace === undefined ? name : `${namespace}/${name}`)

interface Contest {
  readonly told: Refusal
  /** The write, in a few words. */
  readonly what: string
}

/** What the tenant is told of a fight over this write; undefined: it is none of the tenant's business. */
export const contestOver = (kind: Pick<SyncedKind, "refusable">, action: Action): Contest | undefined => {
  const reason = contestReasonOf(kind, action)
  if (reason === undefined) return undefined
  const message = `somebody else (another controller, or an admission webhook) keeps changing ${action.resource.kind} ${nameOf(objectOf(action).metadata)}: what belongs there is put back once in ${refillMs / 1000} seconds`
  return { told: new Refusal({ reason, message }), what: describeWrite(action) }
}

export interface Contests {
  /** A write of the key did not last, or was needed again. */
  readonly fought: (id: string, contest: Contest) => void
  /** One that lasts. */
  readonly of: (id: string) => Contest | undefined
  /** Milliseconds until it is over if nothing happens. */
  readonly remaining: (id: string) => number
  readonly forget: (id: string) => void
}

/** @param now milliseconds of a clock that nobody sets */
export const makeContests = (now: () => number): Contests => {
  const contests = new Map<string, Contest & { readonly calmAt: number }>()
  return {
    fought: (id, contest) => contests.set(id, { ...contest, calmAt: now() + calmMs }),
    of: (id) => {
      const contest = contests.get(id)
      if (contest === undefined || now() < contest.calmAt) return contest
      contests.delete(id)
      return undefined
    },
    remaining: (id) => (contests.get(id)?.calmAt ?? now()) - now(),
    forget: (id) => contests.delete(id),
  }
}
