/** What is compared, and how two of them differ: paths into plain data. */
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { arrayAt, isRecord, recordAt, stringAt, stringMapAt, valueAt } from "../../src/effects/client/unstructured.ts"
import type { State } from "./entry.ts"

/** The part of an object that is compared, as plain data. */
export type Snapshot = Readonly<Record<string, unknown>>

const byName = (objects: ReadonlyArray<KubeObject>, view: (object: KubeObject) => Snapshot): Snapshot =>
  Object.fromEntries(objects.map((object) => [object.metadata.name, view(object)]))

const ownerView = (owner: NonNullable<KubeObject["metadata"]["ownerReferences"]>[number]): Snapshot => ({
  kind: owner.kind,
  name: owner.name,
  controller: owner.controller ?? false,
  blockOwnerDeletion: owner.blockOwnerDeletion ?? false,
})

const secretView = (secret: KubeObject): Snapshot => ({
  type: valueAt(secret, "type"),
  immutable: valueAt(secret, "immutable") ?? false,
  data: stringMapAt(secret, "data"),
  labels: secret.metadata.labels ?? {},
  annotations: secret.metadata.annotations ?? {},
  ownerReferences: (secret.metadata.ownerReferences ?? []).map(ownerView),
})

const conditionView = (condition: unknown): Snapshot => ({
  type: stringAt(condition, "type"),
  status: stringAt(condition, "status"),
  reason: stringAt(condition, "reason"),
  message: stringAt(condition, "message"),
})

const statusView = (object: KubeObject): Snapshot => ({
  conditions: arrayAt(object, "status", "conditions").map(conditionView),
  binding: recordAt(object, "status", "binding") ?? {},
  hasRefreshTime: stringAt(object, "status", "refreshTime") !== undefined,
  hasSyncedVersion: (stringAt(object, "status", "syncedResourceVersion") ?? "") !== "",
})

const isOf = (name: string) => (event: KubeObject) => stringAt(event, "involvedObject", "name") === name

/** Which events an ExternalSecret has had, each kind of them once: how often is a matter of timing. */
const eventView = (events: ReadonlyArray<KubeObject>): Snapshot =>
  Object.fromEntries(events.map((event) => [`${stringAt(event, "type")} ${stringAt(event, "reason")}`, true]))

export const snapshotOf = (state: State): Snapshot => ({
  secrets: byName(state.secrets, secretView),
  externalSecrets: byName(state.externalSecrets, (object) => ({
    ...statusView(object),
    events: eventView(state.events.filter(isOf(object.metadata.name))),
  })),
})

export interface Difference {
  /** `secrets app labels team`: steps with spaces between, since names and keys are full of dots and slashes. */
  readonly path: string
  readonly plain: unknown
  readonly virtual: unknown
}

/** Where a part is only on one side, the difference is that part, not each leaf of it. */
export const differencesOf = (plain: unknown, virtual: unknown, path = ""): ReadonlyArray<Difference> => {
  const [left, right] = [plain, virtual].map((value) =>
    Array.isArray(value) ? Object.fromEntries(value.entries()) : value,
  )
  if (isRecord(left) && isRecord(right))
    return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((key) =>
      differencesOf(valueAt(left, key), valueAt(right, key), path === "" ? key : `${path} ${key}`),
    )
  return JSON.stringify(plain) === JSON.stringify(virtual) ? [] : [{ path, plain, virtual }]
}

export const describeDifference = ({ path, plain, virtual }: Difference): string =>
  `${path}\n    plain:   ${JSON.stringify(plain) ?? "absent"}\n    virtual: ${JSON.stringify(virtual) ?? "absent"}`
