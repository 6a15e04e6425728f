/** What ESO's chart makes for its validating webhook: deploy/charts/external-secrets/templates of ESO 0.16 to 0.20. */
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import type { KubeError } from "../support/kube-error.ts"
import { namespaces, secrets, services, validatingWebhookConfigurations } from "../support/resources.ts"
import type { ControlPlane } from "./control-plane.ts"

const namespace = "external-secrets-system"
const name = "external-secrets-webhook"
export const webhookRef = { namespace, name }

/** Its name in the cluster, which its certificate is good for. */
export const webhookHost = `${name}.${namespace}.svc`

const labels = {
  "app.kubernetes.io/name": name,
  "app.kubernetes.io/instance": "external-secrets",
  "app.kubernetes.io/managed-by": "Helm",
  "external-secrets.io/component": "webhook",
}

const rule = (plural: string, scope: "Namespaced" | "Cluster") => ({
  apiGroups: ["external-secrets.io"],
  apiVersions: ["v1"],
  operations: ["CREATE", "UPDATE", "DELETE"],
  resources: [plural],
  scope,
})

const validator = (kind: string, scope: "Namespaced" | "Cluster") => ({
  name: `validate.${kind}.external-secrets.io`,
  rules: [rule(`${kind}s`, scope)],
  clientConfig: { service: { ...webhookRef, path: `/validate-external-secrets-io-v1-${kind}` } },
  admissionReviewVersions: ["v1", "v1beta1"],
  sideEffects: "None",
  timeoutSeconds: 5,
  failurePolicy: "Fail",
})

const configuration = (
  configurationName: string,
  webhooks: ReadonlyArray<ReturnType<typeof validator>>,
): KubeObject => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingWebhookConfiguration",
  metadata: { name: configurationName, labels },
  webhooks,
})

export const webhookConfigurations: ReadonlyArray<KubeObject> = [
  configuration("secretstore-validate", [
    validator("secretstore", "Namespaced"),
    validator("clustersecretstore", "Cluster"),
  ]),
  configuration("externalsecret-validate", [validator("externalsecret", "Namespaced")]),
]

/** `caBundle` of every webhook of a configuration. */
export const caBundles = (configurationObject: KubeObject): ReadonlyArray<unknown> => {
  const webhooks: unknown = configurationObject["webhooks"]
  if (!Array.isArray(webhooks)) return []
  return webhooks.map((webhook: unknown) => {
    const client: unknown = typeof webhook === "object" && webhook !== null ? Reflect.get(webhook, "clientConfig") : {}
    return typeof client === "object" && client !== null ? Reflect.get(client, "caBundle") : undefined
  })
}

/** Service, Secret and configurations, as the chart makes them. @returns the address of the Service */
export const createWebhookObjects = Effect.fnUntraced(function* ({
  kube,
}: ControlPlane): Effect.fn.Return<string, KubeError> {
  const metadata = { ...webhookRef, labels }
  yield* kube.apply(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } })
  yield* kube.apply(secrets, { apiVersion: "v1", kind: "Secret", metadata })
  const service = yield* kube.apply(services, {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: {
      ports: [{ name: "webhook", port: 443, targetPort: "webhook", protocol: "TCP" }],
      selector: { "app.kubernetes.io/name": name, "app.kubernetes.io/instance": "external-secrets" },
    },
  })
  yield* Effect.forEach(webhookConfigurations, (body) => kube.create(validatingWebhookConfigurations, body), {
    discard: true,
  })
  const spec: unknown = service["spec"]
  const address: unknown = typeof spec === "object" && spec !== null ? Reflect.get(spec, "clusterIP") : undefined
  return String(address)
})
