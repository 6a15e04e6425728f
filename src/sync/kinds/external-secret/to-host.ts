/**
 * ExternalSecret, virtual → host: the spec, under metadata of ours.
 *
 * `desiredHostExternalSecret` says what should stand on the host; `toHost` compares that with what does and decides the
 * writes. Both are pure.
 */
import type { KubeObject, ObjectKey } from "../../../effects/client/kube-object.ts"
import { objectKey } from "../../../effects/client/kube-object.ts"
import { jsonEqual } from "../../../effects/client/merge-patch.ts"
import { apiVersionOf } from "../../../effects/client/resource.ts"
import { LruMap } from "../../../effects/controller/lru-cache.ts"
import type { Action } from "../../engine/actions.ts"
import type { SyncContext } from "../../engine/context.ts"
import { acceptedAnnotations } from "../../external-secrets/accepted.ts"
import type { CopyDifference } from "../../external-secrets/host-copy-patch.ts"
import { copyDifference, withWrittenMark } from "../../external-secrets/host-copy-patch.ts"
import type { ExternalSecretSpec, StoreReference, TargetTemplate } from "../../external-secrets/external-secret-spec.ts"
import type { JsonRecord } from "../../../effects/client/unstructured.ts"
import { textsIntoData } from "../../external-secrets/metadata-texts.ts"
import { hostTemplateMetadata, targetMetadataHash } from "../../external-secrets/target-metadata.ts"
import { hostMetadata } from "../../tenancy/host-metadata.ts"
import type { HostLocation } from "../../tenancy/names.ts"
import { originOf, ownedByService } from "../../tenancy/ownership.ts"
import type { Tenancy } from "../../tenancy/ownership.ts"
import { canonical } from "../../tenancy/structural-schema.ts"
import { externalSecrets } from "../../resources.ts"

export interface HostSide {
  readonly tenancy: Tenancy
  /** Version of external-secrets.io that we write on the host. */
  readonly version: string
  /** openAPIV3Schema of the host's ExternalSecret, for comparing by meaning. */
  readonly schema: unknown
  /** What the things that a spec refers to are called beside its copy. */
  readonly names: {
    readonly store: (name: string, virtualNamespace: string) => string
    readonly reference: (name: string, virtualNamespace: string) => string
  }
  /** The vCluster's Service: the owner of everything that we put on the host. */
  readonly service: KubeObject | undefined
}

const makeHostSide = (context: SyncContext, service: KubeObject | undefined): HostSide => ({
  tenancy: context.tenancy,
  version: context.versionOf("externalsecrets"),
  schema: context.hostSpecSchema("externalsecrets"),
  names: {
    store: (name, namespace) => context.locate({ metadata: { name, namespace } })?.name ?? "",
    reference: (name, namespace) => context.locateReference(name, namespace)?.name ?? "",
  },
  service,
})

/** The same one for all decisions, so that what was worked out of it can be known again. */
const hostSides = new WeakMap<SyncContext, HostSide>()

/** @param service the vCluster's; undefined: it is away */
export const hostSideOf = (context: SyncContext, service: KubeObject | undefined): HostSide => {
  const known = hostSides.get(context)
  if (known !== undefined && known.service === service) return known
  const side = makeHostSide(context, service)
  hostSides.set(context, side)
  return side
}

/** A name in its host form; no name stays none. */
type Rename = (name: string) => string

const renamed = <Ref extends { readonly name?: string }>(ref: Ref, rename: Rename): Ref =>
  ref.name === undefined || ref.name === "" ? ref : { ...ref, name: rename(ref.name) }

/** @param metadata all that a host Secret bears for it: finalizers and owners are not the tenant's to choose */
const hostTemplate = (template: TargetTemplate, metadata: JsonRecord, rename: Rename): JsonRecord => {
  const { templateFrom, ...rest } = textsIntoData(template)
  return {
    ...rest,
    metadata,
    ...(templateFrom === undefined
      ? {}
      : {
          templateFrom: templateFrom.map((source) => ({
            ...source,
            ...(source.secret === undefined ? {} : { secret: renamed(source.secret, rename) }),
            ...(source.configMap === undefined ? {} : { configMap: renamed(source.configMap, rename) }),
          })),
        }),
  }
}

/** A ClusterSecretStore is called the same everywhere; ESO's default kind is SecretStore. */
const hostStoreRef = (ref: StoreReference, rename: Rename): StoreReference =>
  ref.kind === "ClusterSecretStore" ? ref : renamed(ref, rename)

type Entries = ExternalSecretSpec["data"]

const hostEntries = (entries: NonNullable<Entries>, rename: Rename): NonNullable<Entries> =>
  entries.map((entry) =>
    entry.sourceRef?.storeRef === undefined
      ? entry
      : { ...entry, sourceRef: { ...entry.sourceRef, storeRef: hostStoreRef(entry.sourceRef.storeRef, rename) } },
  )

/** The spec as the host's ESO gets it: the hidden Secret as target, owned by ESO whatever the tenant's policy is (DESIGN §4). */
const hostSpec = (
  virtual: KubeObject,
  spec: ExternalSecretSpec,
  hostSecret: string,
  { names }: HostSide,
): JsonRecord => {
  const { template, ...target } = spec.target ?? {}
  const { namespace = "" } = virtual.metadata
  const store: Rename = (name) => names.store(name, namespace)
  const reference: Rename = (name) => names.reference(name, namespace)
  return {
    ...spec,
    ...(spec.secretStoreRef === undefined ? {} : { secretStoreRef: hostStoreRef(spec.secretStoreRef, store) }),
    ...(spec.data === undefined ? {} : { data: hostEntries(spec.data, store) }),
    ...(spec.dataFrom === undefined ? {} : { dataFrom: hostEntries(spec.dataFrom, store) }),
    target: {
      ...target,
      name: hostSecret,
      creationPolicy: target.creationPolicy === "None" ? "None" : "Owner",
      ...(template === undefined
        ? {}
        : { template: hostTemplate(template, hostTemplateMetadata(virtual, spec), reference) }),
    },
  }
}

const makeDesired = (
  virtual: KubeObject,
  spec: ExternalSecretSpec,
  location: HostLocation,
  hostSecret: string,
  host: HostSide,
): KubeObject => {
  const { annotations, labels } = hostMetadata(virtual, targetMetadataHash(virtual, spec), host.tenancy)
  return withWrittenMark({
    apiVersion: apiVersionOf(externalSecrets(host.version)),
    kind: "ExternalSecret",
    metadata: {
      name: location.name,
      namespace: location.namespace,
      labels,
      annotations: { ...annotations, ...acceptedAnnotations(virtual, spec) },
      ownerReferences: ownedByService(host.service, location.namespace),
    },
    spec: hostSpec(virtual, spec, hostSecret, host),
  })
}

/** How many objects' copies are kept: all would be a large part of our memory, and decisions about one come close together. */
const remembered = 256

interface LastDesired {
  readonly virtual: KubeObject
  readonly spec: ExternalSecretSpec
  readonly location: HostLocation
  readonly hostSecret: string
  readonly host: HostSide
  readonly desired: KubeObject
}

const lastDesired = new LruMap<ObjectKey, LastDesired>(remembered)

const seen = ({ metadata: { annotations, generation, labels, name, namespace, uid } }: KubeObject) => ({
  annotations,
  generation,
  labels,
  name,
  namespace,
  uid,
})

/** Whether they are alike in all that the host gets to see in some form. Most changes are of the status. */
const isAlike = (virtual: KubeObject, spec: ExternalSecretSpec, last: LastDesired): boolean =>
  (virtual === last.virtual && spec === last.spec) ||
  (jsonEqual(seen(virtual), seen(last.virtual)) && jsonEqual(spec, last.spec))

/** @param virtual from the cache: it must not change, nor must its spec */
export const desiredHostExternalSecret = (
  virtual: KubeObject,
  spec: ExternalSecretSpec,
  location: HostLocation,
  hostSecret: string,
  host: HostSide,
): KubeObject => {
  const key = objectKey(virtual)
  const last = lastDesired.get(key)
  if (
    last?.host === host &&
    last.hostSecret === hostSecret &&
    last.location.name === location.name &&
    last.location.namespace === location.namespace &&
    isAlike(virtual, spec, last)
  )
    return last.desired
  const desired = makeDesired(virtual, spec, location, hostSecret, host)
  lastDesired.set(key, { virtual, spec, location, hostSecret, host, desired })
  return desired
}

/** While the Service is away (helm is replacing it), an owner reference that is there stays as it is. */
const keepOwners = (desired: KubeObject, current: KubeObject, host: HostSide): KubeObject =>
  host.service !== undefined
    ? desired
    : {
        ...desired,
        metadata: { ...desired.metadata, ownerReferences: current.metadata.ownerReferences ?? [] },
      }

interface LastDifference {
  readonly current: KubeObject
  readonly host: HostSide
  readonly difference: CopyDifference
}

/** By what is desired: kept no longer than that is remembered. */
const lastDifference = new WeakMap<KubeObject, LastDifference>()

const differenceOf = (current: KubeObject, desired: KubeObject, host: HostSide): CopyDifference => {
  const last = lastDifference.get(desired)
  if (last?.current === current && last.host === host) return last.difference
  const meaning = (spec: unknown) => canonical(host.schema, spec)
  const difference = copyDifference(current, keepOwners(desired, current, host), meaning)
  lastDifference.set(desired, { current, host, difference })
  return difference
}

/** What the host's admission keeps otherwise than it is desired. */
export const overruledOnHost = (current: KubeObject, desired: KubeObject, host: HostSide): ReadonlyArray<string> =>
  differenceOf(current, desired, host).overruled

/** The write that brings one to the other, where they differ in meaning. */
const patchOf = (current: KubeObject, desired: KubeObject, host: HostSide): Action | undefined => {
  const { patch } = differenceOf(current, desired, host)
  return patch === undefined
    ? undefined
    : { _tag: "Patch", side: "host", resource: externalSecrets(host.version), current, patch }
}

const remove = (current: KubeObject, host: HostSide, becauseAbsent: boolean): ReadonlyArray<Action> =>
  current.metadata.deletionTimestamp === undefined
    ? [{ _tag: "Delete", side: "host", resource: externalSecrets(host.version), current, becauseAbsent }]
    : []

/**
 * @param desired what should stand on the host; undefined: nothing
 * @param current what stands there, already known to be a copy of `virtual` or of a predecessor of the same key
 * @param virtual the virtual object; undefined: it is gone
 */
export const toHost = (
  desired: KubeObject | undefined,
  current: KubeObject | undefined,
  virtual: KubeObject | undefined,
  host: HostSide,
): ReadonlyArray<Action> => {
  if (desired === undefined) return current === undefined ? [] : remove(current, host, virtual === undefined)
  if (current === undefined)
    return [{ _tag: "Create", side: "host", resource: externalSecrets(host.version), body: desired }]
  // Deleted and recreated under the same name: ESO must fetch anew, so the host object goes first.
  if (originOf(current, host.tenancy)?.uid !== virtual?.metadata.uid) return remove(current, host, false)
  if (current.metadata.deletionTimestamp !== undefined) return []
  const patch = patchOf(current, desired, host)
  return patch === undefined ? [] : [patch]
}
