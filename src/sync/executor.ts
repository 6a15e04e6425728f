/** Carries out actions: one API request each, with the preconditions that the action names. */
import { Effect } from "effect"
import type { ApiError } from "../effects/api-error.ts"
import type { KubeClient } from "../effects/kube-client.ts"
import type { KubeObject } from "../effects/kube-object.ts"
import type { Change } from "./report.ts"
import type { Action, Side } from "./rules/actions.ts"
import { refOf } from "./rules/actions.ts"
import { mergePatch } from "./rules/merge-patch.ts"
import { stringMapAt } from "./rules/json.ts"

export type Clients = Readonly<Record<Side, KubeClient>>

const objectOf = (action: Action): KubeObject =>
  action._tag === "Create" || action._tag === "Apply" ? action.body : action.current

const verbs = { Create: "created", Patch: "updated", Apply: "updated", Delete: "deleted" } as const

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
  if (action._tag === "Patch" && action.subresource === "status") return { ...base, verb: "status" }
  return { ...base, verb: verbs[action._tag] }
}

/**
 * @returns the object as the server stored it; undefined after a deletion. A deletion of what is gone already has succeeded.
 */
export const carryOut = (action: Action, clients: Clients): Effect.Effect<KubeObject | undefined, ApiError> => {
  const client = clients[action.side]
  switch (action._tag) {
    case "Create":
      return client.create(action.resource, action.body)
    case "Apply": {
      const uid = action.previous?.metadata.uid
      const body = uid === undefined ? action.body : { ...action.body, metadata: { ...action.body.metadata, uid } }
      return client.apply(action.resource, body, { force: true, manager: action.manager })
    }
    case "Patch": {
      const { uid, resourceVersion } = action.current.metadata
      // A status describes what was just read; a tenant's edit in between does not make it wrong, so the UID suffices.
      const preconditions = action.subresource === "status" ? { uid } : { uid, resourceVersion }
      return client.mergePatch(action.resource, refOf(action.current), action.patch, {
        ...preconditions,
        subresource: action.subresource,
      })
    }
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
