/** The typed client over HTTP/2. The contract, with the meaning of every call, is `kube-client.ts`. */
import { Effect, Predicate, Stream } from "effect"
import type { Scope } from "effect"
import { makeApiExchange } from "./rest-client.ts"
import type { BodyRecord, RequestRecord, Subject } from "./rest-client.ts"
import { Conflict, NotKubernetes } from "./api-error.ts"
import type { ApiError } from "./api-error.ts"
import type { ConnectionSource } from "../config/rest-config.ts"
import type {
  ApplyOptions,
  KubeClient,
  ObjectList,
  PatchOperation,
  Preconditions,
  ListOptions,
  Selection,
  WatchOptions,
  WriteOptions,
} from "./kube-client.ts"
import type { KubeObject } from "./kube-object.ts"
import { allPages, identified, isObject, readPage } from "./pager.ts"
import type { Resource } from "./resource.ts"
import { collectionPath, objectPath, queryString } from "./resource-path.ts"
import type { SessionTimes } from "../transport/http2-session.ts"
import { makeStreamingLists } from "./streaming-lists.ts"
import { makeTransport } from "../transport/transport.ts"
import type { HttpRequest } from "../transport/transport.ts"
import { decodeWatch } from "./watch-decoder.ts"

export interface HttpKubeClientOptions {
  /** `host` or `virtual`, for messages. */
  readonly cluster: string
  readonly source: ConnectionSource
  readonly userAgent: string
  readonly fieldManager: string
  /** Milliseconds; 0: none; default 60 s. Watches are limited only until they begin. */
  readonly requestTimeoutMs?: number | undefined
  /** Default: client-go's. */
  readonly times?: SessionTimes | undefined
  /** Called after every answer, in the hot path. */
  readonly onRequest?: ((record: RequestRecord) => void) | undefined
  /** The same with bodies, secrets in them included; not for the events of watches. */
  readonly onBody?: ((record: BodyRecord) => void) | undefined
}

const defaultRequestTimeoutMs = 60_000

const json = "application/json"
const metadataOf = {
  one: `${json};as=PartialObjectMetadata;g=meta.k8s.io;v=v1`,
  list: `${json};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1`,
}

const about = (verb: string, resource: Resource, namespace?: string, name?: string): Subject => ({
  verb,
  resource,
  namespace,
  name,
})

const preconditionsOf = ({ uid, resourceVersion }: Preconditions) => ({
  ...(uid === undefined ? {} : { uid }),
  ...(resourceVersion === undefined ? {} : { resourceVersion }),
})

/** Inside a merge patch they are fields that the server compares before it changes anything. */
const withPreconditions = (
  patch: Readonly<Record<string, unknown>>,
  preconditions: Preconditions,
): Readonly<Record<string, unknown>> => {
  if (preconditions.uid === undefined && preconditions.resourceVersion === undefined) return patch
  const metadata = Predicate.isObject(patch["metadata"]) ? patch["metadata"] : {}
  return { ...patch, metadata: { ...metadata, ...preconditionsOf(preconditions) } }
}

/** The same, where nothing else compares them. */
const testsOf = ({ uid, resourceVersion }: Preconditions): ReadonlyArray<PatchOperation> =>
  Object.entries({ uid, resourceVersion }).flatMap(([field, value]): ReadonlyArray<PatchOperation> =>
    value === undefined ? [] : [{ op: "test", path: `/metadata/${field}`, value }],
  )

/**
 * A resourceVersion that no object has: etcd counts from 1 before anything is written. An apply that names it is refused
 * where an object stands, and makes one where none does.
 */
const versionOfNone = "1"

const appliedAs = (body: KubeObject, given: ApplyOptions): KubeObject => ({
  ...body,
  metadata: {
    ...body.metadata,
    ...preconditionsOf(given.onlyNew === true ? { resourceVersion: versionOfNone } : given),
  },
})

const otherUid = "the object was deleted and made anew: its UID is another"

/**
 * To a merge patch or an apply that names a UID, the server answers as to a change of it: 422, the field is immutable.
 * What else it then finds wrong is wrong with an object that nobody looked at.
 */
const isOtherUid = (fields: ReadonlyArray<string>, { uid }: Preconditions): boolean =>
  uid !== undefined && fields.includes("metadata.uid")

const deleteOptions = (options: Parameters<KubeClient["delete"]>[2] = {}) => ({
  kind: "DeleteOptions",
  apiVersion: "v1",
  ...(options.propagationPolicy === undefined ? {} : { propagationPolicy: options.propagationPolicy }),
  ...(options.dryRun === true ? { dryRun: ["All"] } : {}),
  preconditions: preconditionsOf(options),
})

const selectors = ({ labelSelector, fieldSelector }: Selection) => ({ labelSelector, fieldSelector })

const watchQuery = (options: WatchOptions): string =>
  queryString({
    watch: "1",
    allowWatchBookmarks: true,
    ...selectors(options),
    resourceVersion: options.resourceVersion,
    sendInitialEvents: options.sendInitialEvents === true ? true : undefined,
    resourceVersionMatch: options.sendInitialEvents === true ? "NotOlderThan" : undefined,
    timeoutSeconds: options.timeoutSeconds,
  })

const read = (path: string, accept: string = json): HttpRequest => ({ method: "GET", path, headers: { accept } })

const write = (
  method: HttpRequest["method"],
  path: string,
  body: unknown,
  contentType: string = json,
): HttpRequest => ({
  method,
  path,
  headers: { accept: json, "content-type": contentType },
  body: JSON.stringify(body),
})

/** Opens no connection yet. The session ends with the scope. */
export const makeKubeClient = Effect.fnUntraced(function* (
  options: HttpKubeClientOptions,
): Effect.fn.Return<KubeClient, never, Scope.Scope> {
  const { source, cluster, fieldManager } = options
  const transport = yield* makeTransport({
    source,
    userAgent: options.userAgent,
    requestTimeoutMs: options.requestTimeoutMs ?? defaultRequestTimeoutMs,
    times: options.times,
  })
  const { onRequest, onBody } = options
  const api = makeApiExchange(transport, { cluster, onRequest, onBody })

  const one = (subject: Subject, resource: Resource, request: () => HttpRequest): Effect.Effect<KubeObject, ApiError> =>
    Effect.flatMap(api.json(subject, request), (value) =>
      isObject(value)
        ? Effect.succeed(identified(value, resource))
        : Effect.fail(api.fault(subject, "the answer is not a Kubernetes object", new NotKubernetes({ status: 200 }))),
    )

  const guarded = (
    subject: Subject,
    resource: Resource,
    preconditions: Preconditions,
    request: () => HttpRequest,
  ): Effect.Effect<KubeObject, ApiError> =>
    Effect.catchReason(one(subject, resource, request), "ApiError", "Invalid", (reason, error) =>
      Effect.fail(isOtherUid(reason.fields, preconditions) ? api.fault(subject, otherUid, new Conflict()) : error),
    )

  const usualQuery = queryString({ fieldManager })
  const writeQuery = (given: WriteOptions | undefined, force = false, manager?: string): string =>
    `${manager === undefined ? usualQuery : queryString({ fieldManager: manager })}${given?.dryRun === true ? "&dryRun=All" : ""}${force ? "&force=true" : ""}`

  const list = (resource: Resource, selection: ListOptions = {}): Effect.Effect<ObjectList, ApiError> => {
    const subject = about("list", resource, selection.namespace)
    const accept = selection.metadataOnly === true ? metadataOf.list : json
    const page = (limit: number, token: string) => {
      const query = { ...selectors(selection), limit: limit === 0 ? undefined : limit, continue: token }
      const request = () => read(collectionPath(resource, selection.namespace) + queryString(query), accept)
      return Effect.flatMap(api.json(subject, request), (value) => {
        const answer = readPage(value, resource)
        return answer === undefined
          ? Effect.fail(api.fault(subject, "the answer is not a list", new NotKubernetes({ status: 200 })))
          : Effect.succeed(answer)
      })
    }
    return selection.limit === undefined
      ? allPages(page)
      : Effect.map(page(selection.limit, ""), ({ items, resourceVersion }) => ({ items, resourceVersion }))
  }

  const watch = (resource: Resource, given: WatchOptions) => {
    const subject = about("watch", resource, given.namespace)
    const accept = given.metadataOnly === true ? metadataOf.one : json
    return Stream.unwrap(
      Effect.map(
        api.open(subject, () => read(collectionPath(resource, given.namespace) + watchQuery(given), accept)),
        (reply) =>
          decodeWatch(reply, resource, {
            rejected: (body) => api.rejected(subject, reply, body),
            fault: (detail, reason) => api.fault(subject, detail, reason),
            broken: (error) => api.broken(subject, error),
          }),
      ),
    )
  }

  return {
    cluster,
    get server() {
      return transport.server()
    },
    listStreaming: makeStreamingLists(cluster),
    list,
    watch,
    get: (resource, ref, given) =>
      one(about("get", resource, ref.namespace, ref.name), resource, () =>
        read(objectPath(resource, ref), given?.metadataOnly === true ? metadataOf.one : json),
      ),
    create: (resource, body, given) => {
      const { namespace, name, generateName } = body.metadata
      const subject = about(
        "create",
        resource,
        namespace,
        typeof generateName === "string" && name === "" ? undefined : name,
      )
      return one(subject, resource, () => write("POST", collectionPath(resource, namespace) + writeQuery(given), body))
    },
    update: (resource, body, given) =>
      one(about("update", resource, body.metadata.namespace, body.metadata.name), resource, () =>
        write("PUT", objectPath(resource, body.metadata) + writeQuery(given), body),
      ),
    mergePatch: (resource, ref, patch, given = {}) => {
      const path = () => objectPath(resource, ref) + writeQuery(given)
      return guarded(about("patch", resource, ref.namespace, ref.name), resource, given, () =>
        write("PATCH", path(), withPreconditions(patch, given), "application/merge-patch+json"),
      )
    },
    jsonPatch: (resource, ref, operations, given = {}) =>
      one(about("patch", resource, ref.namespace, ref.name), resource, () =>
        write(
          "PATCH",
          objectPath(resource, ref, given.subresource) + writeQuery(given),
          [...testsOf(given), ...operations],
          "application/json-patch+json",
        ),
      ),
    // JSON is YAML, and the only type of apply that every server knows.
    apply: (resource, body, given = {}) =>
      guarded(about("patch", resource, body.metadata.namespace, body.metadata.name), resource, given, () =>
        write(
          "PATCH",
          objectPath(resource, body.metadata) + writeQuery(given, given.force, given.manager),
          appliedAs(body, given),
          "application/apply-patch+yaml",
        ),
      ),
    delete: (resource, ref, given) =>
      Effect.asVoid(
        api.json(about("delete", resource, ref.namespace, ref.name), () =>
          write("DELETE", objectPath(resource, ref), deleteOptions(given)),
        ),
      ),
    getPath: (path) => api.json({ verb: "get", resource: undefined, name: path }, () => read(path)),
  }
})
