/** The caches of Secrets and ConfigMaps: what ESO makes and what comes of it, and what specs refer to. */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { keyOf } from "../../effects/client/kube-object.ts"
import type { Resource } from "../../effects/client/resource.ts"
import { stringAt } from "../../effects/client/unstructured.ts"
import type { Cache } from "../engine/caches.ts"
import { metadataAndMarks, metadataOnly } from "../engine/metadata-only.ts"
import { configMaps, secrets } from "../resources.ts"
import {
  esoManagedLabel,
  externalSecretAnnotation,
  managedByLabel,
  managedLabel,
  referenceLabel,
} from "../tenancy/labels.ts"
import { isReferencesPlace } from "../tenancy/names.ts"
import { controllerOf, originKeys } from "../tenancy/ownership.ts"
import { summarizeAppliedFields } from "./managed-fields.ts"
import { isExternalSecret } from "./target-secret.ts"

/** The ExternalSecret that a virtual Secret of ours names: through its controller, else (Orphan) through our annotation. */
export const claimant = (secret: KubeObject): ReadonlyArray<string> => {
  const controller = controllerOf(secret)
  const name =
    controller === undefined
      ? stringAt(secret, "metadata", "annotations", externalSecretAnnotation)
      : isExternalSecret(controller)
        ? controller.name
        : undefined
  return name === undefined ? [] : [keyOf(secret.metadata.namespace, name)]
}

export const virtualSecrets: Cache = {
  name: "virtualSecrets",
  side: "virtual",
  spec: () => ({
    resource: secrets,
    selection: { labelSelector: `${managedLabel}=true` },
    takesOurWrites: true,
    indexes: { claimant },
    transform: summarizeAppliedFields,
  }),
}

export const virtualUnmanagedSecrets: Cache = {
  name: "virtualUnmanagedSecrets",
  side: "virtual",
  spec: () => ({
    resource: secrets,
    // That they are there, and in which version: what a tenant keeps in a Secret is read only when a spec refers to it.
    selection: { labelSelector: `${managedLabel}!=true`, metadataOnly: true },
    indexes: {},
    transform: metadataOnly,
  }),
}

export const virtualConfigMaps: Cache = {
  name: "virtualConfigMaps",
  side: "virtual",
  spec: () => ({ resource: configMaps, selection: { metadataOnly: true }, indexes: {}, transform: metadataOnly }),
}

/** The host's ExternalSecret that ESO made a Secret for: its controller. */
const maker = (secret: KubeObject): ReadonlyArray<string> => {
  const controller = controllerOf(secret)
  return controller !== undefined && isExternalSecret(controller)
    ? [keyOf(secret.metadata.namespace, controller.name)]
    : []
}

export const hostSecrets: Cache = {
  name: "hostSecrets",
  side: "host",
  spec: ({ hostScope, isOurNamespace }) => ({
    resource: secrets,
    selection: { namespace: hostScope, labelSelector: `${esoManagedLabel}=true` },
    indexes: { maker },
    // Where all namespaces are watched, what Secrets of others hold must not stay here.
    transform: (secret) => (isOurNamespace(secret.metadata.namespace ?? "") ? secret : metadataOnly(secret)),
  }),
}

export const hostUnmanagedSecrets: Cache = {
  name: "hostUnmanagedSecrets",
  side: "host",
  spec: ({ hostScope }) => ({
    resource: secrets,
    // Names and owners only: the namespace holds the vCluster's own credentials, whose values must not come here.
    selection: { namespace: hostScope, labelSelector: `${esoManagedLabel}!=true`, metadataOnly: true },
    indexes: { maker },
    transform: metadataAndMarks,
  }),
}

/** Copies of what specs refer to, in full: they are ours, and few. No other Secrets and ConfigMaps are written by us on the host. */
const hostReferences = (name: string, resource: Resource): Cache => ({
  name,
  side: "host",
  spec: ({ hostScope, tenancy }) => ({
    resource,
    selection: {
      namespace: hostScope,
      labelSelector: `${managedByLabel}=${tenancy.vcluster},${referenceLabel}=true`,
    },
    takesOurWrites: true,
    indexes: { origin: (object) => originKeys(object, tenancy, isReferencesPlace) },
  }),
})

export const hostReferenceSecrets = hostReferences("hostReferenceSecrets", secrets)
export const hostReferenceConfigMaps = hostReferences("hostReferenceConfigMaps", configMaps)
