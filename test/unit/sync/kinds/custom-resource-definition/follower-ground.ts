/** The follower of the CRDs between two API servers in memory. */
import { Effect, Stream } from "effect"
import type { KubeClient } from "../../../../../src/effects/client/kube-client.ts"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import type { SyncSettings } from "../../../../../src/sync/tenancy/sync-settings.ts"
import { makeCrdFollower } from "../../../../../src/sync/kinds/custom-resource-definition/follower.ts"
import { wantedCrds } from "../../../../../src/sync/engine/registry.ts"
import { syncedKinds } from "../../../../../src/sync/kinds/kinds.ts"
import { customResourceDefinitions as crds } from "../../../../../src/sync/resources.ts"
import { testContext } from "../../../../model/world.ts"
import { makeMemoryClient, type MemoryClient } from "../../../../support/memory-client.ts"

export const nameOf = (plural: string) => `${plural}.external-secrets.io`

export const hostCrd = (plural: string, description = "first"): KubeObject => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: nameOf(plural), uid: `host-${plural}` },
  spec: {
    group: "external-secrets.io",
    scope: "Namespaced",
    names: { plural },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { properties: { spec: { type: "object", title: description } } } },
      },
    ],
  },
})

export const established = { conditions: [{ type: "Established", status: "True" }], storedVersions: ["v1"] }

/** A server that establishes what is made at once, and tells what was read of it. */
const observed = (memory: MemoryClient, side: string, reads: Array<string>) => {
  const stored = (ref: { readonly name: string }) => memory.stored(crds, ref)
  const client: KubeClient = {
    ...memory,
    get: (resource, ref, options) =>
      Effect.suspend(() => {
        const isMetadata = options?.metadataOnly === true
        reads.push(`${side} ${ref.name.split(".")[0]}${isMetadata ? " metadata" : ""}`)
        return Effect.map(memory.get(resource, ref), (found) =>
          isMetadata ? { apiVersion: found.apiVersion, kind: found.kind, metadata: found.metadata } : found,
        )
      }),
    create: (resource, body, given) =>
      Effect.map(memory.create(resource, body, given), (made) => {
        memory.put(resource, { ...made, status: established })
        return made
      }),
    list: (_, selection) => {
      reads.push(`${side} list`)
      const name = selection?.fieldSelector?.replace("metadata.name=", "") ?? ""
      const found = stored({ name })
      return Effect.succeed({ items: found === undefined ? [] : [found], resourceVersion: "1" })
    },
    watch: () => Stream.never,
  }
  return client
}

/** Both clusters, with ESO's CRDs on the host, and what was asked of them. */
export const place = (
  settings: SyncSettings = testContext().settings,
  /** What else the virtual API server does. */
  besides: (client: KubeClient) => KubeClient = (client) => client,
) => {
  const host = makeMemoryClient()
  const virtual = makeMemoryClient()
  const reads: Array<string> = []
  const clients = { host: observed(host, "host", reads), virtual: besides(observed(virtual, "virtual", reads)) }
  for (const plural of ["externalsecrets", "secretstores", "clustersecretstores"]) host.put(crds, hostCrd(plural))
  const writes = () => virtual.calls.filter(({ verb }) => verb !== "get").map(({ verb, key }) => `${verb} ${key}`)
  /** What was read since it was last asked. */
  const read = () => reads.splice(0).toSorted()
  const start = Effect.fnUntraced(function* (note?: string, by = "1.0") {
    const follower = makeCrdFollower(wantedCrds({ kinds: syncedKinds }, settings), settings, by)
    const seen = yield* follower.see(clients)
    follower.recall(note)
    yield* follower.judge(clients, seen)
    const plurals = seen.map(([plural]) => plural)
    const pairs = yield* Effect.forEach(plurals, (plural) => follower.ensure(clients, plural))
    return {
      follower,
      pairs: new Map(pairs.flatMap((pair) => (pair === undefined ? [] : [[pair.plural, pair] as const]))),
    }
  })
  return { host, virtual, clients, read, writes, start }
}

const { settings } = testContext()

/** Stores are neither imported nor synced. */
export const withoutStores: SyncSettings = {
  ...settings,
  stores: { ...settings.stores, enabled: false },
  clusterStores: { ...settings.clusterStores, enabled: false },
}
