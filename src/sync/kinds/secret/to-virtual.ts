/**
 * Secret, host → virtual: data, type, immutability, and the labels and annotations that the tenant's template asked for.
 *
 * What the tenant's `creationPolicy` means is carried out here, as ESO does it in one cluster (`externalsecret_controller.go`).
 * Written by server-side apply under a field manager of the ExternalSecret's own, key by key: what others put there stays as
 * far as ESO leaves it, keys that we no longer apply go (the API server keeps the account).
 */
import type { KubeObject, OwnerReference } from "../../../effects/client/kube-object.ts"
import { apiVersionOf } from "../../../effects/client/resource.ts"
import type { Action } from "../../engine/actions.ts"
import type { AppliedFields } from "../../external-secrets/managed-fields.ts"
import { appliedByOthers, appliedFields, fieldManager, managerFor } from "../../external-secrets/managed-fields.ts"
import { isControlledBy } from "../../external-secrets/target-secret.ts"
import type { TargetSecrets, VirtualTarget } from "../../external-secrets/target-secret.ts"
import { creationPolicyOf } from "../../external-secrets/external-secret-spec.ts"
import { stringAt, stringMapAt, valueAt } from "../../../effects/client/unstructured.ts"
import {
  esoCreatedByLabel,
  externalSecretAnnotation,
  hostVersionAnnotation,
  isOurKey,
  managedLabel,
  tenantKeys,
  writtenAnnotation,
} from "../../tenancy/labels.ts"
import { unreadableText } from "../../external-secrets/metadata-texts.ts"
import { isOfMetadata, targetMetadata } from "../../external-secrets/target-metadata.ts"
import { controllerOf } from "../../tenancy/ownership.ts"
import { clearingPatch } from "./clearing.ts"
import { isImmutable, sourceData, writtenMark } from "./content.ts"
import { heldValue, heldValueNote } from "./held-value.ts"
import { secrets } from "../../resources.ts"

type Entries = Readonly<Record<string, string>>

interface Content {
  readonly labels: Entries
  readonly annotations: Entries
  readonly data: Entries
}

/** The owner reference that ESO itself would set (`controllerutil.SetControllerReference`). */
const controllerReference = (owner: KubeObject): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: "ExternalSecret",
  name: owner.metadata.name,
  uid: owner.metadata.uid ?? "",
  controller: true,
  blockOwnerDeletion: true,
})

const pick = (entries: Entries | undefined, keep: (key: string) => boolean): Entries =>
  Object.fromEntries(Object.entries(entries ?? {}).filter(([key]) => keep(key)))

/** All that ESO put into the host Secret, under the labels and annotations that the tenant asked for. */
const wholeContent = ({ owner, spec, source }: VirtualTarget): Content => ({
  ...targetMetadata(source, owner, spec),
  data: sourceData(source),
})

/** Just what we put there, with the values that it has: nothing changes but our marks. */
const standingContent = (standing: KubeObject, applied: AppliedFields): Content => ({
  labels: tenantKeys(pick(standing.metadata.labels, (key) => applied.labels.has(key))),
  annotations: tenantKeys(pick(standing.metadata.annotations, (key) => applied.annotations.has(key))),
  data: pick(stringMapAt(standing, "data"), (key) => applied.data.has(key)),
})

/**
 * Two that merge into one Secret may want the same key. The later one takes it once, and the earlier one leaves it there:
 * else they would take it from each other for ever.
 */
const yielded = (content: Content, applied: AppliedFields, others: AppliedFields): Content => {
  const first = applied.labels.size === 0
  const mine = (field: keyof Content) => (key: string) => first || applied[field].has(key) || !others[field].has(key)
  return {
    labels: pick(content.labels, mine("labels")),
    annotations: pick(content.annotations, mine("annotations")),
    data: pick(content.data, mine("data")),
  }
}

/** Our marks: where the Secret comes from. A Secret that several merge into comes from none of them. */
const marks = ({ owner, spec, source }: VirtualTarget): { readonly labels: Entries; readonly annotations: Entries } => {
  const policy = creationPolicyOf(spec)
  return {
    labels: { [managedLabel]: "true" },
    annotations: {
      ...(policy === "Merge" ? {} : { [externalSecretAnnotation]: owner.metadata.name }),
      ...(policy === "Orphan" ? { [hostVersionAnnotation]: source.metadata.resourceVersion ?? "" } : {}),
    },
  }
}

/** @param rest.written the mark of what was asked for before, where nothing is asked anew */
const body = (
  target: VirtualTarget,
  content: Content,
  rest: { readonly type?: unknown; readonly immutable: boolean; readonly written?: Entries },
): KubeObject => {
  const { owner, spec, name } = target
  const { labels, annotations } = marks(target)
  return {
    apiVersion: apiVersionOf(secrets),
    kind: "Secret",
    metadata: {
      name,
      namespace: owner.metadata.namespace ?? "",
      labels: { ...content.labels, ...labels },
      annotations: {
        ...content.annotations,
        ...annotations,
        ...(rest.written ?? writtenMark(content)),
        ...heldValueNote(target, content.data),
      },
      ...(creationPolicyOf(spec) === "Owner" ? { ownerReferences: [controllerReference(owner)] } : {}),
    },
    ...(rest.type === undefined ? {} : { type: rest.type }),
    data: content.data,
    ...(rest.immutable ? { immutable: true } : {}),
  }
}

/**
 * What should stand in the virtual cluster.
 *
 * @param standing what does, values included; undefined: nothing
 */
export const desiredVirtualSecret = (target: VirtualTarget, standing: KubeObject | undefined): KubeObject => {
  const { owner, spec, source } = target
  if (standing === undefined)
    return body(target, wholeContent(target), {
      type: valueAt(source, "type") ?? "Opaque",
      immutable: isImmutable(source),
    })
  const manager = managerFor(owner.metadata.name)
  const applied = () => appliedFields(standing, manager)
  const held = () => standingContent(standing, applied())
  const type = valueAt(standing, "type")
  // Of a Secret that is there already, `target.immutable` freezes what it holds.
  const written = pick(standing.metadata.annotations, (key) => key === writtenAnnotation)
  if (spec.target?.immutable === true) return body(target, held(), { type, immutable: true, written })
  const whole = wholeContent(target)
  // ESO sets labels and annotations when it refreshes, together with the data: until then they are what they were.
  const isNew = isOfMetadata(source, owner, spec)
  const content = isNew ? whole : { ...held(), data: whole.data }
  return body(
    target,
    {
      ...(creationPolicyOf(spec) === "Merge"
        ? yielded(content, applied(), appliedByOthers(standing, manager))
        : content),
      ...(isImmutable(standing) ? { data: held().data } : {}),
    },
    { type, immutable: isImmutable(standing), ...(isNew ? {} : { written }) },
  )
}

const sameKeys = (wanted: Entries, applied: ReadonlySet<string>): boolean => {
  const keys = Object.keys(wanted)
  return keys.length === applied.size && keys.every((key) => applied.has(key))
}

const holds = (current: Entries, wanted: Entries): boolean =>
  Object.entries(wanted).every(([key, value]) => Object.hasOwn(current, key) && current[key] === value)

/**
 * Between two refreshes ESO looks at the data of a Secret and at its own label only (`isSecretValid`): what another controller makes of
 * other metadata stands until then. So do we, but for our marks and for what is not asked for any more. What is still ours by the API
 * server's account, and has another value than we have asked for, admission has changed: that stands.
 */
const metadataInStep = (current: KubeObject, desired: KubeObject, applied: AppliedFields, isCarriedOver: boolean) => {
  const isAsked =
    current.metadata.annotations?.[writtenAnnotation] === desired.metadata.annotations?.[writtenAnnotation]
  return (["labels", "annotations"] as const).every((field) => {
    const [standing, wanted] = [current.metadata[field] ?? {}, desired.metadata[field] ?? {}]
    if (isCarriedOver)
      return holds(standing, pick(wanted, isOurKey)) && [...applied[field]].every((key) => Object.hasOwn(wanted, key))
    const isAdmissions = (key: string) => isAsked && !isOurKey(key) && applied[field].has(key)
    return (
      holds(
        standing,
        pick(wanted, (key) => !isAdmissions(key)),
      ) && sameKeys(wanted, applied[field])
    )
  })
}

/** Whether an apply would change nothing that it should: the values are there, and what is ours there is just what we want. */
const inStep = (current: KubeObject, desired: KubeObject, { owner, isCarriedOver }: VirtualTarget): boolean => {
  const applied = appliedFields(current, managerFor(owner.metadata.name))
  const wantedController = controllerOf(desired)?.uid
  return (
    metadataInStep(current, desired, applied, isCarriedOver) &&
    holds(stringMapAt(current, "data"), stringMapAt(desired, "data")) &&
    sameKeys(stringMapAt(desired, "data"), applied.data) &&
    isImmutable(current) === isImmutable(desired) &&
    (wantedController === undefined ? !isControlledBy(current, owner) : controllerOf(current)?.uid === wantedController)
  )
}

const onVirtual = { side: "virtual", resource: secrets } as const

const deleteSecret = (current: KubeObject, becauseAbsent: boolean): Action => ({
  ...onVirtual,
  _tag: "Delete",
  current,
  becauseAbsent,
})

/**
 * A Secret of which we know only that it is there. As ESO does, we first put our label on it: then it comes into the cache
 * with all that it holds, and the next decision sees what it would change.
 */
export const lookInto = (unmanaged: KubeObject): ReadonlyArray<Action> => {
  const { name, namespace = "" } = unmanaged.metadata
  const marked = { metadata: { name, namespace, labels: { [managedLabel]: "true" } } }
  return [
    {
      ...onVirtual,
      _tag: "Apply",
      body: { apiVersion: apiVersionOf(secrets), kind: "Secret", ...marked },
      manager: fieldManager,
      previous: unmanaged,
    },
  ]
}

export const unmark = (current: KubeObject): ReadonlyArray<Action> => [
  { ...onVirtual, _tag: "Patch", current, patch: { metadata: { labels: { [esoCreatedByLabel]: null } } } },
]

/** Brings `current` to what should stand there. */
export const applySecret = (target: VirtualTarget, current: KubeObject | undefined): ReadonlyArray<Action> => {
  const { owner } = target
  const desired = desiredVirtualSecret(target, current)
  const apply: Action = {
    ...onVirtual,
    _tag: "Apply",
    body: desired,
    manager: managerFor(owner.metadata.name),
    previous: current,
  }
  if (current === undefined) return [apply]
  if (current.metadata.deletionTimestamp !== undefined) return []
  const patch = clearingPatch(target, current)
  return [
    ...(patch === undefined ? [] : [{ ...onVirtual, _tag: "Patch" as const, current, patch }]),
    ...(inStep(current, desired, target) ? [] : [apply]),
  ]
}

/** Whether what ESO fetched is not in the Secret, nor can be, since it is immutable. */
export const isFrozenOut = (target: VirtualTarget, current: KubeObject): boolean => {
  if (!isImmutable(current) || target.spec.target?.immutable === true) return false
  const wanted = sourceData(target.source)
  const standing = stringMapAt(current, "data")
  const foreign = Object.keys(standing).some((key) => !Object.hasOwn(wanted, key))
  return !holds(standing, wanted) || (foreign && creationPolicyOf(target.spec) !== "Merge")
}

/** A type cannot be changed; without one in the template, the Secret keeps what it has. */
export const hasOtherType = ({ spec }: VirtualTarget, current: KubeObject): boolean => {
  const wanted = spec.target?.template?.type ?? ""
  return wanted !== "" && valueAt(current, "type") !== wanted
}

/** Whether ESO has written since we did: for Orphan, which it leaves alone between two refreshes. */
export const isOlderThanSource = (target: VirtualTarget, current: KubeObject): boolean => {
  const version = stringAt(current, "metadata", "annotations", hostVersionAnnotation)
  return version !== undefined && version !== target.source.metadata.resourceVersion
}

/**
 * Virtual Secrets that we made for the ExternalSecret of this name and that it does not want any more (target renamed, refused, not
 * selected). Under Orphan and Merge there is no controller reference, so they stay.
 */
export const removeSecrets = (
  claimed: ReadonlyArray<KubeObject>,
  externalSecret: string,
  isRevoked = false,
): ReadonlyArray<Action> =>
  claimed
    .filter(
      (secret) =>
        secret.metadata.deletionTimestamp === undefined &&
        appliedFields(secret, managerFor(externalSecret)).labels.size > 0,
    )
    .map((secret) => deleteSecret(secret, isRevoked))

export const targetSecrets: TargetSecrets = {
  unreadableText: ({ source, spec }) => unreadableText(source, spec),
  apply: applySecret,
  lookInto,
  unmark,
  remove: removeSecrets,
  isFrozenOut,
  hasOtherType,
  heldValue,
  isOlderThanSource,
}
