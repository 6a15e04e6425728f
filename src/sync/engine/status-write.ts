/** The write that brings the status of a virtual object to what it should be. */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { Resource } from "../../effects/client/resource.ts"
import type { Action } from "./actions.ts"
import type { JsonRecord } from "../../effects/client/unstructured.ts"
import { recordAt } from "../../effects/client/unstructured.ts"
import { jsonEqual } from "../../effects/client/merge-patch.ts"

/** @returns nothing where the status is that already */
export const writeStatus = (resource: Resource, virtual: KubeObject, desired: JsonRecord): ReadonlyArray<Action> =>
  jsonEqual(recordAt(virtual, "status") ?? {}, desired)
    ? []
    : [{ _tag: "Status", side: "virtual", resource, current: virtual, status: desired }]
