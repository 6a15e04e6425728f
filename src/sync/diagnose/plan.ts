/** What actions would make of the objects they are about, without asking a server. */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { changeOf } from "../engine/executor.ts"
import type { Change } from "../engine/report.ts"
import type { Action, Apply } from "../engine/actions.ts"
import { appliedFields } from "../external-secrets/managed-fields.ts"
import { recordAt, stringMapAt } from "../../effects/client/unstructured.ts"
import { applyMergePatch, jsonEqual } from "../../effects/client/merge-patch.ts"

/** A write that a dry run holds back. `before` absent: the object is created; `after` absent: it is deleted. */
export interface PlannedChange {
  readonly change: Change
  readonly before: KubeObject | undefined
  readonly after: KubeObject | undefined
}

/** A cached object without the notes that the cache made on it. */
const asStored = (cached: KubeObject): KubeObject => ({
  ...Object.fromEntries(Object.entries(cached).filter(([field]) => !field.startsWith("x-vcluster-es-"))),
  apiVersion: cached.apiVersion,
  kind: cached.kind,
  metadata: cached.metadata,
})

const patched = (current: KubeObject, patch: Readonly<Record<string, unknown>>): KubeObject => ({
  ...recordAt(applyMergePatch(current, patch)),
  apiVersion: current.apiVersion,
  kind: current.kind,
  metadata: { ...recordAt(applyMergePatch(current.metadata, patch["metadata"] ?? {})), name: current.metadata.name },
})

/** `null` for each entry that we applied before and do not apply any more: server-side apply removes it. */
const dropped = (before: ReadonlySet<string>, now: Readonly<Record<string, string>>) =>
  Object.fromEntries([...before].filter((key) => !Object.hasOwn(now, key)).map((key) => [key, null]))

const applied = ({ body, previous, manager }: Apply): KubeObject => {
  if (previous === undefined) return body
  const ours = appliedFields(previous, manager)
  const { labels = {}, annotations = {} } = body.metadata
  const without = patched(asStored(previous), {
    metadata: { labels: dropped(ours.labels, labels), annotations: dropped(ours.annotations, annotations) },
    data: dropped(ours.data, stringMapAt(body, "data")),
  })
  return patched(without, body)
}

const foresee = (action: Action): PlannedChange => {
  const change = changeOf(action)
  switch (action._tag) {
    case "Create":
      return { change, before: undefined, after: action.body }
    case "Patch":
      return { change, before: asStored(action.current), after: patched(asStored(action.current), action.patch) }
    case "Status":
      return { change, before: asStored(action.current), after: { ...asStored(action.current), status: action.status } }
    case "Apply":
      return {
        change,
        before: action.previous === undefined ? undefined : asStored(action.previous),
        after: applied(action),
      }
    case "Copy":
      // The data is read when it is carried out, and would be masked here anyway.
      return {
        change,
        before: action.current,
        after: {
          ...action.current,
          ...action.body,
          metadata: { ...action.current?.metadata, ...action.body.metadata },
        },
      }
    default:
      return { change, before: asStored(action.current), after: undefined }
  }
}

/** Foresees writes of ours, but for those that would change nothing. What ESO's answer to them will bring is not in it. */
export const plannedChanges = (actions: ReadonlyArray<Action>): ReadonlyArray<PlannedChange> =>
  actions.map(foresee).filter(({ before, after }) => !jsonEqual(before, after))
