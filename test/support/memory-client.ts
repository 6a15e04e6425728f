/** A {@link KubeClient} over a Map: optimistic concurrency as the API server does it, and nothing more. */
import { Effect, Stream } from "effect"
import { AlreadyExists, ApiError, type ApiErrorReason, Conflict, NotFound } from "../../src/effects/client/api-error.ts"
import type { KubeClient, ObjectRef, PatchOperation, Preconditions } from "../../src/effects/client/kube-client.ts"
import { keyOf, type KubeObject } from "../../src/effects/client/kube-object.ts"
import { qualifiedName, type Resource } from "../../src/effects/client/resource.ts"
import { recordAt } from "../../src/effects/client/unstructured.ts"
import { applyMergePatch } from "../../src/effects/client/merge-patch.ts"
import { makeStreamingLists } from "../../src/effects/client/streaming-lists.ts"

export interface Call {
  readonly verb: string
  readonly resource: string
  readonly key: string
  readonly body?: Readonly<Record<string, unknown>>
}

export interface MemoryClient extends KubeClient {
  /** Every request, in order, also those that failed. */
  readonly calls: Array<Call>
  readonly all: (resource: Resource) => ReadonlyArray<KubeObject>
  /** Of the last write. */
  readonly version: () => string
  readonly stored: (resource: Resource, ref: ObjectRef) => KubeObject | undefined
  /** As somebody else would: no precondition, a new resourceVersion. */
  readonly put: (resource: Resource, object: KubeObject) => KubeObject
  readonly remove: (resource: Resource, ref: ObjectRef) => void
  /** What is kept of an object that is written, by whomever; default: all of it. */
  stores: (object: KubeObject) => KubeObject
  /**
   * Runs before each request; what it fails with is the answer, `Effect.never` a connection gone silent. With `after`
   * the request has been carried out and only its answer is lost.
   */
  fault: {
    readonly before?: (call: Call) => Effect.Effect<void, ApiError>
    readonly after?: (call: Call) => Effect.Effect<void, ApiError>
  }
}

export const apiError = (call: Call, reason: ApiErrorReason): ApiError =>
  new ApiError({
    cluster: "memory",
    server: "https://memory",
    verb: call.verb,
    resource: call.resource,
    name: call.key,
    detail: reason._tag,
    reason,
  })

const notOffered = Effect.die(new Error("the memory client does not offer this"))

const refOf = ({ metadata }: KubeObject): ObjectRef => ({ namespace: metadata.namespace, name: metadata.name })

/** The server's answer, or why there is none. */
type Outcome = KubeObject | ApiErrorReason

const isObject = (outcome: Outcome): outcome is KubeObject => "metadata" in outcome

const address = (resource: Resource, ref: ObjectRef) => `${qualifiedName(resource)} ${keyOf(ref.namespace, ref.name)}`

const patched = (old: KubeObject, patch: Readonly<Record<string, unknown>>): KubeObject => ({
  ...old,
  ...recordAt(applyMergePatch(old, patch)),
  metadata: { ...recordAt(applyMergePatch(old.metadata, patch["metadata"] ?? {})), name: old.metadata.name },
})

/** Operations on members of the object itself, which is all that we send. */
const operated = (old: KubeObject, operations: ReadonlyArray<PatchOperation>): KubeObject =>
  operations.reduce<KubeObject>(
    (object, operation) =>
      operation.op === "add" ? { ...object, [operation.path.slice(1)]: operation.value } : assertNever(operation),
    old,
  )

const assertNever = ({ op }: PatchOperation): never => {
  throw new Error(`the memory client does not offer ${op}`)
}

const holds = (object: KubeObject, { uid, resourceVersion }: Preconditions): boolean =>
  (uid === undefined || uid === object.metadata.uid) &&
  (resourceVersion === undefined || resourceVersion === object.metadata.resourceVersion)

export const makeMemoryClient = (): MemoryClient => {
  const objects = new Map<string, KubeObject>()
  const calls: Array<Call> = []
  let version = 0

  const put = (resource: Resource, object: KubeObject): KubeObject => {
    const kept = client.stores(object)
    const stored = { ...kept, metadata: { ...kept.metadata, resourceVersion: String(++version) } }
    objects.set(address(resource, refOf(object)), stored)
    return stored
  }

  const request = (
    verb: string,
    resource: Resource,
    ref: ObjectRef,
    body: Readonly<Record<string, unknown>> | undefined,
    answer: (old: KubeObject | undefined) => Outcome,
  ) =>
    Effect.gen(function* () {
      const key = keyOf(ref.namespace, ref.name)
      const call = { verb, resource: qualifiedName(resource), key, ...(body === undefined ? {} : { body }) }
      calls.push(call)
      yield* client.fault.before?.(call) ?? Effect.void
      const outcome = answer(objects.get(address(resource, ref)))
      yield* client.fault.after?.(call) ?? Effect.void
      return isObject(outcome) ? outcome : yield* apiError(call, outcome)
    })

  const notFound = new NotFound({ resourceMissing: false })
  const changed =
    (resource: Resource, preconditions: Preconditions, change: (old: KubeObject) => KubeObject) =>
    (old: KubeObject | undefined): Outcome => {
      if (old === undefined) return notFound
      return holds(old, preconditions) ? put(resource, change(old)) : new Conflict()
    }
  const client: MemoryClient = {
    cluster: "memory",
    server: "https://memory",
    listStreaming: makeStreamingLists("memory"),
    calls,
    fault: {},
    stores: (object) => object,
    put,
    version: () => String(version),
    all: (resource) =>
      [...objects].flatMap(([at, object]) => (at.startsWith(`${qualifiedName(resource)} `) ? [object] : [])),
    stored: (resource, ref) => objects.get(address(resource, ref)),
    remove: (resource, ref) => void objects.delete(address(resource, ref)),
    get: (resource, ref) => request("get", resource, ref, undefined, (old) => old ?? notFound),
    create: (resource, body) =>
      request("create", resource, refOf(body), body, (old) =>
        old === undefined
          ? put(resource, { ...body, metadata: { uid: `made-${version}`, ...body.metadata } })
          : new AlreadyExists(),
      ),
    update: (resource, body) =>
      request("update", resource, refOf(body), body, (old) => {
        if (old === undefined) return notFound
        return old.metadata.resourceVersion === body.metadata.resourceVersion ? put(resource, body) : new Conflict()
      }),
    mergePatch: (resource, ref, patch, given = {}) =>
      request(
        "patch",
        resource,
        ref,
        patch,
        changed(resource, given, (old) => patched(old, patch)),
      ),
    jsonPatch: (resource, ref, operations, given = {}) =>
      request(
        "patch",
        resource,
        ref,
        { operations },
        changed(resource, given, (old) => operated(old, operations)),
      ),
    list: () => notOffered,
    watch: () => Stream.fromEffect(notOffered),
    apply: () => notOffered,
    delete: (resource, ref) =>
      Effect.asVoid(
        request("delete", resource, ref, undefined, (old) => {
          if (old === undefined) return notFound
          if (old.metadata.finalizers !== undefined)
            return put(resource, { ...old, metadata: { ...old.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } })
          objects.delete(address(resource, ref))
          return old
        }),
      ),
    getPath: () => notOffered,
  }
  return client
}
