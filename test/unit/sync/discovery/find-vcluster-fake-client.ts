/** A client over a fixed set of objects: for what only reads. */
import { Effect, Stream } from "effect"
import { ApiError, Forbidden, NotFound } from "../../../../src/effects/client/api-error.ts"
import type { KubeClient } from "../../../../src/effects/client/kube-client.ts"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { qualifiedName, type Resource } from "../../../../src/effects/client/resource.ts"
import { makeStreamingLists } from "../../../../src/effects/client/streaming-lists.ts"

const fail = (verb: string, resource: Resource, reason: ApiError["reason"]) =>
  new ApiError({ cluster: "host", server: "https://h", verb, resource: qualifiedName(resource), detail: "", reason })
const unexpected = () => Effect.die("a write or an unexpected request")

/** Answers from `objects`; `hidden` resources answer 403. */
export const fakeClient = (
  objects: ReadonlyArray<KubeObject>,
  hidden: ReadonlyArray<string> = [],
  paths: Readonly<Record<string, unknown>> = {},
): KubeClient => {
  return {
    cluster: "host",
    server: "https://h",
    listStreaming: makeStreamingLists("host"),
    list: (resource) =>
      hidden.includes(resource.plural)
        ? Effect.fail(fail("list", resource, new Forbidden({})))
        : Effect.succeed({ items: objects.filter((object) => object.kind === resource.kind), resourceVersion: "1" }),
    get: (resource, ref) => {
      if (hidden.includes(resource.plural)) return Effect.fail(fail("get", resource, new Forbidden({})))
      const found = objects.find((object) => object.kind === resource.kind && object.metadata.name === ref.name)
      return found === undefined
        ? Effect.fail(fail("get", resource, new NotFound({ resourceMissing: false })))
        : Effect.succeed(found)
    },
    watch: () => Stream.die("unexpected"),
    create: unexpected,
    update: unexpected,
    mergePatch: unexpected,
    jsonPatch: unexpected,
    apply: unexpected,
    delete: unexpected,
    getPath: (path) =>
      path in paths
        ? Effect.succeed(paths[path])
        : Effect.fail(
            new ApiError({
              cluster: "host",
              server: "https://h",
              verb: "get",
              resource: path,
              detail: "",
              reason: new NotFound({ resourceMissing: true }),
            }),
          ),
  }
}
