/**
 * What a vCluster of the open-source build leaves on its host, without a vCluster.
 *
 * Shapes as loft-sh/vcluster v0.37 makes them: chart/templates (StatefulSet, Services), pkg/util/kubeconfig (Secret `vc-NAME`),
 * chart/templates/config-secret.yaml (Secret `vc-config-NAME`), pkg/cli/find (labels that make it a vCluster).
 */
import { Effect } from "effect"
import { stringify } from "yaml"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import type { KubeError } from "../support/kube-error.ts"
import type { Connection } from "../support/kube-http.ts"
import { namespaces, secrets, services, statefulSets } from "../support/resources.ts"
import type { ControlPlane } from "./control-plane.ts"
import { renderKubeconfig } from "./kubeconfig.ts"

export interface Vcluster {
  readonly name: string
  readonly namespace: string
  /** `vcluster.yaml`: text as it is (it may be broken on purpose), or a value. Default: the integration with nothing else set. */
  readonly values?: string | Readonly<Record<string, unknown>>
  /** Image tag of the syncer container; default 0.37.0. */
  readonly version?: string
  /** Pods that are said to be ready, of one; default 1. There is no kubelet, so no pod. */
  readonly readyReplicas?: number
  /** What the Secret `vc-NAME` says of the API server; default https://localhost:8443, as the real one does. */
  readonly exportedServer?: string
}

const defaultValues = { integrations: { externalSecrets: { enabled: true } } }

/** Enabled, with imported ClusterSecretStores that carry the documented label. */
export const documentedValues = {
  integrations: {
    externalSecrets: {
      enabled: true,
      sync: {
        fromHost: {
          clusterStores: { enabled: true, selector: { matchLabels: { "vcluster-accessible": "true" } } },
        },
      },
    },
  },
} as const

const base64 = (text: string): string => Buffer.from(text).toString("base64")

const service = (vcluster: Vcluster, headless: boolean): KubeObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: {
    name: headless ? `${vcluster.name}-headless` : vcluster.name,
    namespace: vcluster.namespace,
    labels: { app: "vcluster", release: vcluster.name },
  },
  spec: {
    ...(headless ? { clusterIP: "None" } : {}),
    ports: [{ name: "https", port: 443, targetPort: 8443, protocol: "TCP" }],
    selector: { app: "vcluster", release: vcluster.name },
  },
})

const statefulSet = (vcluster: Vcluster): KubeObject => {
  const labels = { app: "vcluster", release: vcluster.name }
  const image = `ghcr.io/loft-sh/vcluster-oss:${vcluster.version ?? "0.37.0"}`
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: vcluster.name, namespace: vcluster.namespace, labels },
    spec: {
      replicas: 1,
      serviceName: `${vcluster.name}-headless`,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "syncer", image }] } },
    },
  }
}

const secret = (
  vcluster: Vcluster,
  name: string,
  labels: Readonly<Record<string, string>>,
  texts: Readonly<Record<string, string>>,
): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: vcluster.namespace, labels },
  type: "Opaque",
  data: Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, base64(text)])),
})

const kubeconfigSecret = (vcluster: Vcluster, admin: Connection): KubeObject => {
  const connection = {
    ...admin,
    server: vcluster.exportedServer ?? "https://localhost:8443",
  }
  const labels = { app: "vcluster", "vcluster-name": vcluster.name }
  return secret(vcluster, `vc-${vcluster.name}`, labels, {
    config: renderKubeconfig({ context: "my-vcluster", connection }),
    "certificate-authority": connection.ca,
    "client-certificate": connection.cert ?? "",
    "client-key": connection.key ?? "",
  })
}

/** The values, and nothing else: the Secret `vc-config-NAME`. */
export const configSecret = (vcluster: Vcluster): KubeObject => {
  const values = vcluster.values ?? defaultValues
  return secret(
    vcluster,
    `vc-config-${vcluster.name}`,
    {},
    {
      "config.yaml": typeof values === "string" ? values : stringify(values),
    },
  )
}

/** Of the virtual cluster's administrator, for {@link seedVcluster}. */
export const adminOf = (virtual: ControlPlane): Connection =>
  virtual.connectionAs({ user: "kubernetes-admin", groups: ["system:masters"] })

/** Makes namespace, Services, StatefulSet and Secrets of a vCluster on the host; repeatable, so also a way to change its values. */
export const seedVcluster = Effect.fnUntraced(function* (
  host: ControlPlane,
  admin: Connection,
  vcluster: Vcluster,
): Effect.fn.Return<void, KubeError> {
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: vcluster.namespace } }
  yield* host.kube.apply(namespaces, namespace)
  yield* host.kube.apply(services, service(vcluster, false))
  yield* host.kube.apply(services, service(vcluster, true))
  yield* host.kube.apply(secrets, kubeconfigSecret(vcluster, admin))
  yield* host.kube.apply(secrets, configSecret(vcluster))
  yield* host.kube.apply(statefulSets, statefulSet(vcluster))
  const readyReplicas = vcluster.readyReplicas ?? 1
  const status = {
    replicas: 1,
    currentReplicas: 1,
    updatedReplicas: 1,
    readyReplicas,
    availableReplicas: readyReplicas,
  }
  yield* host.kube.patch(statefulSets, vcluster, { status }, "status")
})
