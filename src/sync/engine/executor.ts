/** Carries out actions: one API request each, with the preconditions that the action names. */
import { Effect } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import type { KubeClient } from "../../effects/client/kube-client.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { Change } from "./report.ts"
import type { Action, Copy, Side } from "./actions.ts"
import { objectOf, refOf } from "./actions.ts"
import { mergePatch } from "../../effects/client/merge-patch.ts"
import { stringMapAt } from "../../effects/client/unstructured.ts"
import { orUndefined } from "../../effects/client/ignore-not-found.ts"
import { copyOf, copyPatch } from "./copy.ts"

export type Clients = Readonly<Record<Side, KubeClient>>

const verbs = {
  Create: "created",
  Patch: "updated",
  Status: "status",
  Apply: "updated",
  Copy: "updated",
  Delete: "deleted",
} as const

/** Whether only the data of a Secret is new: what users call a rotation. */
const isRotation = (previous: KubeObject, body: KubeObject): boolean =>
  mergePatch({ data: stringMapAt(previous, "data") }, { data: stringMapAt(body, "data") }) !== undefined

/** The action in the words of a report. */
export const changeOf = (action: Action): Change => {
  const object = objectOf(action)
  const { namespace, name } = object.metadata
  const base = {
    side: action.side,
    kind: action.resource.kind,
    name,
    ...(namespace === undefined || namespace === "" ? {} : { namespace }),
  }
  if (action._tag === "Apply")
    return action.previous === undefined
      ? { ...base, verb: "created" }
      : { ...base, verb: "updated", ...(isRotation(action.previous, action.body) ? { note: "rotated" } : {}) }
  if (action._tag === "Copy" && action.current === undefined) return { ...base, verb: "created" }
  return { ...base, verb: verbs[action._tag] }
}

/**
 * A source that went, or was made anew, in the meantime: its own events bring the key back.
 *
 * @returns as {@link carryOut}; `current` itself where it holds all that the source does
 */
const copy = Effect.fnUntraced(function* (
  action: Copy,
  clients: Clients,
): Effect.fn.Return<KubeObject | undefined, ApiError> {
  const { body, current, resource, source } = action
  const read = yield* clients.virtual.get(resource, refOf(source)).pipe(orUndefined)
  if (read === undefined || read.metadata.uid !== source.metadata.uid) return undefined
  const desired = copyOf(body, read)
  const host = clients[action.side]
  if (current === undefined) return yield* host.create(resource, desired)
  const { uid, resourceVersion } = current.metadata
  const patch = copyPatch(current, desired)
  return patch === undefined
    ? current
    : yield* host.mergePatch(resource, refOf(current), patch, { uid, resourceVersion })
})

/**
 * @returns the object as the server stored it; undefined after a deletion, and after a copy whose source is not there any more.
 * A deletion of what is gone already has succeeded.
 */
export const carryOut = (action: Action, clients: Clients): Effect.Effect<KubeObject | undefined, ApiError> => {
  const client = clients[action.side]
  switch (action._tag) {
    case "Create":
      return client.create(action.resource, action.body)
    case "Copy":
      return copy(action, clients)
    case "Apply": {
      const { body, manager, previous, resource } = action
      const onto = previous === undefined ? { onlyNew: true } : { uid: previous.metadata.uid }
      return client.apply(resource, body, { force: true, manager, ...onto })
    }
    case "Patch": {
      const { uid, resourceVersion } = action.current.metadata
      return client.mergePatch(action.resource, refOf(action.current), action.patch, { uid, resourceVersion })
    }
    case "Status":
      return client.jsonPatch(
        action.resource,
        refOf(action.current),
        [{ op: "add", path: "/status", value: action.status }],
        { uid: action.current.metadata.uid, subresource: "status" },
      )
    case "Delete": {
      const { uid, resourceVersion } = action.current.metadata
      const propagation = action.propagation === undefined ? {} : { propagationPolicy: action.propagation }
      return client.delete(action.resource, refOf(action.current), { uid, resourceVersion, ...propagation }).pipe(
        Effect.catchReason("ApiError", "NotFound", () => Effect.void),
        Effect.as(undefined),
      )
    }
  }
}
