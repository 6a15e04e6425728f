/** What is known about External Secrets Operator on the host. Best effort: needs no rights to say what discovery says. */
import { Effect } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import type { KubeClient } from "../../effects/client/kube-client.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { imageVersion, workloadResources } from "./find-vcluster.ts"
import { orUndefined } from "../../effects/client/ignore-not-found.ts"
import { esoGroup } from "../resources.ts"
import { arrayAt, stringAt, valueAt } from "../../effects/client/unstructured.ts"

export interface EsoFacts {
  /** Versions at which the host serves ExternalSecrets, as discovery lists them; empty: ESO's CRDs are not there. */
  readonly crds: ReadonlyArray<string>
  readonly version?: string
  /** Absent: its Deployment is not to be seen. */
  readonly healthy?: boolean
}

/** A version of the group may serve other kinds only (`v1alpha1`: PushSecret). */
const servesExternalSecrets = (client: KubeClient, version: string): Effect.Effect<boolean, ApiError> =>
  client
    .getPath(`/apis/${esoGroup}/${version}`)
    .pipe(
      Effect.map((list) =>
        arrayAt(list, "resources").some((resource) => stringAt(resource, "name") === "externalsecrets"),
      ),
    )

const servedVersions = Effect.fnUntraced(function* (client: KubeClient) {
  const group = yield* client.getPath(`/apis/${esoGroup}`).pipe(orUndefined)
  const versions = arrayAt(group, "versions").flatMap((entry) => stringAt(entry, "version") ?? [])
  return yield* Effect.filter(versions, (version) => servesExternalSecrets(client, version), {
    concurrency: "unbounded",
  })
})

const deploymentFacts = (deployments: ReadonlyArray<KubeObject>): Omit<EsoFacts, "crds"> => {
  // The chart gives webhook and cert-controller names of their own; the controller has the plain one.
  const controller = deployments.find(
    (deployment) => deployment.metadata.labels?.["app.kubernetes.io/name"] === "external-secrets",
  )
  if (controller === undefined) return {}
  const image = stringAt(arrayAt(controller, "spec", "template", "spec", "containers")[0], "image")
  const version =
    controller.metadata.labels?.["app.kubernetes.io/version"]?.replace(/^v(?=\d)/, "") ??
    (image === undefined ? undefined : imageVersion(image))
  const ready = valueAt(controller, "status", "readyReplicas")
  return { healthy: typeof ready === "number" && ready > 0, ...(version === undefined ? {} : { version }) }
}

const deployments = workloadResources.filter((resource) => resource.kind === "Deployment")

/** Labels are those of ESO's chart. Who may not list Deployments of all namespaces learns the CRDs alone. */
export const findEso = Effect.fn("findEso")(function* (client: KubeClient): Effect.fn.Return<EsoFacts, ApiError> {
  const [crds, found] = yield* Effect.all(
    [
      servedVersions(client),
      Effect.forEach(deployments, (resource) =>
        client.list(resource, { labelSelector: "app.kubernetes.io/name=external-secrets" }),
      ).pipe(
        Effect.map((lists) => lists.flatMap((list) => list.items)),
        Effect.catchReason("ApiError", "Forbidden", () => Effect.succeed<ReadonlyArray<KubeObject>>([])),
      ),
    ],
    { concurrency: "unbounded" },
  )
  return { crds, ...deploymentFacts(found) }
})
