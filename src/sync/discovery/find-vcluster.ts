/**
 * Which vCluster is meant. Found the way vCluster's own CLI finds them: StatefulSets and Deployments with label `app=vcluster`,
 * the name in label `release`, the version in the tag of the container `syncer` (loft-sh/vcluster, pkg/cli/find/find.go).
 */
import { Effect, Option } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import type { KubeClient } from "../../effects/client/kube-client.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { Resource } from "../../effects/client/resource.ts"
import { nearestWord } from "../../effects/text/did-you-mean.ts"
import { secrets, services } from "../resources.ts"
import { arrayAt, stringAt, valueAt } from "../../effects/client/unstructured.ts"
import { SetupError } from "./setup-error.ts"

const apps = (plural: string, kind: string): Resource => ({
  group: "apps",
  version: "v1",
  plural,
  kind,
  namespaced: true,
})
export const workloadResources = [apps("statefulsets", "StatefulSet"), apps("deployments", "Deployment")]

/** `Unknown`: its workload is not visible to us, or there is none (a vCluster of another making). */
export type VclusterState = "Running" | "Starting" | "Paused" | "Restoring" | "Sleeping" | "ScaledDown" | "Unknown"

export interface Vcluster {
  readonly name: string
  readonly namespace: string
  /** `0.36.1`, as the image's tag says, without a leading `v`. */
  readonly version?: string
  readonly state: VclusterState
  /** RFC 3339: since when it is paused, where vCluster noted it. */
  readonly since?: string
}

/** What is left to say when the vCluster was taken at its word. */
export interface Resolved {
  readonly vcluster: Vcluster
  readonly warnings: ReadonlyArray<string>
}

/** The tag of an image reference, without digest and leading `v`; a registry's port is no tag. */
export const imageVersion = (image: string): string | undefined => {
  const name = image.split("@")[0] ?? ""
  const colon = name.lastIndexOf(":")
  return colon > name.lastIndexOf("/") ? name.slice(colon + 1).replace(/^v(?=\d)/, "") : undefined
}

const versionOf = (workload: KubeObject): string | undefined => {
  const containers = arrayAt(workload, "spec", "template", "spec", "containers")
  const image = stringAt(
    containers.find((container) => stringAt(container, "name") === "syncer"),
    "image",
  )
  return image === undefined ? undefined : imageVersion(image)
}

const stateOf = (workload: KubeObject): VclusterState => {
  const { labels = {}, annotations = {} } = workload.metadata
  if (annotations["loft.sh/restoring"] === "true") return "Restoring"
  if (annotations["loft.sh/paused"] === "true") return "Paused"
  if (labels["loft.sh/sleep-mode"] === "true") return "Sleeping"
  // The API server fills in 1 where nothing is written.
  if (valueAt(workload, "spec", "replicas") === 0) return "ScaledDown"
  const ready = valueAt(workload, "status", "readyReplicas")
  return typeof ready === "number" && ready > 0 ? "Running" : "Starting"
}

const fromWorkload = (workload: KubeObject, namespace: string): Vcluster => {
  const version = versionOf(workload)
  const since = workload.metadata.annotations?.["loft.sh/paused-date"]
  const state = stateOf(workload)
  return {
    name: workload.metadata.labels?.["release"] ?? workload.metadata.name,
    namespace: workload.metadata.namespace ?? namespace,
    state,
    ...(version === undefined ? {} : { version }),
    ...(since === undefined || state !== "Paused" ? {} : { since }),
  }
}

/** All vClusters of a namespace, by name. */
export const findVclusters = Effect.fn("findVclusters")(function* (client: KubeClient, namespace: string) {
  const lists = yield* Effect.forEach(
    workloadResources,
    (resource) => client.list(resource, { namespace, labelSelector: "app=vcluster" }),
    { concurrency: "unbounded" },
  )
  const byName = new Map<string, Vcluster>()
  for (const workload of lists.flatMap((list) => list.items)) {
    const found = fromWorkload(workload, namespace)
    // A StatefulSet comes first: beside it, a Deployment of the same release is some part of it.
    if (!byName.has(found.name)) byName.set(found.name, found)
  }
  return [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
})

const isForbidden = (error: ApiError): boolean => error.reason._tag === "Forbidden"

type Sighting = "there" | "absent" | "hidden"

const sight = (client: KubeClient, resource: Resource, namespace: string, name: string) =>
  client.get(resource, { namespace, name }, { metadataOnly: true }).pipe(
    Effect.as<Sighting>("there"),
    Effect.catchIf(
      (error) => error.reason._tag === "NotFound" || isForbidden(error),
      (error) => Effect.succeed<Sighting>(isForbidden(error) ? "hidden" : "absent"),
    ),
  )

/**
 * Whether something else than a workload speaks for the name: its Service or its Secrets. Where other vClusters are, a
 * Service proves nothing: it may be anybody's.
 */
const sightNamed = Effect.fnUntraced(function* (client: KubeClient, namespace: string, name: string, alone: boolean) {
  const candidates: ReadonlyArray<readonly [Resource, string]> = [
    [secrets, `vc-config-${name}`],
    [secrets, `vc-${name}`],
    ...(alone ? [[services, name] as const] : []),
  ]
  const sightings = yield* Effect.forEach(
    candidates,
    ([resource, object]) => sight(client, resource, namespace, object),
    { concurrency: "unbounded" },
  )
  const result: Sighting = sightings.includes("there") ? "there" : sightings.includes("hidden") ? "hidden" : "absent"
  return result
})

const listNames = (found: ReadonlyArray<Vcluster>): string => found.map((vcluster) => vcluster.name).join(", ")

const searchEverywhere = "kubectl get statefulsets,deployments -A -l app=vcluster"

/** @param found undefined: the workloads are not visible to us */
const notFound = (namespace: string, name: string, found: ReadonlyArray<Vcluster> | undefined): SetupError => {
  if (found === undefined) {
    return new SetupError({
      reason: "NoVcluster",
      message: `no vCluster ${JSON.stringify(name)} in namespace ${namespace}, as far as it is visible to you (not allowed: list statefulsets, deployments)`,
    })
  }
  if (found.length === 0) {
    return new SetupError({
      reason: "NoVcluster",
      message: `no vCluster ${JSON.stringify(name)} in namespace ${namespace}; there is none at all`,
      fix: searchEverywhere,
    })
  }
  const near =
    found.length === 1
      ? undefined
      : nearestWord(
          name,
          found.map((vcluster) => vcluster.name),
        )
  return new SetupError({
    reason: "NoVcluster",
    message: `no vCluster ${JSON.stringify(name)} in namespace ${namespace}; there are: ${listNames(found)}${near === undefined ? "" : ` (did you mean ${near}?)`}`,
  })
}

/** The only one there is, when none is named. */
const resolveOnly = Effect.fnUntraced(function* (client: KubeClient, namespace: string) {
  const found = yield* findVclusters(client, namespace)
  const [first, second] = found
  if (first !== undefined && second === undefined) return first
  return yield* new SetupError(
    first === undefined
      ? { reason: "NoVcluster", message: `no vCluster in namespace ${namespace}`, fix: searchEverywhere }
      : {
          reason: "NoVcluster",
          message: `namespace ${namespace} has ${found.length} vClusters: ${listNames(found)}; name one`,
        },
  )
})

/** @param allGiven name, way into the virtual cluster and settings are all explicit: nothing needs to be found */
const resolveNamed = Effect.fnUntraced(function* (
  client: KubeClient,
  namespace: string,
  name: string,
  allGiven: boolean,
) {
  const found = yield* findVclusters(client, namespace).pipe(
    Effect.asSome,
    Effect.catchIf(isForbidden, () => Effect.succeedNone),
    Effect.map(Option.getOrUndefined),
  )
  const match = found?.find((vcluster) => vcluster.name === name)
  if (match !== undefined) return { vcluster: match, warnings: [] }
  const vcluster: Vcluster = { name, namespace, state: "Unknown" }
  const sighting = yield* sightNamed(client, namespace, name, (found ?? []).length === 0)
  if (sighting === "there" || (found === undefined && sighting === "hidden")) return { vcluster, warnings: [] }
  if (allGiven && (found ?? []).length === 0) {
    return {
      vcluster,
      warnings: [
        `no vCluster is to be seen in namespace ${namespace}; going on because its name, its kubeconfig and its values were given`,
      ],
    }
  }
  return yield* notFound(namespace, name, found)
})

/**
 * The vCluster that a command is about.
 *
 * @param name undefined: there must be exactly one
 * @throws SetupError `NoVcluster`, naming those there are
 * @throws ApiError the workloads cannot be listed; with a name given, Forbidden is tolerated and whatever else is visible decides
 */
export const resolveVcluster = (
  client: KubeClient,
  namespace: string,
  name: string | undefined,
  options: { readonly allGiven: boolean },
): Effect.Effect<Resolved, SetupError | ApiError> =>
  name === undefined
    ? Effect.map(resolveOnly(client, namespace), (vcluster) => ({ vcluster, warnings: [] }))
    : resolveNamed(client, namespace, name, options.allGiven)

const sleepWords: Partial<Record<VclusterState, string>> = {
  Paused: "is paused",
  Sleeping: "is asleep",
  ScaledDown: "is scaled down to 0",
  Restoring: "is being restored",
}

const wakeCommand = (vcluster: Vcluster): string | undefined =>
  vcluster.state === "Paused" || vcluster.state === "Sleeping" || vcluster.state === "ScaledDown"
    ? `vcluster resume ${vcluster.name} -n ${vcluster.namespace}`
    : undefined

/** Undefined while the vCluster runs; else why nothing can be done, `age` telling since when. */
export const asleep = (vcluster: Vcluster, age: string | undefined): SetupError | undefined => {
  const words = sleepWords[vcluster.state]
  if (words === undefined) return undefined
  const fix = wakeCommand(vcluster)
  return new SetupError({
    reason: "Asleep",
    message: `vCluster ${vcluster.name} ${words}${age === undefined ? "" : ` (since ${age})`}`,
    ...(fix === undefined ? {} : { fix }),
  })
}

export interface ConnectContext {
  readonly name: string
  readonly namespace: string
  /** The context in which `vcluster connect` was called. */
  readonly hostContext: string
}

/**
 * Reads the name that `vcluster connect` gives its contexts, `vcluster_NAME_NAMESPACE_HOSTCONTEXT`; undefined for any other.
 * The name and the namespace are DNS labels and hold no underscore; the host context may.
 */
export const parseConnectContext = (context: string): ConnectContext | undefined => {
  const match = /^vcluster_([^_]+)_([^_]+)_(.+)$/s.exec(context)
  const [, name, namespace, hostContext] = match ?? []
  return name === undefined || namespace === undefined || hostContext === undefined
    ? undefined
    : { name, namespace, hostContext }
}

export const connectContextName = (vcluster: Pick<Vcluster, "name" | "namespace">, hostContext: string): string =>
  `vcluster_${vcluster.name}_${vcluster.namespace}_${hostContext}`
