/**
 * The caches that decisions read: one line a cache, with the indexes that lead from a changed object to the keys that it
 * concerns. Adding a synced kind adds its lines here.
 */
import { named as byName } from "../effects/field-selector.ts"
import type { Indexer, Store } from "../effects/store.ts"
import type { Selection } from "../effects/kube-client.ts"
import type { KubeObject } from "../effects/kube-object.ts"
import { keyOf, splitKey } from "../effects/kube-object.ts"
import type { Resource } from "../effects/resource.ts"
import type { SyncContext } from "./context.ts"
import type { Side } from "./rules/actions.ts"
import { summarizeAppliedFields } from "./rules/applied-fields.ts"
import { stringAt } from "./rules/json.ts"
import {
  esoManagedLabel,
  externalSecretAnnotation,
  managedByLabel,
  managedLabel,
  referenceLabel,
} from "./rules/keys.ts"
import { toQuery } from "./rules/label-selector.ts"
import { controllerOf, originOf } from "./rules/ownership.ts"
import { decodeSpec, storeReferences, targetName, templateReferences } from "./rules/external-secret-spec.ts"
import { findReferences, referenceKey } from "./rules/references.ts"
import { Result } from "effect"
import * as resources from "./resources.ts"

export interface Caches {
  readonly virtualExternalSecrets: Store
  readonly virtualSecrets: Store
  readonly virtualUnmanagedSecrets: Store
  readonly virtualNamespaces: Store
  readonly virtualConfigMaps: Store
  readonly virtualSecretStores: Store
  readonly virtualClusterSecretStores: Store
  readonly hostExternalSecrets: Store
  readonly hostSecrets: Store
  readonly hostUnmanagedSecrets: Store
  readonly hostSecretStores: Store
  readonly hostReferenceSecrets: Store
  readonly hostReferenceConfigMaps: Store
  readonly hostClusterSecretStores: Store
  readonly hostWebhooks: Store
  readonly virtualWebhooks: Store
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
  virtualConfigMaps: storeOf("virtualConfigMaps"),
  virtualSecretStores: storeOf("virtualSecretStores"),
  virtualClusterSecretStores: storeOf("virtualClusterSecretStores"),
  hostExternalSecrets: storeOf("hostExternalSecrets"),
  hostSecrets: storeOf("hostSecrets"),
  hostUnmanagedSecrets: storeOf("hostUnmanagedSecrets"),
  hostSecretStores: storeOf("hostSecretStores"),
  hostReferenceSecrets: storeOf("hostReferenceSecrets"),
  hostReferenceConfigMaps: storeOf("hostReferenceConfigMaps"),
  hostClusterSecretStores: storeOf("hostClusterSecretStores"),
  hostWebhooks: storeOf("hostWebhooks"),
  virtualWebhooks: storeOf("virtualWebhooks"),
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
  /**
   * Only there to find what other settings have left behind: where the API server does not know the kind, or does not let us
   * see it, there is nothing to be cleared away.
   */
  readonly onlyLeftovers?: boolean
}

/** What indexes need to know of an ExternalSecret's spec. */
interface Named {
  readonly target: string | undefined
  readonly clusterStores: ReadonlyArray<string>
  readonly stores: ReadonlyArray<string>
  readonly references: ReadonlyArray<string>
}

/** Every index asks for the same object, when it comes and when it goes; the names outlive neither. */
const named = new WeakMap<KubeObject, Named>()

/** A tenant can write specs that do not decode: such an object is simply found under no name. */
const decodeNames = (object: KubeObject): Named => {
  const spec = Result.getOrUndefined(decodeSpec(object["spec"]))
  if (spec === undefined) return { target: undefined, clusterStores: [], stores: [], references: [] }
  const { namespace } = object.metadata
  const namesOf = (kind: string) => storeReferences(spec).flatMap((ref) => (ref.kind === kind ? [ref.name] : []))
  return {
    target: targetName(spec, object.metadata.name),
    clusterStores: namesOf("ClusterSecretStore"),
    stores: namesOf("SecretStore").map((name) => keyOf(namespace, name)),
    references: templateReferences(spec).map(({ kind, name }) => referenceKey(kind, keyOf(namespace, name))),
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
      const { target } = namesIn(object)
      const location = context.locate(object)
      return target === undefined || location === undefined
        ? []
        : [keyOf(location.namespace, context.hostSecretName(target, object.metadata.namespace ?? ""))]
    },
    target: (object) => {
      const { target } = namesIn(object)
      return target === undefined ? [] : [keyOf(object.metadata.namespace, target)]
    },
    clusterStore: (object) => namesIn(object).clusterStores,
    store: (object) => namesIn(object).stores,
    hostStore: (object) =>
      namesIn(object).stores.flatMap((key) => {
        const { namespace = "", name } = splitKey(key)
        const location = context.locate({ metadata: { name, namespace } })
        return location === undefined ? [] : [keyOf(location.namespace, location.name)]
      }),
    reference: (object) => namesIn(object).references,
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

/** The virtual object that a host object is the copy of. */
const originIndex =
  (context: SyncContext): Indexer =>
  (object) => {
    const origin = originOf(object, context.tenancy)
    return origin === undefined ? [] : [origin.key]
  }

/** Copies of what specs refer to, in full: they are ours, and few. */
const hostReferences = (
  name: "hostReferenceSecrets" | "hostReferenceConfigMaps",
  resource: Resource,
  context: SyncContext,
): CacheSpec => ({
  name,
  side: "host",
  resource,
  selection: {
    namespace: context.hostNamespace,
    labelSelector: `${managedByLabel}=${context.tenancy.vcluster},${referenceLabel}=true`,
  },
  indexes: { origin: originIndex(context) },
})

const secretStoreCaches = (context: SyncContext): ReadonlyArray<CacheSpec> => {
  const leftovers = context.settings.stores.enabled ? {} : { onlyLeftovers: true }
  return [
    {
      name: "virtualSecretStores",
      side: "virtual",
      resource: resources.secretStores(context.virtualVersion),
      selection: {},
      indexes: {
        hostName: (object) => {
          const location = context.locate(object)
          return location === undefined ? [] : [keyOf(location.namespace, location.name)]
        },
        reference: (object) =>
          findReferences(context.hostSpecSchema("secretstores"), object["spec"]).references.flatMap((ref) =>
            ref.kind === "ServiceAccount" || ref.name === ""
              ? []
              : [referenceKey(ref.kind, keyOf(object.metadata.namespace, ref.name))],
          ),
      },
      ...leftovers,
    },
    {
      name: "hostSecretStores",
      side: "host",
      resource: resources.secretStores(context.hostVersion),
      selection: { namespace: context.hostNamespace },
      indexes: { origin: originIndex(context) },
      ...leftovers,
    },
  ]
}

const clusterSecretStoreCaches = (context: SyncContext): ReadonlyArray<CacheSpec> => {
  const { enabled, selector } = context.settings.clusterStores
  const imported: CacheSpec = {
    name: "virtualClusterSecretStores",
    side: "virtual",
    resource: resources.clusterSecretStores(context.virtualVersion),
    selection: {},
    indexes: {},
    ...(enabled ? {} : { onlyLeftovers: true }),
  }
  if (!enabled) return [imported]
  return [
    imported,
    {
      name: "hostClusterSecretStores",
      side: "host",
      resource: resources.clusterSecretStores(context.hostVersion),
      selection: { labelSelector: toQuery(selector) },
      indexes: {},
    },
  ]
}

/** Switched off, only what an earlier run made is of interest, and there is no look at the host: the chart grants none. */
const webhooks = ({ settings }: SyncContext): ReadonlyArray<CacheSpec> => {
  const resource = resources.validatingWebhookConfigurations
  const virtual = { name: "virtualWebhooks", side: "virtual", resource, indexes: {} } as const
  return settings.webhook
    ? [
        { name: "hostWebhooks", side: "host", resource, selection: {}, indexes: {} },
        { ...virtual, selection: {} },
      ]
    : [{ ...virtual, selection: { labelSelector: `${managedLabel}=true` } }]
}

/** All caches that the settings call for, and those that show what other settings have left behind. */
export const cacheSpecs = (context: SyncContext): ReadonlyArray<CacheSpec> => {
  const { hostNamespace } = context
  return [
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
      name: "virtualConfigMaps",
      side: "virtual",
      resource: resources.configMaps,
      selection: { metadataOnly: true },
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
      indexes: { origin: originIndex(context) },
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
    hostReferences("hostReferenceSecrets", resources.secrets, context),
    hostReferences("hostReferenceConfigMaps", resources.configMaps, context),
    ...secretStoreCaches(context),
    ...clusterSecretStoreCaches(context),
    crds("hostCrds", "host"),
    crds("virtualCrds", "virtual"),
    ...webhooks(context),
  ]
}
