/** What each cache holds, by the settings: one entry a cache. Adding a synced kind adds its entries here. */
import { named as byName } from "../../effects/client/field-selector.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { keyOf } from "../../effects/client/kube-object.ts"
import type { Resource } from "../../effects/client/resource.ts"
import type { Indexer } from "../../effects/informer/store.ts"
import type { CacheSpec } from "./caches.ts"
import type { SyncContext } from "./context.ts"
import { claimant, virtualExternalSecrets } from "../kinds/external-secret/caches.ts"
import * as resources from "../resources.ts"
import { metadataAndMarks, metadataOnly } from "./metadata-only.ts"
import type { Side } from "./actions.ts"
import { summarizeAppliedFields } from "../kinds/secret/managed-fields.ts"
import { esoManagedLabel, managedByLabel, managedLabel, referenceLabel } from "../tenancy/labels.ts"
import { toQuery } from "../../effects/client/label-selector.ts"
import { keepOfEvent, regardedUid } from "../kinds/event/operator-event.ts"
import { originKeys } from "../tenancy/ownership.ts"
import { referenceKey } from "../tenancy/references.ts"
import { hostReferenceKeys } from "../kinds/referenced-object/copies.ts"
import { referentsOf } from "../kinds/secret-store/conflicts.ts"

/** Where all namespaces are watched, what Secrets of others hold must not stay here. */
const withoutForeignData =
  ({ isOurNamespace }: SyncContext) =>
  (secret: KubeObject): KubeObject =>
    isOurNamespace(secret.metadata.namespace ?? "") ? secret : metadataOnly(secret)

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
  (object) =>
    originKeys(object, context.tenancy)

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
    namespace: context.hostScope,
    labelSelector: `${managedByLabel}=${context.tenancy.vcluster},${referenceLabel}=true`,
  },
  indexes: { origin: originIndex(context) },
})

/** One kind a cache: a field selector knows no "or", and the namespace is full of the events of pods. */
const hostEvents = (
  name: "hostEvents" | "hostStoreEvents",
  kind: string,
  namespace: string | undefined,
): CacheSpec => ({
  name,
  side: "host",
  resource: resources.events,
  selection: { namespace, fieldSelector: `involvedObject.kind=${kind}` },
  indexes: { regarded: regardedUid },
  transform: keepOfEvent,
  isHint: true,
})

const secretStoreCaches = (context: SyncContext): ReadonlyArray<CacheSpec> => {
  const { enabled } = context.settings.stores
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
          referentsOf(object, context).map(({ kind, name }) =>
            referenceKey(kind, keyOf(object.metadata.namespace, name)),
          ),
        hostReference: (object) => hostReferenceKeys(referentsOf(object, context), object, context),
      },
      ...(enabled ? {} : { leftover: {} }),
    },
    {
      name: "hostSecretStores",
      side: "host",
      resource: resources.secretStores(context.hostVersion),
      selection: { namespace: context.hostScope },
      indexes: { origin: originIndex(context) },
      ...(enabled ? {} : { leftover: { onlyWith: "virtualSecretStores" } }),
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
    ...(enabled ? {} : { leftover: {} }),
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
  const { hostNamespace, hostScope } = context
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
      transform: metadataOnly,
    },
    {
      name: "virtualConfigMaps",
      side: "virtual",
      resource: resources.configMaps,
      selection: { metadataOnly: true },
      indexes: {},
      transform: metadataOnly,
    },
    {
      name: "virtualNamespaces",
      side: "virtual",
      resource: resources.namespaces,
      selection: { metadataOnly: true },
      indexes: {},
      transform: metadataOnly,
    },
    {
      name: "hostExternalSecrets",
      side: "host",
      resource: resources.externalSecrets(context.hostVersion),
      // Without a selector: a foreign object under a name that we need is seen coming and going, not guessed from a 409.
      selection: { namespace: hostScope },
      indexes: { origin: originIndex(context) },
    },
    {
      name: "hostSecrets",
      side: "host",
      resource: resources.secrets,
      selection: { namespace: hostScope, labelSelector: `${esoManagedLabel}=true` },
      indexes: {},
      transform: withoutForeignData(context),
    },
    {
      name: "hostUnmanagedSecrets",
      side: "host",
      resource: resources.secrets,
      // Names and owners only: the namespace holds the vCluster's own credentials, whose values must not come here.
      selection: { namespace: hostScope, labelSelector: `${esoManagedLabel}!=true`, metadataOnly: true },
      indexes: {},
      transform: metadataAndMarks,
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
      transform: metadataOnly,
    },
    hostReferences("hostReferenceSecrets", resources.secrets, context),
    hostReferences("hostReferenceConfigMaps", resources.configMaps, context),
    ...secretStoreCaches(context),
    ...clusterSecretStoreCaches(context),
    hostEvents("hostEvents", "ExternalSecret", hostScope),
    ...(context.settings.stores.enabled ? [hostEvents("hostStoreEvents", "SecretStore", hostScope)] : []),
    {
      name: "virtualEvents",
      side: "virtual",
      resource: resources.events,
      selection: { labelSelector: `${managedLabel}=true` },
      indexes: { regarded: regardedUid },
      transform: keepOfEvent,
      isHint: true,
    },
    crds("hostCrds", "host"),
    crds("virtualCrds", "virtual"),
    ...webhooks(context),
  ]
}
