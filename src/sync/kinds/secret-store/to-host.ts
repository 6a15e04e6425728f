/**
 * SecretStore spec, virtual → host and back. Both sides may be edited: what they last agreed on stands on the host object (so
 * a restart forgets nothing), and each is compared with that. The virtual side wins where both changed the same thing.
 *
 * All three are compared in the tenant's names and with defaults filled in, since what the API server fills in is no edit.
 */
import { secretStoresIn } from "../../external-secrets/eso-resources.ts"
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import { apiVersionOf } from "../../../effects/client/resource.ts"
import type { SyncContext } from "../../engine/context.ts"
import type { Action } from "../../engine/actions.ts"
import { recordAt } from "../../../effects/client/unstructured.ts"
import type { JsonRecord } from "../../../effects/client/unstructured.ts"
import { acceptedGenerationAnnotation } from "../../external-secrets/accepted.ts"
import { baseOf } from "../../external-secrets/agreed-base.ts"
import { withValues, writeBase } from "../../external-secrets/base.ts"
import { baseAnnotation } from "../../tenancy/labels.ts"
import type { CopyDifference } from "../../external-secrets/host-copy-patch.ts"
import { copyDifference, withoutAdmissions, withWrittenMark } from "../../external-secrets/host-copy-patch.ts"
import { hostMetadata, metadataHash } from "../../tenancy/host-metadata.ts"
import { jsonEqual, mergePatch } from "../../../effects/client/merge-patch.ts"
import type { HostLocation } from "../../tenancy/names.ts"
import { ownedByService } from "../../tenancy/ownership.ts"
import { findReferences, renameReferences } from "../../tenancy/references.ts"
import type { Reference } from "../../tenancy/references.ts"
import { canonical, normalize } from "../../tenancy/structural-schema.ts"
import { mergeThreeWays } from "./three-way-merge.ts"
import { judgeSpec } from "./judge.ts"

const schemaOf = (context: SyncContext): unknown => context.hostSpecSchema("secretstores")

const hostNameOf = ({ kind, name }: Reference, namespace: string, context: SyncContext): string | undefined =>
  kind === "ServiceAccount"
    ? context.hostServiceAccountName(name, namespace)
    : context.locateReference(name, namespace)?.name

const toHostNames = (spec: unknown, namespace: string, context: SyncContext): unknown =>
  renameReferences(schemaOf(context), spec, (reference) => hostNameOf(reference, namespace, context))

/** In the tenant's names, without namespaces, with the API server's defaults. ESO itself never changes the spec of a store. */
const inTenantNames = (spec: unknown, context: SyncContext): JsonRecord =>
  recordAt(
    normalize(
      schemaOf(context),
      renameReferences(schemaOf(context), spec, ({ name }) => name),
    ),
  ) ?? {}

/**
 * The host's spec as the tenant would write it; undefined when it refers to what the tenant cannot name.
 *
 * @param known specs in the tenant's names: only what they refer to has a name on the virtual side
 */
const backFromHost = (
  host: KubeObject,
  known: ReadonlyArray<unknown>,
  namespace: string,
  context: SyncContext,
): JsonRecord | undefined => {
  const names = new Map(
    known.flatMap((spec) =>
      findReferences(schemaOf(context), spec).references.map(
        (reference) => [`${reference.kind}|${hostNameOf(reference, namespace, context)}`, reference.name] as const,
      ),
    ),
  )
  let isForeign = false
  const renamed = renameReferences(schemaOf(context), host["spec"], ({ kind, name }) => {
    const tenants = names.get(`${kind}|${name}`)
    if (tenants === undefined) isForeign = true
    return tenants
  })
  return isForeign ? undefined : inTenantNames(renamed, context)
}

/** What both sides agree on. */
interface Agreed {
  /** What the virtual side holds now, comparable with `spec`. */
  readonly ours: JsonRecord
  readonly spec: JsonRecord
  /** Why an edit on the host was not taken over, for the tenant. */
  readonly overruled: string | undefined
}

/** What should stand on both sides. */
export interface Agreement extends Agreed {
  readonly host: KubeObject
}

/** What fields the host's ESO does not have cannot be judged, so they do not go there: the API server would drop them anyway. */
const knownSpec = (store: KubeObject, context: SyncContext): unknown => normalize(schemaOf(context), store["spec"])

/** What both sides are to hold. */
const agree = (virtual: KubeObject, host: KubeObject | undefined, context: SyncContext): Agreed => {
  const ours = inTenantNames(knownSpec(virtual, context), context)
  const noted = host === undefined ? undefined : baseOf(host)
  if (host === undefined || noted === undefined) return { ours, spec: ours, overruled: undefined }
  const standing = backFromHost(host, [ours, noted], virtual.metadata.namespace ?? "", context)
  if (standing === undefined)
    return {
      ours,
      spec: ours,
      overruled: "an edit of the SecretStore on the host refers to what is not of this namespace",
    }
  const base = recordAt(withValues(noted, [ours, standing])) ?? noted
  // What the host's admission made of our own write is nobody's edit.
  const merged = mergeThreeWays(base, ours, withoutAdmissions(host, base, standing), "spec")
  const spec = recordAt(merged.value) ?? ours
  // Nobody but the tenant is asked: what they may not write themselves is not written for them.
  if (!jsonEqual(spec, ours) && judgeSpec({ ...virtual, spec }, context) !== undefined)
    return { ours, spec: ours, overruled: "an edit of the SecretStore on the host is not one that a tenant may make" }
  return {
    ours,
    spec,
    overruled:
      merged.conflicts.length === 0
        ? undefined
        : `edited on both sides, and the edit on the host was overruled: ${merged.conflicts.join(", ")}`,
  }
}

const desiredHostStore = (
  virtual: KubeObject,
  spec: JsonRecord,
  location: HostLocation,
  service: KubeObject | undefined,
  context: SyncContext,
): KubeObject => {
  const { annotations, labels } = hostMetadata(virtual, metadataHash(virtual), context.tenancy)
  return withWrittenMark({
    apiVersion: apiVersionOf(secretStoresIn(context)),
    kind: "SecretStore",
    metadata: {
      ...location,
      labels,
      annotations: {
        ...annotations,
        [baseAnnotation]: writeBase(spec),
        ...acceptedGenerationAnnotation(virtual),
      },
      ownerReferences: ownedByService(service, location.namespace),
    },
    spec: toHostNames(spec, virtual.metadata.namespace ?? "", context),
  })
}

const differenceOf = (
  current: KubeObject,
  desired: KubeObject,
  service: KubeObject | undefined,
  context: SyncContext,
): CopyDifference => {
  // While the Service is away (helm is replacing it), an owner reference that is there stays as it is.
  const { ownerReferences = [] } = service === undefined ? current.metadata : desired.metadata
  const wanted = { ...desired, metadata: { ...desired.metadata, ownerReferences } }
  return copyDifference(current, wanted, (spec) => canonical(schemaOf(context), spec))
}

/** What the host's admission keeps otherwise than both sides agree. */
export const overruledOnHost = (
  current: KubeObject,
  { host }: Agreement,
  service: KubeObject | undefined,
  context: SyncContext,
): ReadonlyArray<string> => differenceOf(current, host, service, context).overruled

const patchHost = (
  current: KubeObject,
  desired: KubeObject,
  service: KubeObject | undefined,
  context: SyncContext,
): ReadonlyArray<Action> => {
  const { patch } = differenceOf(current, desired, service, context)
  return patch === undefined ? [] : [{ _tag: "Patch", side: "host", resource: secretStoresIn(context), current, patch }]
}

const patchVirtual = (virtual: KubeObject, { ours, spec }: Agreed, context: SyncContext): ReadonlyArray<Action> => {
  const patch = mergePatch({ spec: ours }, { spec })
  return patch === undefined
    ? []
    : [{ _tag: "Patch", side: "virtual", resource: secretStoresIn(context), current: virtual, patch }]
}

/** @param current the host copy, if there is one */
export const agreementOf = (
  virtual: KubeObject,
  current: KubeObject | undefined,
  location: HostLocation,
  service: KubeObject | undefined,
  context: SyncContext,
): Agreement => {
  const agreed = agree(virtual, current, context)
  return { ...agreed, host: desiredHostStore(virtual, agreed.spec, location, service, context) }
}

/**
 * Brings both sides to what they agree on. The virtual side is written first: after a crash in between, the next look finds
 * the same edit on both sides, and not one that the tenant seems to have taken back.
 */
export const writesOf = (
  agreement: Agreement,
  virtual: KubeObject,
  current: KubeObject | undefined,
  service: KubeObject | undefined,
  context: SyncContext,
): ReadonlyArray<Action> =>
  current === undefined
    ? [{ _tag: "Create", side: "host", resource: secretStoresIn(context), body: agreement.host }]
    : [...patchVirtual(virtual, agreement, context), ...patchHost(current, agreement.host, service, context)]
