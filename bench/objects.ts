/** What is synced: ExternalSecrets as tenants write them, and what ESO would make of their copies on the host. */
import type { KubeObject } from "../src/effects/client/kube-object.ts"

/** Where the tenant's objects are, in the virtual cluster. */
export const tenantNamespace = "bench"
export const storeName = "bench-store"
const esoApi = "external-secrets.io/v1"

export const externalSecretsPath = (namespace: string): string =>
  `/apis/${esoApi}/namespaces/${namespace}/externalsecrets`
export const secretsPath = (namespace: string): string => `/api/v1/namespaces/${namespace}/secrets`

export const store: KubeObject = {
  apiVersion: esoApi,
  kind: "ClusterSecretStore",
  metadata: { name: storeName, labels: { "vcluster-accessible": "true" } },
  spec: { provider: { fake: { data: [{ key: "/bench", value: "s3cret" }] } } },
}

const keys = ["username", "password", "url"]

export const nameOf = (index: number): string => `app-${String(index).padStart(5, "0")}`

export const virtualExternalSecret = (index: number): KubeObject => ({
  apiVersion: esoApi,
  kind: "ExternalSecret",
  metadata: {
    name: nameOf(index),
    namespace: tenantNamespace,
    labels: { "app.kubernetes.io/name": nameOf(index), team: `team-${index % 20}` },
    annotations: { "example.com/owner": "someone@example.com" },
  },
  spec: {
    refreshInterval: "1h",
    secretStoreRef: { name: storeName, kind: "ClusterSecretStore" },
    target: { name: `${nameOf(index)}-credentials` },
    data: keys.map((key) => ({ secretKey: key, remoteRef: { key: "/bench", property: key } })),
  },
})

/** An ExternalSecret on the host, as far as ESO's part needs it. */
export interface HostCopy {
  readonly name: string
  readonly uid: string
  readonly target: string
}

const at = (value: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>(
    (inner, key) =>
      typeof inner === "object" && inner !== null && Object.hasOwn(inner, key) ? Reflect.get(inner, key) : undefined,
    value,
  )

export const textAt = (value: unknown, ...path: ReadonlyArray<string>): string => {
  const found = at(value, ...path)
  return typeof found === "string" ? found : ""
}

export const itemsOf = (list: string): ReadonlyArray<unknown> => {
  const items = at(JSON.parse(list), "items")
  return Array.isArray(items) ? items : []
}

export const hostCopy = (item: unknown): HostCopy => ({
  name: textAt(item, "metadata", "name"),
  uid: textAt(item, "metadata", "uid"),
  target: textAt(item, "spec", "target", "name"),
})

const sentMetadata = new Set(["name", "namespace", "labels", "annotations", "ownerReferences"])

/** What was sent to make this object: without what the server added. */
export const bodyOf = (item: unknown): string => {
  const metadata = at(item, "metadata")
  const sent =
    typeof metadata === "object" && metadata !== null
      ? Object.entries(metadata).filter(([key]) => sentMetadata.has(key))
      : []
  return JSON.stringify({
    apiVersion: esoApi,
    kind: "ExternalSecret",
    metadata: Object.fromEntries(sent),
    spec: at(item, "spec"),
  })
}

const base64 = (text: string): string => Buffer.from(text).toString("base64")

export const secretData = (revision: string): Readonly<Record<string, string>> =>
  Object.fromEntries(keys.map((key) => [key, base64(`${key}-${revision}-${"x".repeat(40)}`)]))

/** The Secret that ESO writes for a copy; label and owner as its `secret_client` and `externalsecret_controller` set them. */
export const hostSecret = (copy: HostCopy, namespace: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: copy.target,
      namespace,
      labels: { "reconcile.external-secrets.io/managed": "true" },
      ownerReferences: [
        {
          apiVersion: esoApi,
          kind: "ExternalSecret",
          name: copy.name,
          uid: copy.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    type: "Opaque",
    data: secretData(copy.name),
  })

export const readyStatus = (copy: HostCopy): string => {
  const now = new Date().toISOString().replace(/\.\d+Z$/, "Z")
  return JSON.stringify({
    status: {
      refreshTime: now,
      syncedResourceVersion: "1-0123456789abcdef",
      binding: { name: copy.target },
      conditions: [
        { type: "Ready", status: "True", reason: "SecretSynced", message: "secret synced", lastTransitionTime: now },
      ],
    },
  })
}

/** Whether a virtual ExternalSecret shows what ESO said of its copy, with the name of the tenant's own Secret. */
export const showsReady = (item: unknown): boolean => {
  const conditions = at(item, "status", "conditions")
  const isReady = (condition: unknown) =>
    textAt(condition, "type") === "Ready" && textAt(condition, "status") === "True"
  return (
    Array.isArray(conditions) &&
    conditions.some(isReady) &&
    textAt(item, "status", "binding", "name") === textAt(item, "spec", "target", "name")
  )
}

/** Of a page of one: what it holds and what it leaves out. */
export const countOf = (page: string): number => {
  const parsed: unknown = JSON.parse(page)
  const remaining = at(parsed, "metadata", "remainingItemCount")
  return itemsOf(page).length + (typeof remaining === "number" ? remaining : 0)
}
