/**
 * Which CRDs are known to be in step, so that they need not be read whole (half a megabyte each). Pure.
 *
 * What proves it: both objects are in the very state in which they were compared. A UID never comes again and a resourceVersion names one
 * state of an object (Kubernetes API concepts), so whoever edits the virtual CRD, its tenant for one, changes what is compared here. It is noted
 * on the Lease, which no tenant can write; marks on the virtual CRD would prove nothing.
 */
import { Option, Schema } from "effect"
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import type { Sighting } from "../../engine/prerequisites.ts"

/** UID and resourceVersion; undefined where an object has none of either, which is then never taken for known. */
export const stateOf = (object: KubeObject | undefined): string | undefined => {
  const { uid, resourceVersion } = object?.metadata ?? {}
  return uid === undefined || resourceVersion === undefined ? undefined : `${uid}/${resourceVersion}`
}

const State = Schema.NonEmptyString

/** Both sides of one CRD when there was nothing left to do: the virtual one was ours, as the host's asks for, and served. */
const InStep = Schema.Struct({
  /** Of external-secrets.io, as it was chosen. */
  version: Schema.NonEmptyString,
  host: State,
  virtual: State,
  /** Hash of the virtual one, as its API server stored it: the same in another state, and nothing has changed that matters. */
  stored: Schema.NonEmptyString,
})
export type InStep = typeof InStep.Type

const Note = Schema.fromJsonString(
  Schema.Struct({ by: Schema.String, crds: Schema.Record(Schema.NonEmptyString, InStep) }),
)

/**
 * @param text what an earlier run noted
 * @param by what else decides how a virtual CRD should look; what was noted under another word is not believed
 * @returns by plural; empty where nothing can be read
 */
export const readNote = (text: string | undefined, by: string): ReadonlyMap<string, InStep> => {
  const note = Option.getOrUndefined(Schema.decodeUnknownOption(Note)(text))
  return new Map(note?.by === by ? Object.entries(note.crds) : [])
}

export const writeNote = (crds: ReadonlyMap<string, InStep>, by: string): string =>
  crds.size === 0 ? "" : JSON.stringify({ by, crds: Object.fromEntries(crds) })

/** Whether both sides are in the states that are known. */
export const areKnown = (seen: Sighting, known: Pick<InStep, "host" | "virtual"> | undefined): boolean =>
  known !== undefined && stateOf(seen.host) === known.host && stateOf(seen.virtual) === known.virtual
