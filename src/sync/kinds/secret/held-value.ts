/**
 * A value that ESO would not fetch again (`refreshPolicy: CreatedOnce` or `OnChange`, `refreshInterval: 0`). In one cluster ESO
 * knows that by the status of the tenant's ExternalSecret; here its copy on the host may be lost and made anew, and then
 * fetches. So a note on the Secret itself tells what was written there.
 */
import { createHash } from "node:crypto"
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import { sortedEntries, stringAt, stringMapAt } from "../../../effects/client/unstructured.ts"
import { creationPolicyOf, fetchesOnce } from "../../external-secrets/external-secret-spec.ts"
import { appliedFields, managerFor } from "../../external-secrets/managed-fields.ts"
import type { VirtualTarget } from "../../external-secrets/target-secret.ts"
import { heldValueAnnotation } from "../../tenancy/labels.ts"
import { controllerOf } from "../../tenancy/ownership.ts"

type Entries = Readonly<Record<string, string>>

const hashOf = (...parts: ReadonlyArray<unknown>): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32)

/** Salted with the owner's UID: equal values of two Secrets do not show as equal. */
const hashOfData = ({ owner }: VirtualTarget, data: Entries): string => hashOf(owner.metadata.uid, sortedEntries(data))

/** As ESO has it: the generation, and a hash of labels and annotations. */
const versionOf = ({ metadata: { annotations, generation, labels } }: KubeObject): string =>
  `${generation ?? 0}-${hashOf(sortedEntries(labels), sortedEntries(annotations))}`

const copyOf = ({ source }: VirtualTarget): string => controllerOf(source)?.uid ?? ""

/** @param data what is written into the Secret */
export const heldValueNote = (target: VirtualTarget, data: Entries): Record<string, string> =>
  fetchesOnce(target.spec)
    ? { [heldValueAnnotation]: [hashOfData(target, data), copyOf(target), versionOf(target.owner)].join("/") }
    : {}

/** Where ESO merges, only what is ours counts. */
const dataThere = (target: VirtualTarget, current: KubeObject): Entries => {
  const data = stringMapAt(current, "data")
  if (creationPolicyOf(target.spec) !== "Merge") return data
  const ours = appliedFields(current, managerFor(target.owner.metadata.name)).data
  return Object.fromEntries(Object.entries(data).filter(([key]) => ours.has(key)))
}

/** See `TargetSecrets.heldValue`. */
export const heldValue = (target: VirtualTarget, current: KubeObject): "kept" | "edited" | undefined => {
  const note = stringAt(current, "metadata", "annotations", heldValueAnnotation)
  if (note === undefined || !fetchesOnce(target.spec)) return undefined
  const [hash, copy, version] = note.split("/")
  if (hash !== hashOfData(target, dataThere(target, current))) return "edited"
  // The copy that is still the same knows by itself what has changed.
  if (target.spec.refreshPolicy === "OnChange" && (copy === copyOf(target) || version !== versionOf(target.owner)))
    return undefined
  return "kept"
}
