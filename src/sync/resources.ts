/** The kinds that the Syncer touches. */
import type { Resource } from "../effects/client/resource.ts"

export const esoGroup = "external-secrets.io"

/** Name of the CRD of one of ESO's kinds. */
export const crdName = (plural: string): string => `${plural}.${esoGroup}`

/** undefined: it is not ESO's. */
export const pluralOfCrd = (name: string): string | undefined =>
  name.endsWith(`.${esoGroup}`) ? name.slice(0, -crdName("").length) : undefined

const core = (plural: string, kind: string, namespaced: boolean): Resource => ({
  group: "",
  version: "v1",
  plural,
  kind,
  namespaced,
})

export const secrets = core("secrets", "Secret", true)
export const configMaps = core("configmaps", "ConfigMap", true)
export const namespaces = core("namespaces", "Namespace", false)
export const events = core("events", "Event", true)
export const services = core("services", "Service", true)

export const customResourceDefinitions: Resource = {
  group: "apiextensions.k8s.io",
  version: "v1",
  plural: "customresourcedefinitions",
  kind: "CustomResourceDefinition",
  namespaced: false,
}

export const validatingWebhookConfigurations: Resource = {
  group: "admissionregistration.k8s.io",
  version: "v1",
  plural: "validatingwebhookconfigurations",
  kind: "ValidatingWebhookConfiguration",
  namespaced: false,
}

/** `version`: what the API server of that side serves and we chose (`v1`; `v1beta1` up to ESO 0.16). */
export const externalSecrets = (version: string): Resource => ({
  group: esoGroup,
  version,
  plural: "externalsecrets",
  kind: "ExternalSecret",
  namespaced: true,
})

export const secretStores = (version: string): Resource => ({
  group: esoGroup,
  version,
  plural: "secretstores",
  kind: "SecretStore",
  namespaced: true,
})

export const clusterSecretStores = (version: string): Resource => ({
  group: esoGroup,
  version,
  plural: "clustersecretstores",
  kind: "ClusterSecretStore",
  namespaced: false,
})
