/**
 * Whether objects of the host still stand as the caches show them. Two watches tell of two objects in any order: what ESO fetched from
 * a store may be seen before it is seen that the store was taken away. So the API server is asked before that is handed on.
 *
 * All that ask for the same object while it is being read share the next reading: no answer is older than its question.
 */
import { Effect, Semaphore } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import { orUndefined } from "../../effects/client/ignore-not-found.ts"
import type { KubeClient } from "../../effects/client/kube-client.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { objectKey } from "../../effects/client/kube-object.ts"
import type { Provided } from "./actions.ts"
import { refOf } from "./actions.ts"

type Reading = Effect.Effect<KubeObject | undefined, ApiError>

export interface Confirmations {
  /** Whether each of them is, just now, the very version that was looked at. */
  readonly confirm: (provided: ReadonlyArray<Provided>) => Effect.Effect<boolean, ApiError>
}

interface Shared {
  readonly lock: Semaphore.Semaphore
  /** Asked for, and not sent yet. */
  next: Reading | undefined
}

export const makeConfirmations = (host: KubeClient): Confirmations => {
  /** As many as there are stores in use. */
  const readings = new Map<string, Shared>()

  const sharedOf = (key: string): Shared => {
    const known = readings.get(key)
    if (known !== undefined) return known
    const shared: Shared = { lock: Semaphore.makeUnsafe(1), next: undefined }
    readings.set(key, shared)
    return shared
  }

  const read = ({ object, resource }: Provided): Reading =>
    Effect.suspend(() => {
      const shared = sharedOf(`${resource.plural} ${objectKey(object)}`)
      if (shared.next !== undefined) return shared.next
      const reading = Effect.suspend(() => {
        shared.next = undefined
        return host.get(resource, refOf(object), { metadataOnly: true }).pipe(orUndefined)
      })
      return Effect.flatMap(Effect.cached(shared.lock.withPermit(reading)), (next) => {
        shared.next = next
        return next
      })
    })

  const isCurrent = (provided: Provided) =>
    Effect.map(read(provided), (found) => {
      const { resourceVersion, uid } = provided.object.metadata
      return found?.metadata.uid === uid && found?.metadata.resourceVersion === resourceVersion
    })

  return {
    confirm: (provided) =>
      Effect.reduce(
        provided,
        () => true,
        (holds, each) => (holds ? isCurrent(each) : Effect.succeed(false)),
      ),
  }
}
