/** The Deployment that ESO's Helm chart makes. Nothing runs it here; it is what tools look at to see ESO's version and health. */
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import type { KubeError } from "../support/kube-error.ts"
import { deployments, namespaces } from "../support/resources.ts"
import type { ControlPlane } from "./control-plane.ts"

/** As the documentation of the integration installs it. */
const ref = { namespace: "external-secrets-system", name: "external-secrets" }

const deployment = (version: string): KubeObject => {
  const selector = { "app.kubernetes.io/name": "external-secrets", "app.kubernetes.io/instance": "external-secrets" }
  const labels = {
    ...selector,
    "app.kubernetes.io/version": `v${version}`,
    "app.kubernetes.io/managed-by": "Helm",
    "helm.sh/chart": `external-secrets-${version}`,
  }
  const image = `ghcr.io/external-secrets/external-secrets:v${version}`
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { ...ref, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: selector },
      template: { metadata: { labels }, spec: { containers: [{ name: "external-secrets", image }] } },
    },
  }
}

export const createEsoDeployment = Effect.fnUntraced(function* (
  cluster: ControlPlane,
  version: string,
): Effect.fn.Return<void, KubeError> {
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: ref.namespace } }
  yield* cluster.kube.apply(namespaces, namespace)
  yield* cluster.kube.apply(deployments, deployment(version))
})

/** Says in its status whether ESO runs; an API server that is down learns nothing. */
export const reportEso = (cluster: ControlPlane, runs: boolean): Effect.Effect<void> => {
  const readyReplicas = runs ? 1 : 0
  const status = { replicas: 1, updatedReplicas: 1, readyReplicas, availableReplicas: readyReplicas }
  return Effect.ignore(cluster.kube.patch(deployments, ref, { status }, "status"))
}
