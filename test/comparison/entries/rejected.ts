/**
 * What ESO's webhook does not let into a plain cluster. A virtual cluster need not have one, and the host's never sees the tenant's
 * policies: there the object is refused with the words of the webhook.
 */

type Spec = Readonly<Record<string, unknown>>

export interface Rejected {
  readonly name: string
  /** Changes to the spec of an ordinary ExternalSecret. */
  readonly spec: Spec
}

const target = (creationPolicy: string, deletionPolicy: string): Spec => ({
  target: { creationPolicy, deletionPolicy },
})
const entry = (secretKey: string) => ({ secretKey, remoteRef: { key: "/database/password" } })
const extract = { key: "/login" }
const find = { name: { regexp: ".*" } }

export const rejected: ReadonlyArray<Rejected> = [
  { name: "Merge with deletionPolicy Delete", spec: target("Merge", "Delete") },
  { name: "None with deletionPolicy Delete", spec: target("None", "Delete") },
  { name: "None with deletionPolicy Merge", spec: target("None", "Merge") },
  { name: "neither data nor dataFrom", spec: { data: [] } },
  { name: "a key twice", spec: { data: [entry("a"), entry("b"), entry("a")] } },
  { name: "extract and find in one entry", spec: { dataFrom: [{ extract, find }] } },
  { name: "an entry of dataFrom without anything", spec: { dataFrom: [{}] } },
  { name: "two faults at once", spec: { ...target("None", "Delete"), data: [] } },
]
