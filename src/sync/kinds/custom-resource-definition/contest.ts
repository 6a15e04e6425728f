/**
 * A CRD of ours that somebody else writes as well: GitOps that rolls ESO's CRDs out to every cluster, virtual ones, too. Each write of either
 * side ends all watches of the kind, so we write a few times and then leave it as the other has it.
 */
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import { arrayAt, recordAt, stringAt } from "../../../effects/client/unstructured.ts"
import { fieldManager } from "../../external-secrets/managed-fields.ts"
import { servedVersions } from "./to-virtual.ts"

/** Writes of the very same that are not kept, after which the other one has it. */
const mostWrites = 3
/** How long one counts. Milliseconds. */
const countsFor = 24 * 60 * 60 * 1000

/** Counts the writes of each CRD. */
export interface Brake {
  /** Whether the same was written too often lately. @param wish one text for equal contents */
  readonly holds: (plural: string, wish: string, nowMs: number) => boolean
  readonly wrote: (plural: string, wish: string, nowMs: number) => void
}

export const makeBrake = (): Brake => {
  const writes = new Map<string, { readonly wish: string; readonly times: ReadonlyArray<number> }>()
  const lately = (plural: string, wish: string, nowMs: number): ReadonlyArray<number> => {
    const before = writes.get(plural)
    return before?.wish === wish ? before.times.filter((time) => nowMs - time < countsFor) : []
  }
  return {
    holds: (plural, wish, nowMs) => lately(plural, wish, nowMs).length >= mostWrites,
    wrote: (plural, wish, nowMs) => {
      writes.set(plural, { wish, times: [...lately(plural, wish, nowMs), nowMs] })
    },
  }
}

/** Who has written the versions last, as the API server notes it. */
const writersOf = (crd: KubeObject): ReadonlyArray<string> =>
  arrayAt(crd, "metadata", "managedFields").flatMap((entry) =>
    recordAt(entry, "fieldsV1", "f:spec", "f:versions") === undefined ? [] : (stringAt(entry, "manager") ?? []),
  )

/**
 * What is to be said of a virtual CRD of ours that is not as it should be, because somebody else has written it; undefined: nobody has.
 *
 * @param desired how it should be
 */
export const contestOf = (desired: KubeObject, virtual: KubeObject): string | undefined => {
  const writers = writersOf(virtual)
  if (writers.length === 0 || writers.includes(fieldManager)) return undefined
  const served = servedVersions(virtual)
  const missing = servedVersions(desired).filter((version) => !served.includes(version))
  const effect = missing.length === 0 ? "is not as the host has it" : `does not serve ${missing.join(", ")}`
  return `it is written by ${writers.join(", ")} as well, and so ${effect}`
}
