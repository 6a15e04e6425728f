/** Stores whose backends are real: Amazon's APIs as moto plays them, and the host's own API server. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { parseAllDocuments } from "yaml"
import type { EsoVersion } from "../clusters/tool-sets.ts"
import type { ControlPlane } from "../clusters/control-plane.ts"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { isRecord, type JsonRecord, recordAt } from "../../src/effects/client/unstructured.ts"
import { untilGranted, userOf } from "./access-review.ts"
import { namespaces, roleBindings, roles, secrets, serviceAccounts } from "./resources.ts"
import type { SyncedPairShape } from "./synced-pair.ts"

/** Where the documentation installs ESO. */
const esoNamespace = "external-secrets-system"

export const opaque = (namespace: string, name: string, texts: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { namespace, name },
  type: "Opaque",
  data: Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, btoa(text)])),
})

const keyOf = (key: string) => ({ name: "aws-keys", namespace: esoNamespace, key })

/** What stands in for IRSA, which needs Amazon: keys in a Secret of the host. */
export const awsAuth = {
  secretRef: {
    accessKeyIDSecretRef: keyOf("access-key"),
    secretAccessKeySecretRef: keyOf("secret-access-key"),
  },
}

/** The keys that {@link awsAuth} names. */
export const createAwsKeys = ({ ground }: SyncedPairShape) =>
  ground.host.kube.create(
    secrets,
    opaque(esoNamespace, "aws-keys", { "access-key": "test", "secret-access-key": "test" }),
  )

export const awsStore = (name: string, service: "SecretsManager" | "ParameterStore"): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ClusterSecretStore",
  metadata: { name, labels: { "vcluster-accessible": "true" } },
  spec: { provider: { aws: { service, region: "us-east-1", auth: awsAuth } } },
})

/** All documents of a text. */
export const objectsOf = (text: string): ReadonlyArray<KubeObject> =>
  parseAllDocuments(text).map((document): KubeObject => document.toJS())

type Defaults = Readonly<Record<string, JsonRecord>>

/** Fields that the documentation leaves to the defaults of the API: those of ESO 0.16, and what 0.20 has besides. */
const oldDefaults: Defaults = { azurekv: { environmentType: "PublicCloud" } }
const newDefaults: Defaults = {
  azurekv: { environmentType: "PublicCloud", useAzureSDK: false },
  gcpsm: { secretVersionSelectionPolicy: "LatestOrFail" },
}

/** The spec as the API server keeps it. */
export const specWithDefaults = (store: KubeObject, version: EsoVersion): unknown => ({
  provider: Object.fromEntries(
    Object.entries(recordAt(store, "spec", "provider") ?? {}).map(([provider, spec]) => [
      provider,
      { ...(version === "0.16" ? oldDefaults : newDefaults)[provider], ...(isRecord(spec) ? spec : {}) },
    ]),
  ),
})

/** `kubectl apply -f -`, as the documentation has it. */
export const applyText = Effect.fnUntraced(function* (
  { ground }: SyncedPairShape,
  cluster: ControlPlane,
  text: string,
) {
  const applied = yield* ground.kubectl(cluster, ["apply", "-f", "-"], text)
  assert.strictEqual(applied.code, 0, applied.stderr)
})

export const createNamespace = (cluster: ControlPlane, name: string) =>
  cluster.kube.apply(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name } })

const role = (namespace: string, name: string, rules: ReadonlyArray<JsonRecord>): KubeObject => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "Role",
  metadata: { namespace, name },
  rules,
})

const binding = (namespace: string, name: string): KubeObject => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "RoleBinding",
  metadata: { namespace, name },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
  subjects: [{ kind: "ServiceAccount", namespace, name }],
})

/** ESO's `kubernetes` provider: the Secrets of another namespace of the host, read as a ServiceAccount there. */
export const kubernetesStore = (host: ControlPlane, name: string, namespace: string): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ClusterSecretStore",
  metadata: { name, labels: { "vcluster-accessible": "true" } },
  spec: {
    provider: {
      kubernetes: {
        remoteNamespace: namespace,
        server: { url: host.server, caBundle: btoa(host.connectionAs({ user: "nobody" }).ca) },
        auth: { serviceAccount: { name: "reader", namespace } },
      },
    },
  },
})

/** The namespace of a {@link kubernetesStore} and its ServiceAccount, which has no rights yet. */
export const createBackend = Effect.fnUntraced(function* (host: ControlPlane, namespace: string) {
  yield* createNamespace(host, namespace)
  yield* host.kube.apply(serviceAccounts, {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { namespace, name: "reader" },
  })
})

/** What ESO asks for: it lists its own rights, too. */
export const grantReader = Effect.fnUntraced(function* (host: ControlPlane, namespace: string) {
  yield* host.kube.apply(
    roles,
    role(namespace, "reader", [{ apiGroups: [""], resources: ["secrets"], verbs: ["get", "list", "watch"] }]),
  )
  yield* host.kube.apply(roleBindings, binding(namespace, "reader"))
  const user = userOf(namespace, "reader")
  yield* untilGranted(host.kube, { user, verb: "list", resource: "secrets", namespace })
})
