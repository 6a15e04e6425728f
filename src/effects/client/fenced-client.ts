/** A client whose writes end with the right to write. */
import { Effect } from "effect"
import { ApiError, Fenced } from "./api-error.ts"
import type { KubeClient, ObjectRef } from "./kube-client.ts"
import { qualifiedName, type Resource } from "./resource.ts"
import { Fence } from "../transport/fence.ts"
import { notSent } from "../transport/transport-error.ts"

/**
 * The same connection behind a fence of its own: as soon as `isHeld` is false, no write leaves any more, not the next attempt of one
 * that has begun either; it fails with the reason {@link Fenced}. Reads go on.
 */
export const fencedClient = (client: KubeClient, isHeld: () => boolean): KubeClient => {
  const fenced = <A>(verb: string, resource: Resource, ref: ObjectRef, write: Effect.Effect<A, ApiError>) =>
    Effect.suspend(() => {
      if (isHeld()) return Effect.updateService(write, Fence, (mayLeave) => () => isHeld() && mayLeave())
      return Effect.fail(
        new ApiError({
          cluster: client.cluster,
          server: client.server,
          verb,
          resource: qualifiedName(resource),
          ...(ref.namespace === undefined || ref.namespace === "" ? {} : { namespace: ref.namespace }),
          name: ref.name,
          detail: notSent,
          reason: new Fenced(),
        }),
      )
    })
  return {
    ...client,
    get server() {
      return client.server
    },
    create: (resource, body, given) => fenced("create", resource, body.metadata, client.create(resource, body, given)),
    update: (resource, body, given) => fenced("update", resource, body.metadata, client.update(resource, body, given)),
    mergePatch: (resource, ref, patch, given) =>
      fenced("patch", resource, ref, client.mergePatch(resource, ref, patch, given)),
    jsonPatch: (resource, ref, operations, given) =>
      fenced("patch", resource, ref, client.jsonPatch(resource, ref, operations, given)),
    apply: (resource, body, given) => fenced("patch", resource, body.metadata, client.apply(resource, body, given)),
    delete: (resource, ref, given) => fenced("delete", resource, ref, client.delete(resource, ref, given)),
  }
}
