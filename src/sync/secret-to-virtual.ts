/**
 * Secret, host → virtual: data, type, immutability, and the labels and annotations that the tenant's template asked for.
 *
 * Written by server-side apply under our field manager, key by key: keys of others stay, keys that we no longer apply go
 * (the API server keeps the account). What the tenant's `creationPolicy` means is carried out here, on the virtual side.
 */
import type { KubeObject, OwnerReference } from "../effects/kube-object.ts"
import { apiVersionOf } from "../effects/resource.ts"
import type { Action } from "./rules/actions.ts"
import type { ExternalSecretSpec } from "./rules/external-secret-spec.ts"
import { stringMapAt, valueAt } from "./rules/json.ts"
import {
  carriedAnnotations,
  carriedLabels,
  externalSecretAnnotation,
  heldBackLabels,
  managedLabel,
} from "./rules/keys.ts"
import { appliedFields } from "./rules/applied-fields.ts"
import { controllerOf } from "./rules/ownership.ts"
import { secrets } from "./resources.ts"

/** The owner reference that ESO itself would set (`controllerutil.SetControllerReference`). */
const controllerReference = (owner: KubeObject): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: "ExternalSecret",
  name: owner.metadata.name,
  uid: owner.metadata.uid ?? "",
  controller: true,
  blockOwnerDeletion: true,
})

/** Labels that the host could not carry, but that ESO in one cluster would have put on the Secret. */
const labelsKeptFromHost = (owner: KubeObject, spec: ExternalSecretSpec) =>
  heldBackLabels(spec.target?.template === undefined ? owner.metadata.labels : spec.target.template.metadata?.labels)

/**
 * @param hostSecret the Secret that ESO made on the host
 * @param name its name in the virtual cluster
 */
export const desiredVirtualSecret = (
  owner: KubeObject,
  spec: ExternalSecretSpec,
  hostSecret: KubeObject,
  name: string,
): KubeObject => ({
  apiVersion: apiVersionOf(secrets),
  kind: "Secret",
  metadata: {
    name,
    namespace: owner.metadata.namespace ?? "",
    labels: {
      ...carriedLabels(hostSecret.metadata.labels),
      ...labelsKeptFromHost(owner, spec),
      [managedLabel]: "true",
    },
    annotations: {
      ...carriedAnnotations(hostSecret.metadata.annotations),
      [externalSecretAnnotation]: owner.metadata.name,
    },
    ...(spec.target?.creationPolicy === "Orphan" ? {} : { ownerReferences: [controllerReference(owner)] }),
  },
  type: valueAt(hostSecret, "type") ?? "Opaque",
  data: stringMapAt(hostSecret, "data"),
  ...(valueAt(hostSecret, "immutable") === true ? { immutable: true } : {}),
})

const sameKeys = (wanted: Readonly<Record<string, string>>, applied: ReadonlySet<string>): boolean => {
  const keys = Object.keys(wanted)
  return keys.length === applied.size && keys.every((key) => applied.has(key))
}

const holds = (current: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean =>
  Object.entries(wanted).every(([key, value]) => Object.hasOwn(current, key) && current[key] === value)

/** Whether an apply would change nothing: the values are there, and what is ours there is just what we want. */
const inStep = (current: KubeObject, desired: KubeObject): boolean => {
  const applied = appliedFields(current)
  return (
    (["labels", "annotations"] as const).every((field) => {
      const wanted = desired.metadata[field] ?? {}
      return holds(current.metadata[field] ?? {}, wanted) && sameKeys(wanted, applied[field])
    }) &&
    holds(stringMapAt(current, "data"), stringMapAt(desired, "data")) &&
    sameKeys(stringMapAt(desired, "data"), applied.data) &&
    valueAt(current, "type") === valueAt(desired, "type") &&
    (valueAt(current, "immutable") ?? false) === (valueAt(desired, "immutable") ?? false) &&
    controllerOf(current)?.uid === controllerOf(desired)?.uid
  )
}

const deleteSecret = (current: KubeObject): Action => ({
  _tag: "Delete",
  side: "virtual",
  resource: secrets,
  current,
  becauseAbsent: false,
})

const create = (desired: KubeObject): Action => ({
  _tag: "Apply",
  side: "virtual",
  resource: secrets,
  body: desired,
  previous: undefined,
})

/** Bring `current` to `desired`. A type, and data that was immutable, cannot be changed: delete and create (DESIGN §4). */
export const applySecret = (desired: KubeObject, current: KubeObject | undefined): ReadonlyArray<Action> => {
  if (current === undefined) return [create(desired)]
  if (current.metadata.deletionTimestamp !== undefined || inStep(current, desired)) return []
  const ours = appliedFields(current).labels.size > 0
  const typeChanged = valueAt(current, "type") !== valueAt(desired, "type")
  const thaw = valueAt(current, "immutable") === true
  if (ours && (typeChanged || thaw)) return [deleteSecret(current), create(desired)]
  return [{ _tag: "Apply", side: "virtual", resource: secrets, body: desired, previous: current }]
}

/**
 * Virtual Secrets that we made for the ExternalSecret and that it does not want any more (target renamed, refused, not
 * selected). Under Orphan there is no controller reference, so they stay.
 */
export const removeSecrets = (claimed: ReadonlyArray<KubeObject>): ReadonlyArray<Action> =>
  claimed
    .filter((secret) => secret.metadata.deletionTimestamp === undefined && appliedFields(secret).labels.size > 0)
    .map(deleteSecret)
