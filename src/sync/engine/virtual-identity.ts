/**
 * The virtual cluster, once it is known to be the right one: looked at again after the Lease was taken, with an anchor in it that
 * names us, and guarded from then on.
 */
import { Context, Effect, Layer } from "effect"
import { retryThrottled } from "../../effects/client/retry-throttled.ts"
import { VirtualClient } from "./clients.ts"
import type { IdentityGuard } from "./identity-guard.ts"
import { makeIdentityGuard, writeAnchor } from "./identity-guard.ts"
import { namesVcluster } from "./identity.ts"
import { Leadership, whileLeading } from "./leadership.ts"
import { Patience } from "./patience.ts"
import type { Survey } from "./preflight.ts"
import { expectedAnchor, identityOf, lookAround } from "./preflight.ts"
import { VclusterTarget } from "./target.ts"

/** As often in a row; more than that is somebody who goes on writing. */
const anchorRaces = 5

/**
 * Looks around, and leaves the anchor where none names us. What somebody else wrote there meanwhile is judged by another look.
 *
 * @param first what was seen already, where that counts
 */
const lookAndAnchor = (first: Survey | undefined) => {
  let seen = first
  return Effect.gen(function* () {
    const virtual = yield* VirtualClient
    const { vcluster } = yield* VclusterTarget
    const survey = seen ?? (yield* lookAround)
    seen = undefined
    const { anchor } = survey
    if (identityOf(survey, vcluster) !== undefined || anchor === undefined || !namesVcluster(anchor))
      yield* retryThrottled(writeAnchor(virtual, expectedAnchor(survey, vcluster), anchor))
    return survey
  }).pipe(
    Effect.retry({
      times: anchorRaces,
      while: (error) => error._tag === "ApiError" && error.reason._tag === "Conflict",
    }),
  )
}

const makeVirtualIdentity = Effect.gen(function* () {
  const virtual = yield* VirtualClient
  const { vcluster } = yield* VclusterTarget
  const { patiently } = yield* Patience
  const { firstLook, remember } = yield* Leadership
  // Another look, now that nobody else is at work: the Lease may have come after days of waiting. Not where it came at once, from nobody.
  const survey = yield* whileLeading(patiently(lookAndAnchor(firstLook)))
  const guard = makeIdentityGuard({
    virtual,
    uid: survey.virtualUid,
    expected: expectedAnchor(survey, vcluster),
    highest: identityOf(survey, vcluster) === undefined ? survey.highestResourceVersion : undefined,
  })
  guard.saw(survey.resourceVersion)
  yield* remember({ virtualUid: survey.virtualUid, highestResourceVersion: guard.highest })
  return { ...guard, uid: survey.virtualUid }
})

export class VirtualIdentity extends Context.Service<
  VirtualIdentity,
  IdentityGuard & {
    /** UID of the virtual kube-system namespace. */
    readonly uid: string
  }
>()("vcluster-es/sync/engine/VirtualIdentity") {
  /** Writes the anchor: the first write of a run, and after the Lease. */
  static readonly layer = Layer.effect(VirtualIdentity, makeVirtualIdentity)
}
