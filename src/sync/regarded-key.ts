/** From a host event of ESO's to the virtual object that it concerns. */
import type { KubeObject, ObjectKey } from "../effects/kube-object.ts"
import { keyOf } from "../effects/kube-object.ts"
import type { Caches } from "./caches.ts"
import type { SyncContext } from "./context.ts"
import { stringAt } from "./rules/json.ts"
import { operatorEvent } from "./rules/operator-event.ts"
import { originOf } from "./rules/ownership.ts"

/** None for an event that is not ESO's, or is about an object that is not a copy of ours (any more). */
export const regardedKey = (event: KubeObject, caches: Caches, context: SyncContext): ReadonlyArray<ObjectKey> => {
  const name = stringAt(event, "involvedObject", "name")
  if (name === undefined) return []
  const copy = caches.hostExternalSecrets.get(keyOf(stringAt(event, "involvedObject", "namespace"), name))
  const origin = copy === undefined ? undefined : originOf(copy, context.tenancy)
  return origin === undefined || copy === undefined || operatorEvent(event, copy) === undefined ? [] : [origin.key]
}
