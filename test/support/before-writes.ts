/** A client that lets a test act at the one moment that matters: right before a write leaves. */
import type { Effect } from "effect"
import type { ApiError } from "../../src/effects/client/api-error.ts"
import type { KubeClient, ObjectRef } from "../../src/effects/client/kube-client.ts"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import type { Resource } from "../../src/effects/client/resource.ts"

export interface Write {
  readonly verb: "create" | "update" | "mergePatch" | "jsonPatch" | "apply" | "delete"
  readonly resource: Resource
  readonly ref: ObjectRef
  readonly subresource: string | undefined
}

/** Around one write; `send` is the request itself. */
export type Around = <A>(write: Write, send: Effect.Effect<A, ApiError>) => Effect.Effect<A, ApiError>

const refOf = ({ metadata }: KubeObject): ObjectRef => ({ namespace: metadata.namespace, name: metadata.name })

export const aroundWrites = (client: KubeClient, around: Around): KubeClient => {
  const write = (verb: Write["verb"], resource: Resource, ref: ObjectRef, subresource?: string): Write => ({
    verb,
    resource,
    ref,
    subresource,
  })
  return {
    ...client,
    create: (resource, body, given) =>
      around(write("create", resource, refOf(body)), client.create(resource, body, given)),
    update: (resource, body, given) =>
      around(write("update", resource, refOf(body)), client.update(resource, body, given)),
    mergePatch: (resource, ref, patch, given) =>
      around(write("mergePatch", resource, ref), client.mergePatch(resource, ref, patch, given)),
    jsonPatch: (resource, ref, operations, given) =>
      around(write("jsonPatch", resource, ref, given?.subresource), client.jsonPatch(resource, ref, operations, given)),
    apply: (resource, body, given) =>
      around(write("apply", resource, refOf(body)), client.apply(resource, body, given)),
    delete: (resource, ref, given) => around(write("delete", resource, ref), client.delete(resource, ref, given)),
  }
}
