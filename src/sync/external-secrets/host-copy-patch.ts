/**
 * What brings a host copy to what is wanted, beside the host's admission (DESIGN §7): what it adds stays, and what it makes of a
 * value that we wrote is the operator's will, and no reason to write again.
 *
 * That admission did it, and nobody's edit, is told by the API server's account of who wrote what (`metadata.managedFields`): it is
 * kept before admission changes an object, so a value that is not ours under our name came from there. That we have asked for just
 * what is wanted now is told by a hash on the copy.
 */
import { createHash } from "node:crypto"
import type { KubeObject, OwnerReference } from "../../effects/client/kube-object.ts"
import { applyMergePatch, jsonEqual, mergePatch } from "../../effects/client/merge-patch.ts"
import type { JsonRecord } from "../../effects/client/unstructured.ts"
import { isRecord, recordAt } from "../../effects/client/unstructured.ts"
import { writtenAnnotation } from "../tenancy/labels.ts"
import type { WrittenFields } from "./managed-fields.ts"
import { writtenFields } from "./managed-fields.ts"

type Path = ReadonlyArray<string>

interface Leaf {
  readonly path: Path
  readonly value: unknown
}

/** What a merge patch sets or removes, value by value. */
const leavesOf = (patch: JsonRecord): ReadonlyArray<Leaf> => {
  const leaves: Array<Leaf> = []
  const open: Array<{ readonly at: Path; readonly record: JsonRecord }> = [{ at: [], record: patch }]
  for (let step = open.pop(); step !== undefined; step = open.pop())
    for (const [key, value] of Object.entries(step.record)) {
      const path = [...step.at, key]
      if (isRecord(value) && Object.keys(value).length > 0) open.push({ at: path, record: value })
      else leaves.push({ path, value })
    }
  return leaves
}

/** The merge patch that sets one value. */
const patchAt = ({ path, value }: Leaf): unknown =>
  path.reduceRight<unknown>((inner, key) => Object.fromEntries([[key, inner]]), value)

/**
 * Whether somebody wrote at this path (FieldsV1): the field, all that is above it as one value, or a part of it.
 *
 * @param fields `{"f:spec": {"f:refreshInterval": {}}}`
 */
const covers = (fields: JsonRecord, path: Path): boolean => {
  let node = fields
  for (const key of path) {
    const next = recordAt(node, `f:${key}`)
    if (next === undefined) return false
    if (Object.keys(next).length === 0) return true
    node = next
  }
  return true
}

/** Whether what stands at the path is admission's doing. @param isWanted whether we ask for anything there */
const isAdmissions = ({ ours, others }: WrittenFields, path: Path, isWanted: boolean): boolean => {
  const isBy = (writers: ReadonlyArray<JsonRecord>) => writers.some((fields) => covers(fields, path))
  return ours.length > 0 && (isWanted ? isBy(ours) : !isBy(others))
}

const isOverruled = (fields: WrittenFields, { path, value }: Leaf): boolean =>
  isAdmissions(fields, path, value !== null)

/** Whether what stands at the path was written by nobody: admission added it. */
export const isWrittenByNobody = (current: KubeObject, path: Path): boolean => {
  const { ours, others } = writtenFields(current)
  return ours.length > 0 && ![...ours, ...others].some((fields) => covers(fields, path))
}

/** The labels and annotations that we keep in step: those that we want, and those that we once wrote. */
const ownEntries = (current: KubeObject, wanted: KubeObject, field: "labels" | "annotations"): JsonRecord => {
  const { ours } = writtenFields(current)
  const isOurs = (key: string): boolean =>
    ours.length === 0 ||
    Object.hasOwn(wanted.metadata[field] ?? {}, key) ||
    // Labels and annotations are written one by one: who wrote the last one of several keeps an account of an empty map.
    ours.some((fields) => recordAt(fields, "f:metadata", `f:${field}`, `f:${key}`) !== undefined)
  return Object.fromEntries(Object.entries(current.metadata[field] ?? {}).filter(([key]) => isOurs(key)))
}

const ownersWanted = (current: KubeObject, wanted: KubeObject): ReadonlyArray<OwnerReference> => {
  const standing = current.metadata.ownerReferences ?? []
  const owners = wanted.metadata.ownerReferences ?? []
  return owners.length > 0 && owners.every(({ uid }) => standing.some((owner) => owner.uid === uid)) ? standing : owners
}

const standingParts = (current: KubeObject, wanted: KubeObject, spec: unknown): JsonRecord => ({
  metadata: {
    labels: ownEntries(current, wanted, "labels"),
    annotations: ownEntries(current, wanted, "annotations"),
    ownerReferences: current.metadata.ownerReferences ?? [],
  },
  spec,
})

const wantedParts = (current: KubeObject, wanted: KubeObject, spec: unknown): JsonRecord => ({
  metadata: {
    labels: wanted.metadata.labels ?? {},
    annotations: wanted.metadata.annotations ?? {},
    ownerReferences: ownersWanted(current, wanted),
  },
  spec,
})

/** `wanted` with the mark by which it is known that it was written. */
export const withWrittenMark = (wanted: KubeObject): KubeObject => {
  const { annotations, labels } = wanted.metadata
  const hash = createHash("sha256")
    .update(JSON.stringify([labels, annotations, wanted["spec"]]))
    .digest("hex")
  return {
    ...wanted,
    metadata: { ...wanted.metadata, annotations: { ...annotations, [writtenAnnotation]: hash.slice(0, 16) } },
  }
}

const isWritten = (current: KubeObject, wanted: KubeObject): boolean =>
  current.metadata.annotations?.[writtenAnnotation] === wanted.metadata.annotations?.[writtenAnnotation]

export interface CopyDifference {
  /** undefined: there is nothing to be written */
  readonly patch: JsonRecord | undefined
  /** What the host's admission keeps otherwise than it is wanted: `spec.refreshInterval`. */
  readonly overruled: ReadonlyArray<string>
}

/** Whether what we write stands just so, and nothing beside it. */
const isEqual = (current: KubeObject, wanted: KubeObject): boolean =>
  jsonEqual(current.metadata.labels ?? {}, wanted.metadata.labels ?? {}) &&
  jsonEqual(current.metadata.annotations ?? {}, wanted.metadata.annotations ?? {}) &&
  jsonEqual(current.metadata.ownerReferences ?? [], wanted.metadata.ownerReferences ?? []) &&
  jsonEqual(current["spec"], wanted["spec"])

const none: CopyDifference = { patch: undefined, overruled: [] }

/**
 * @param current the copy as it stands, from the cache
 * @param wanted with its {@link withWrittenMark}
 * @param meaning a spec in a form in which equal meaning is equal JSON
 */
export const copyDifference = (
  current: KubeObject,
  wanted: KubeObject,
  meaning: (spec: unknown) => unknown,
): CopyDifference => {
  // Most are, and comparing part by part costs several times as much.
  if (isEqual(current, wanted)) return none
  const partsOf = (form: (spec: unknown) => unknown) =>
    mergePatch(
      standingParts(current, wanted, form(current["spec"])),
      wantedParts(current, wanted, form(wanted["spec"])),
    )
  const patch = partsOf((spec) => spec)
  // Comparing by meaning costs ten times as much.
  const difference = patch === undefined ? undefined : partsOf(meaning)
  if (difference === undefined) return none
  if (!isWritten(current, wanted)) return { patch, overruled: [] }
  const fields = writtenFields(current)
  const leaves = leavesOf(difference)
  const overruled = leaves.filter((leaf) => isOverruled(fields, leaf)).map(({ path }) => path.join("."))
  return overruled.length === leaves.length ? { patch: undefined, overruled } : { patch, overruled }
}

/**
 * The spec of a copy without what admission made of it: as somebody left it who wrote it.
 *
 * @param base what we wrote last
 * @param standing what stands there
 */
export const withoutAdmissions = (current: KubeObject, base: JsonRecord, standing: JsonRecord): JsonRecord => {
  const edits = mergePatch(base, standing)
  if (edits === undefined) return base
  const fields = writtenFields(current)
  if (fields.ours.length === 0) return standing
  // A patch from ours to theirs: what it removes is what we wanted.
  const isWanted = (path: Path): boolean => {
    let node: unknown = base
    for (const key of path) {
      if (!isRecord(node) || !Object.hasOwn(node, key)) return false
      node = node[key]
    }
    return true
  }
  const kept = leavesOf(edits).filter(({ path }) => !isAdmissions(fields, ["spec", ...path], isWanted(path)))
  return kept.reduce<JsonRecord>((spec, leaf) => recordAt(applyMergePatch(spec, patchAt(leaf))) ?? spec, base)
}
