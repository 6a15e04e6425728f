/** The typed client over HTTP/2. The contract, with the meaning of every call, is `kube-client.ts`. */
import { Effect, Option, Predicate, Result, Scope, Stream } from "effect"
import type { IncomingHttpHeaders } from "node:http2"
import { ApiError, Invalid, NoCredentials, NotKubernetes, Unreachable, Untrusted } from "./api-error.ts"
import type { ApiErrorReason } from "./api-error.ts"
import { outcomeOf } from "./api-status.ts"
import type { ConnectionSource, KubeconfigError } from "./connection-source.ts"
import type { KubeClient, ObjectList, ObjectRef, Selection, WatchOptions, WriteOptions } from "./kube-client.ts"
import type { KubeObject } from "./kube-object.ts"
import { apiVersionOf, qualifiedName } from "./resource.ts"
import type { Resource } from "./resource.ts"
import { collectionPath, isPathSegment, objectPath, queryString } from "./resource-path.ts"
import type { TransportError } from "./transport-error.ts"
import { makeTransport } from "./transport.ts"
import type { HttpReply, Transport } from "./transport.ts"
import { decodeWatch } from "./watch-stream.ts"

export interface HttpKubeClientOptions {
  /** `host` or `virtual`, for messages. */
  readonly cluster: string
  readonly source: ConnectionSource
  readonly userAgent: string
  readonly fieldManager: string
  /** Milliseconds; 0: none. Watches are not limited. */
  readonly requestTimeoutMs?: number | undefined
}

/** What a request is about, for errors. */
interface Subject {
  readonly verb: string
  readonly resource: string
  readonly namespace?: string | undefined
  readonly name?: string | undefined
}

const about = (verb: string, resource: Resource, namespace?: string, name?: string): Subject => ({
  verb,
  resource: qualifiedName(resource),
  namespace,
  name,
})

const pageSize = 500
/** client-go gives up after ten waits for a server that asks for patience. */
const maxPatience = 10

const json = "application/json"
const metadataOf = { one: `${json};as=PartialObjectMetadata;g=meta.k8s.io;v=v1`, list: `${json};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1` }

const parseJson = (text: string): unknown =>
  Result.getOrElse(
    Result.try((): unknown => JSON.parse(text)),
    () => text,
  )

const isObject = (value: unknown): value is KubeObject =>
  Predicate.hasProperty(value, "metadata") &&
  Predicate.hasProperty(value.metadata, "name") &&
  typeof value.metadata.name === "string"

const transportReason = (error: TransportError): ApiErrorReason => {
  switch (error.kind) {
    case "untrusted":
      return new Untrusted({ code: error.code })
    case "protocol":
      return new NotKubernetes({ status: 0 })
    default:
      return new Unreachable(error.code === "" ? {} : { code: error.code })
  }
}

/** Opens no connection yet. The session ends with the scope. */
export const makeKubeClient = Effect.fnUntraced(function* (
  options: HttpKubeClientOptions,
): Effect.fn.Return<KubeClient, never, Scope.Scope> {
  const { source, cluster } = options
  const transport: Transport = yield* makeTransport({
    source,
    userAgent: options.userAgent,
    requestTimeoutMs: options.requestTimeoutMs ?? 60_000,
  })

  const errorOf = (subject: Subject, detail: string, reason: ApiErrorReason): ApiError =>
    new ApiError({
      cluster,
      server: source.server,
      verb: subject.verb,
      resource: subject.resource,
      ...(subject.namespace === undefined || subject.namespace === "" ? {} : { namespace: subject.namespace }),
      ...(subject.name === undefined ? {} : { name: subject.name }),
      detail,
      reason,
    })

  const fromTransport = (subject: Subject) => (error: TransportError | KubeconfigError) =>
    error._tag === "KubeconfigError"
      ? errorOf(subject, error.message, new NoCredentials())
      : errorOf(subject, error.message, transportReason(error))

  const rejected = (subject: Subject, status: number, headers: IncomingHttpHeaders, body: unknown): ApiError => {
    const { reason, detail } = outcomeOf(status, headers, body)
    return errorOf(subject, detail, reason)
  }

  const exchange = (
    subject: Subject,
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Effect.Effect<unknown, ApiError> => {
    const once: Effect.Effect<unknown, ApiError> = transport.exchange({ method, path, headers, body }).pipe(
      Effect.mapError(fromTransport(subject)),
      Effect.flatMap((reply: HttpReply) => {
        const parsed = parseJson(reply.body)
        return reply.status >= 200 && reply.status < 300
          ? Effect.succeed(parsed)
          : Effect.fail(rejected(subject, reply.status, reply.headers, parsed))
      }),
    )
    return patiently(once, maxPatience)
  }

  const asObject = (subject: Subject, resource: Resource, value: unknown): Effect.Effect<KubeObject, ApiError> =>
    isObject(value)
      ? Effect.succeed(
          // PartialObjectMetadata would say its own kind: what the object is, is known better here.
          value.kind === "PartialObjectMetadata" || value.kind === undefined
            ? { ...value, apiVersion: apiVersionOf(resource), kind: resource.kind }
            : value,
        )
      : Effect.fail(errorOf(subject, "the answer is not a Kubernetes object", new NotKubernetes({ status: 200 })))

  /** Names are checked before a path is made of them. */
  const guarded = <A>(subject: Subject, effect: () => Effect.Effect<A, ApiError>): Effect.Effect<A, ApiError> => {
    const bad = [subject.name, subject.namespace].find((name) => name !== undefined && name !== "" && !isPathSegment(name))
    return bad === undefined && subject.name !== ""
      ? effect()
      : Effect.fail(
          errorOf(subject, `${JSON.stringify(bad ?? "")} cannot be the name of an object`, new Invalid({ fields: [] })),
        )
  }

  const one = (
    subject: Subject,
    resource: Resource,
    method: string,
    path: string,
    body?: unknown,
    contentType: string = json,
    accept: string = json,
  ) =>
    guarded(subject, () =>
      exchange(
        subject,
        method,
        path,
        body === undefined ? { accept } : { accept, "content-type": contentType },
        body === undefined ? undefined : JSON.stringify(body),
      ),
    ).pipe(Effect.flatMap((value) => asObject(subject, resource, value)))

  const writeQuery = (write: WriteOptions | undefined, more: Readonly<Record<string, string | boolean | undefined>> = {}) =>
    queryString({
      fieldManager: options.fieldManager,
      dryRun: write?.dryRun === true ? "All" : undefined,
      ...more,
    })

  const page = (resource: Resource, selection: Selection, limit: number, token: string) => {
    const subject = about("list", resource, selection.namespace)
    const path =
      collectionPath(resource, selection.namespace) +
      queryString({
        labelSelector: selection.labelSelector,
        fieldSelector: selection.fieldSelector,
        limit: limit === 0 ? undefined : limit,
        continue: token,
      })
    const accept = selection.metadataOnly === true ? metadataOf.list : json
    return guarded(subject, () => exchange(subject, "GET", path, { accept })).pipe(
      Effect.flatMap((value) => readPage(value, resource, () => errorOf(subject, "the answer is not a list", new NotKubernetes({ status: 200 })))),
    )
  }

  const list = (resource: Resource, selection: Selection = {}): Effect.Effect<ObjectList, ApiError> =>
    Effect.gen(function* () {
      const items: Array<KubeObject> = []
      let token = ""
      for (;;) {
        const next = yield* page(resource, selection, pageSize, token)
        items.push(...next.items)
        token = next.continue
        if (token === "") return { items, resourceVersion: next.resourceVersion }
      }
    }).pipe(
      // The snapshot that the pages come from was compacted away meanwhile: one list without pages.
      Effect.catchReason("ApiError", "Expired", () => page(resource, selection, 0, "")),
    )

  const watch = (resource: Resource, watchOptions: WatchOptions) => {
    const subject = about("watch", resource, watchOptions.namespace)
    const initial = watchOptions.sendInitialEvents === true
    const path =
      collectionPath(resource, watchOptions.namespace) +
      queryString({
        watch: "1",
        allowWatchBookmarks: "true",
        labelSelector: watchOptions.labelSelector,
        fieldSelector: watchOptions.fieldSelector,
        resourceVersion: watchOptions.resourceVersion,
        sendInitialEvents: initial ? "true" : undefined,
        resourceVersionMatch: initial ? "NotOlderThan" : undefined,
        timeoutSeconds: watchOptions.timeoutSeconds,
      })
    const accept = watchOptions.metadataOnly === true ? metadataOf.one : json
    return Stream.unwrap(
      Effect.gen(function* () {
        const reply = yield* transport
          .open({ method: "GET", path, headers: { accept } })
          .pipe(Effect.mapError(fromTransport(subject)))
        return decodeWatch(reply, resource, {
          rejected: (body) => rejected(subject, reply.status, reply.headers, parseJson(body)),
          failed: (detail, reason) => errorOf(subject, detail, reason),
          broken: (error) => fromTransport(subject)(error),
        })
      }),
    )
  }

  return {
    cluster,
    server: source.server,
    get: (resource, ref, readOptions) =>
      one(
        about("get", resource, ref.namespace, ref.name),
        resource,
        "GET",
        objectPath(resource, ref),
        undefined,
        json,
        readOptions?.metadataOnly === true ? metadataOf.one : json,
      ),
    list,
    watch,
    create: (resource, body, write) =>
      one(
        about("create", resource, body.metadata.namespace, body.metadata.name),
        resource,
        "POST",
        collectionPath(resource, body.metadata.namespace) + writeQuery(write),
        body,
      ),
    update: (resource, body, write) =>
      one(
        about("update", resource, body.metadata.namespace, body.metadata.name),
        resource,
        "PUT",
        objectPath(resource, body.metadata, write?.subresource) + writeQuery(write),
        body,
      ),
    mergePatch: (resource, ref, patch, write) =>
      one(
        about("patch", resource, ref.namespace, ref.name),
        resource,
        "PATCH",
        objectPath(resource, ref, write?.subresource) + writeQuery(write),
        withPreconditions(patch, write?.uid, write?.resourceVersion),
        "application/merge-patch+json",
      ),
    apply: (resource, body, write) =>
      one(
        about("patch", resource, body.metadata.namespace, body.metadata.name),
        resource,
        "PATCH",
        objectPath(resource, body.metadata, write?.subresource) +
          writeQuery(write, { force: write?.force === true ? true : undefined }),
        body,
        "application/apply-patch+yaml",
      ),
    delete: (resource, ref, write) => deleteObject(resource, ref, write),
    getPath: (path) => exchange({ verb: "get", resource: path }, "GET", path, { accept: json }),
  }

  function deleteObject(
    resource: Resource,
    ref: ObjectRef,
    write: Parameters<KubeClient["delete"]>[2],
  ): Effect.Effect<void, ApiError> {
    const subject = about("delete", resource, ref.namespace, ref.name)
    const body = {
      kind: "DeleteOptions",
      apiVersion: "v1",
      ...(write?.propagationPolicy === undefined ? {} : { propagationPolicy: write.propagationPolicy }),
      ...(write?.dryRun === true ? { dryRun: ["All"] } : {}),
      preconditions: {
        ...(write?.uid === undefined ? {} : { uid: write.uid }),
        ...(write?.resourceVersion === undefined ? {} : { resourceVersion: write.resourceVersion }),
      },
    }
    return guarded(subject, () =>
      exchange(subject, "DELETE", objectPath(resource, ref), { accept: json, "content-type": json }, JSON.stringify(body)),
    ).pipe(Effect.asVoid)
  }
})

/** Waits as long as the server asks, `left` times; everything else is the caller's decision. */
const patiently = (once: Effect.Effect<unknown, ApiError>, left: number): Effect.Effect<unknown, ApiError> =>
  once.pipe(
    Effect.catchTag("ApiError", (error) =>
      error.reason._tag === "Throttled" && left > 0
        ? Effect.andThen(Effect.sleep(error.reason.retryAfterMs), patiently(once, left - 1))
        : Effect.fail(error),
    ),
  )

interface Page extends ObjectList {
  readonly continue: string
}

const readPage = (value: unknown, resource: Resource, wrong: () => ApiError): Effect.Effect<Page, ApiError> => {
  if (!Predicate.hasProperty(value, "metadata") || !Predicate.hasProperty(value, "items") || !Array.isArray(value.items))
    return Effect.fail(wrong())
  const text = (field: string): string =>
    Option.getOrElse(
      Option.liftPredicate(Predicate.hasProperty(value.metadata, field) ? value.metadata[field] : undefined, Predicate.isString),
      () => "",
    )
  const identity = { apiVersion: apiVersionOf(resource), kind: resource.kind }
  return Effect.succeed({
    items: value.items.filter(isObject).map((item) => ({ ...item, ...identity })),
    resourceVersion: text("resourceVersion"),
    continue: text("continue"),
  })
}

const withPreconditions = (
  patch: Readonly<Record<string, unknown>>,
  uid: string | undefined,
  resourceVersion: string | undefined,
): Readonly<Record<string, unknown>> => {
  if (uid === undefined && resourceVersion === undefined) return patch
  const metadata = Predicate.isObject(patch["metadata"]) ? patch["metadata"] : {}
  return {
    ...patch,
    metadata: {
      ...metadata,
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
  }
}
