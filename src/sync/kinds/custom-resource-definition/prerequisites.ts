/** The CRDs, as the engine and diagnosis know them. */
import type { Prerequisites } from "../../engine/prerequisites.ts"
import { hostCrds, virtualCrds } from "./caches.ts"
import { compareCrd, foreignCrd, hostSpecSchema } from "./ensure.ts"
import { makeCrdFollower } from "./follower.ts"

export const crdPrerequisites: Prerequisites = {
  caches: { host: hostCrds, virtual: virtualCrds },
  compare: compareCrd,
  follower: makeCrdFollower,
  foreign: foreignCrd,
  specSchema: hostSpecSchema,
}
