/** The kinds that tests, demo and bench use, as the API's paths name them. */
import type { Resource } from "../../src/effects/client/resource.ts"

const resource =
  (group: string, version: string, namespaced: boolean) =>
  (kind: string, plural: string): Resource => ({ group, version, plural, kind, namespaced })

const core = resource("", "v1", true)
const coreCluster = resource("", "v1", false)
const eso = "external-secrets.io"

export const namespaces = coreCluster("Namespace", "namespaces")
export const secrets = core("Secret", "secrets")
export const pods = core("Pod", "pods")
export const configMaps = core("ConfigMap", "configmaps")
export const services = core("Service", "services")
export const serviceAccounts = core("ServiceAccount", "serviceaccounts")
export const events = core("Event", "events")
export const deployments = resource("apps", "v1", true)("Deployment", "deployments")
export const statefulSets = resource("apps", "v1", true)("StatefulSet", "statefulsets")
export const leases = resource("coordination.k8s.io", "v1", true)("Lease", "leases")
export const roles = resource("rbac.authorization.k8s.io", "v1", true)("Role", "roles")
export const roleBindings = resource("rbac.authorization.k8s.io", "v1", true)("RoleBinding", "rolebindings")
export const clusterRoles = resource("rbac.authorization.k8s.io", "v1", false)("ClusterRole", "clusterroles")
export const clusterRoleBindings = resource(
  "rbac.authorization.k8s.io",
  "v1",
  false,
)("ClusterRoleBinding", "clusterrolebindings")
export const crds = resource(
  "apiextensions.k8s.io",
  "v1",
  false,
)("CustomResourceDefinition", "customresourcedefinitions")
export const externalSecrets = resource(eso, "v1", true)("ExternalSecret", "externalsecrets")
export const externalSecretsV1beta1 = resource(eso, "v1beta1", true)("ExternalSecret", "externalsecrets")
export const secretStores = resource(eso, "v1", true)("SecretStore", "secretstores")
export const clusterSecretStores = resource(eso, "v1", false)("ClusterSecretStore", "clustersecretstores")
export const clusterSecretStoresV1beta1 = resource(eso, "v1beta1", false)("ClusterSecretStore", "clustersecretstores")
export const validatingWebhookConfigurations = resource(
  "admissionregistration.k8s.io",
  "v1",
  false,
)("ValidatingWebhookConfiguration", "validatingwebhookconfigurations")

const beta = resource("admissionregistration.k8s.io", "v1beta1", false)
export const mutatingAdmissionPolicies = beta("MutatingAdmissionPolicy", "mutatingadmissionpolicies")
export const mutatingAdmissionPolicyBindings = beta("MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings")
