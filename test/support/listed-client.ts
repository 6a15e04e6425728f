/** A memory client that can be listed and watched: a watch tells what stands there when it begins, and is silent after. */
import { Effect, Stream } from "effect"
import type { KubeClient, Selection } from "../../src/effects/client/kube-client.ts"
import type { Resource } from "../../src/effects/client/resource.ts"
import type { MemoryClient } from "./memory-client.ts"
import { added, listEnd } from "./scripted-client.ts"

/** By namespace and by name; labels are not looked at. */
const selected = (memory: MemoryClient, resource: Resource, { namespace, fieldSelector }: Selection) =>
  memory
    .all(resource)
    .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)
    .filter(({ metadata }) => fieldSelector === undefined || fieldSelector === `metadata.name=${metadata.name}`)

export const listedClient = (memory: MemoryClient): KubeClient => ({
  ...memory,
  list: (resource, selection = {}) =>
    Effect.sync(() => ({ items: selected(memory, resource, selection), resourceVersion: memory.version() })),
  watch: (resource, { sendInitialEvents, ...selection }) =>
    Stream.suspend(() => {
      const first = sendInitialEvents === true ? selected(memory, resource, selection).map(added) : []
      return Stream.concat(Stream.make(...first, listEnd(memory.version())), Stream.never)
    }),
  // Onto nothing: what is applied over something has tests of its own.
  apply: (resource, body) => memory.create(resource, body),
})
