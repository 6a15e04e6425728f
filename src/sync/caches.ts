/**
 * The caches that decisions read: one line a cache, with the indexes that lead from a changed object to the keys that it
 * concerns. Adding a synced kind adds its lines here.
 */
import { named as byName } from "../effects/field-selector.ts"
import type { Indexer, Store } from "../effects/store.ts"
import type { Selection } from "../effects/kube-client.ts"
import type { KubeObject } from "../effects/kube-object.ts"
import { keyOf } from "../effects/kube-object.ts"
import type { Resource } from "../effects/resource.ts"
import type { SyncContext } from "./context.ts"
import { hostSecretOf } from "./external-secret-names.ts"
import type { Side } from "./rules/actions.ts"
import { summarizeAppliedFields } from "./rules/applied-fields.ts"
import { stringAt } from "./rules/json.ts"
import { esoManagedLabel, externalSecretAnnotation, managedLabel } from "./rules/keys.ts"
import { toQuery } from "./rules/label-selector.ts"
import { controllerOf, originOf } from "./rules/ownership.ts"
import type { ExternalSecretSpec } from "./rules/external-secret-spec.ts"
import { decodeSpec, storeReferences, targetName } from "./rules/external-secret-spec.ts"
import { Result } from "effect"
import * as resources from "./resources.ts"

export interface Caches {
  readonly virtualExternalSecrets: Store
  readonly virtualSecrets: Store
  readonly virtualUnmanagedSecrets: Store
  readonly virtualNamespaces: Store
  readonly virtualClusterSecretStores: Store
  readonly hostExternalSecrets: Store
  readonly hostSecrets: Store
  readonly hostUnmanagedSecrets: Store
  readonly hostClusterSecretStores: Store
  readonly hostService: Store
  readonly hostCrds: Store
  readonly virtualCrds: Store
}

export type CacheName = keyof Caches

/** Every cache, those that the settings do not call for (they are empty) included. */
export const buildCaches = (storeOf: (name: CacheName) => Store): Caches => ({
  virtualExternalSecrets: storeOf("virtualExternalSecrets"),
  virtualSecrets: storeOf("virtualSecrets"),
  virtualUnmanagedSecrets: storeOf("virtualUnmanagedSecrets"),
  virtualNamespaces: storeOf("virtualNamespaces"),
  virtualClusterSecretStores: storeOf("virtualClusterSecretStores"),
  hostExternalSecrets: storeOf("hostExternalSecrets"),
  hostSecrets: storeOf("hostSecrets"),
  hostUnmanagedSecrets: storeOf("hostUnmanagedSecrets"),
  hostClusterSecretStores: storeOf("hostClusterSecretStores"),
  hostService: storeOf("hostService"),
  hostCrds: storeOf("hostCrds"),
  virtualCrds: storeOf("virtualCrds"),
})

export interface CacheSpec {
  readonly name: CacheName
  readonly side: Side
  readonly resource: Resource
  readonly selection: Selection
  readonly indexes: Readonly<Record<string, Indexer>>
  /** What is kept of an object besides what every cache drops (managedFields). Runs before that drop. */
  readonly transform?: (object: KubeObject) => KubeObject
}

/** What indexes need to know of an ExternalSecret's spec. */
interface Named {
  readonly spec: ExternalSecretSpec | undefined
  readonly target: string | undefined
  readonly clusterStores: ReadonlyArray<string>
}

/** Every index asks for the same object, when it comes and when it goes; the names outlive neither. */
const named = new WeakMap<KubeObject, Named>()

/** A tenant can write specs that do not decode: such an object is simply found under no name. */
const decodeNames = (object: KubeObject): Named => {
  const spec = Result.getOrUndefined(decodeSpec(object["spec"]))
  return {
    spec,
    target: spec === undefined ? undefined : targetName(spec, object.metadata.name),
    clusterStores:
      spec === undefined
        ? []
        : storeReferences(spec).flatMap((ref) => (ref.kind === "ClusterSecretStore" ? [ref.name] : [])),
  }
}

const namesIn = (object: KubeObject): Named => {
  const known = named.get(object)
  if (known !== undefined) return known
  const names = decodeNames(object)
  named.set(object, names)
  return names
}

const virtualExternalSecrets = (context: SyncContext): CacheSpec => ({
  name: "virtualExternalSecrets",
  side: "virtual",
  resource: resources.externalSecrets(context.virtualVersion),
  selection: {},
  indexes: {
    namespace: (object) => [object.metadata.namespace ?? ""],
    hostName: (object) => {
      const location = context.locate(object)
      return location === undefined ? [] : [keyOf(location.namespace, location.name)]
    },
    hostSecret: (object) => {
      const { spec } = namesIn(object)
      const location = context.locate(object)
      return spec === undefined || location === undefined
        ? []
        : [keyOf(location.namespace, hostSecretOf(object, spec, location, context))]
    },
    target: (object) => {
      const { target } = namesIn(object)
      return target === undefined ? [] : [keyOf(object.metadata.namespace, target)]
    },
    clusterStore: (object) => namesIn(object).clusterStores,
  },
})

/** The ExternalSecret that a virtual Secret of ours names: through its controller, else (Orphan) through our annotation. */
const claimant = (secret: KubeObject): ReadonlyArray<string> => {
  const controller = controllerOf(secret)
  const name =
    controller === undefined
      ? stringAt(secret, "metadata", "annotations", externalSecretAnnotation)
      : controller.kind === "ExternalSecret"
        ? controller.name
        : undefined
  return name === undefined ? [] : [keyOf(secret.metadata.namespace, name)]
}

const withoutSpec = (object: KubeObject): KubeObject => ({
  apiVersion: object.apiVersion,
  kind: object.kind,
  metadata: object.metadata,
})

/** Names and terminations only: the schemas are large, and read in full where they are compared. */
const crds = (name: "hostCrds" | "virtualCrds", side: Side): CacheSpec => ({
  name,
  side,
  resource: resources.customResourceDefinitions,
  selection: { metadataOnly: true },
  indexes: {},
  transform: ({ apiVersion, kind, metadata }) => ({
    apiVersion,
    kind,
    metadata: {
      name: metadata.name,
      ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
      ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
      ...(metadata.deletionTimestamp === undefined ? {} : { deletionTimestamp: metadata.deletionTimestamp }),
    },
  }),
})

/** All caches that the settings call for. */
export const cacheSpecs = (context: SyncContext): ReadonlyArray<CacheSpec> => {
  const { hostNamespace, settings } = context
  const always: ReadonlyArray<CacheSpec> = [
    virtualExternalSecrets(context),
    {
      name: "virtualSecrets",
      side: "virtual",
      resource: resources.secrets,
      selection: { labelSelector: `${managedLabel}=true` },
      indexes: { claimant },
      transform: summarizeAppliedFields,
    },
    {
      name: "virtualUnmanagedSecrets",
      side: "virtual",
      resource: resources.secrets,
      // That they are there, and in which version: what a tenant keeps in a Secret is read only when a spec refers to it.
      selection: { labelSelector: `${managedLabel}!=true`, metadataOnly: true },
      indexes: {},
      transform: withoutSpec,
    },
    {
      name: "virtualNamespaces",
      side: "virtual",
      resource: resources.namespaces,
      selection: { metadataOnly: true },
      indexes: {},
      transform: withoutSpec,
    },
    {
      name: "hostExternalSecrets",
      side: "host",
      resource: resources.externalSecrets(context.hostVersion),
      // Without a selector: a foreign object under a name that we need is seen coming and going, not guessed from a 409.
      selection: { namespace: hostNamespace },
      indexes: {
        origin: (object) => {
          const origin = originOf(object, context.tenancy)
          return origin === undefined ? [] : [origin.key]
        },
      },
    },
    {
      name: "hostSecrets",
      side: "host",
      resource: resources.secrets,
      selection: { namespace: hostNamespace, labelSelector: `${esoManagedLabel}=true` },
      indexes: {},
    },
    {
      name: "hostUnmanagedSecrets",
      side: "host",
      resource: resources.secrets,
      // Names and owners only: the namespace holds the vCluster's own credentials, whose values must not come here.
      selection: { namespace: hostNamespace, labelSelector: `${esoManagedLabel}!=true`, metadataOnly: true },
      indexes: {},
      transform: withoutSpec,
    },
    {
      name: "hostService",
      side: "host",
      resource: resources.services,
      selection: {
        namespace: hostNamespace,
        fieldSelector: byName(context.tenancy.vcluster),
        metadataOnly: true,
      },
      indexes: {},
      transform: withoutSpec,
    },
    crds("hostCrds", "host"),
    crds("virtualCrds", "virtual"),
  ]
  if (!settings.clusterStores.enabled) return always
  return [
    ...always,
    {
      name: "hostClusterSecretStores",
      side: "host",
      resource: resources.clusterSecretStores(context.hostVersion),
      selection: { labelSelector: toQuery(settings.clusterStores.selector) },
      indexes: {},
    },
    {
      name: "virtualClusterSecretStores",
      side: "virtual",
      resource: resources.clusterSecretStores(context.virtualVersion),
      selection: {},
      indexes: {},
    },
  ]
}
