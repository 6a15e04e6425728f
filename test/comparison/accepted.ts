/**
 * The differences that hold for every row, each with a reason that a user would accept. What is in no list fails its row.
 * `docs/comparison.md` shows this list.
 */
import type { Difference } from "./snapshot.ts"

export interface AcceptedDifference {
  readonly path: RegExp
  /** Which side has it, where the other has nothing. */
  readonly only: "plain" | "virtual" | "either"
  readonly reason: string
}

export const acceptedEverywhere: ReadonlyArray<AcceptedDifference> = [
  {
    path: /^secrets \S+ labels vcluster-es\.io\/managed$/,
    only: "virtual",
    reason: "our mark in place of ESO's: kubectl get secrets -l vcluster-es.io/managed=true",
  },
  {
    path: /^secrets \S+ annotations vcluster-es\.io\/external-secret$/,
    only: "virtual",
    reason: "where the Secret comes from, also where it has no owner",
  },
  {
    path: /^secrets \S+ annotations vcluster-es\.io\/host-version$/,
    only: "virtual",
    reason:
      "under Orphan, which state of the host's Secret was carried over: so that edits stay until the next refresh",
  },
  {
    path: /^secrets \S+ annotations vcluster-es\.io\/held-value$/,
    only: "virtual",
    reason:
      "of a value that ESO would not fetch again, what was written there: so that it stays when the copy on the host is lost",
  },
  {
    path: /^secrets \S+ annotations vcluster-es\.io\/written$/,
    only: "virtual",
    reason:
      "of which labels and annotations we have asked for: what admission makes of them is told from an edit by it",
  },
  {
    path: /^secrets \S+ labels reconcile\.external-secrets\.io\/(managed|created-by)$/,
    only: "plain",
    reason:
      "by these ESO finds what it reconciles; in the virtual cluster no ESO does, and one that is there must not take the Secret for its own",
  },
  {
    path: /^secrets \S+ annotations reconcile\.external-secrets\.io\/data-hash$/,
    only: "plain",
    reason: "ESO's own memory of what it wrote; ours is the API server's account of field managers",
  },
  {
    path: /^externalSecrets \S+ events Normal (Created|Updated|Deleted)$/,
    only: "either",
    reason:
      "they tell what ESO did to its Secret on the host: what is taken over or merged here was created there, and what is put right here needs no ESO",
  },
]

export const isAcceptedEverywhere = (difference: Difference): boolean =>
  acceptedEverywhere.some(
    ({ path, only }) =>
      path.test(difference.path) &&
      (["plain", "virtual"] as const).some((side) => difference[side] === undefined && only !== side),
  )
