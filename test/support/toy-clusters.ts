/** A host with some vClusters, and the toy kind to sync between them: what whole programs are run over without a server. */
import { Layer } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { Registry } from "../../src/sync/engine/registry.ts"
import type { VclusterRef } from "../../src/sync/engine/target.ts"
import { namespaces } from "../../src/sync/resources.ts"
import { listedClient } from "./listed-client.ts"
import { makeMemoryClient } from "./memory-client.ts"
import { noPrerequisites } from "./sync-layers.ts"
import { widgets } from "./toy-kind/caches.ts"
import { toyKind } from "./toy-kind/kind.ts"

const namespace = (name: string, uid: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, uid },
})

export const toyRegistry: Layer.Layer<Registry> = Layer.succeed(Registry, {
  kinds: [toyKind],
  prerequisites: noPrerequisites,
})

export const makeHost = (...names: ReadonlyArray<string>) => {
  const host = makeMemoryClient()
  for (const name of names) host.put(namespaces, namespace(name, `${name}-uid`))
  return host
}

/** One vCluster with one Widget in it. */
export const makeVirtual = ({ name }: VclusterRef) => {
  const virtual = makeMemoryClient()
  virtual.put(namespaces, namespace("kube-system", `${name}-kube-system`))
  virtual.put(widgets, {
    apiVersion: "toys.example/v1",
    kind: "Widget",
    metadata: { name: "toy", namespace: "default", uid: `${name}-toy` },
    spec: { size: 1 },
  })
  return virtual
}

export const clientsOf = (host: ReturnType<typeof makeHost>, virtual: ReturnType<typeof makeVirtual>) => ({
  host: listedClient(host),
  virtual: listedClient(virtual),
})
