/** The client of tests, demo and bench: small, and no relative of the client under test. */
import { Agent } from "node:https"
import { setTimeout as delay } from "node:timers/promises"
import { Duration, Effect } from "effect"
import type { ObjectRef, Selection } from "../../src/effects/client/kube-client.ts"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { apiVersionOf, qualifiedName, type Resource } from "../../src/effects/client/resource.ts"
import { KubeError } from "./kube-error.ts"
import { type Answer, type Connection, refusal, type Request, send, watchEvents } from "./kube-http.ts"

export interface Wait {
  /** Default: 60 seconds. */
  readonly timeout?: Duration.Input
  /** What is waited for, in the words of the error. */
  readonly what?: string
}

/** A partial object, sent as a merge patch (RFC 7386). */
export type Patch = Readonly<Record<string, unknown>>

export interface Kube {
  readonly connection: Connection
  /** Any request; any answer is a success, only no answer is an error. */
  readonly request: (request: Request) => Effect.Effect<Answer, KubeError>
  readonly get: (resource: Resource, ref: ObjectRef) => Effect.Effect<KubeObject, KubeError>
  /** `undefined` where {@link get} fails with 404. */
  readonly find: (resource: Resource, ref: ObjectRef) => Effect.Effect<KubeObject | undefined, KubeError>
  readonly list: (resource: Resource, selection?: Selection) => Effect.Effect<ReadonlyArray<KubeObject>, KubeError>
  readonly create: (resource: Resource, body: KubeObject) => Effect.Effect<KubeObject, KubeError>
  /** PUT; `subresource` e.g. `status`. */
  readonly update: (resource: Resource, body: KubeObject, subresource?: string) => Effect.Effect<KubeObject, KubeError>
  /** Server-side apply with force; the field manager is `test` unless given. */
  readonly apply: (resource: Resource, body: KubeObject, manager?: string) => Effect.Effect<KubeObject, KubeError>
  readonly patch: (
    resource: Resource,
    ref: ObjectRef,
    patch: Patch,
    subresource?: string,
  ) => Effect.Effect<KubeObject, KubeError>
  readonly delete: (
    resource: Resource,
    ref: ObjectRef,
    propagationPolicy?: "Background" | "Foreground" | "Orphan",
  ) => Effect.Effect<void, KubeError>
  /**
   * Waits by watching until the object exists and `accept` is true; gives that state.
   * Outlives an API server that restarts and a kind that is not served yet; fails with reason `Timeout`, telling the last state seen.
   */
  readonly waitFor: (
    resource: Resource,
    ref: ObjectRef,
    accept?: (object: KubeObject) => boolean,
    wait?: Wait,
  ) => Effect.Effect<KubeObject, KubeError>
  readonly waitUntilGone: (resource: Resource, ref: ObjectRef, wait?: Wait) => Effect.Effect<void, KubeError>
  /** As {@link waitFor}, for all objects of a selection together. */
  readonly waitForList: (
    resource: Resource,
    selection: Selection,
    accept: (objects: ReadonlyArray<KubeObject>) => boolean,
    wait?: Wait,
  ) => Effect.Effect<ReadonlyArray<KubeObject>, KubeError>
}

/** Path of a collection, or of one object with a name. */
export const pathOf = (resource: Resource, namespace?: string, name?: string, subresource?: string): string =>
  [
    resource.group === "" ? "/api" : "/apis",
    apiVersionOf(resource),
    ...(namespace === undefined ? [] : ["namespaces", encodeURIComponent(namespace)]),
    resource.plural,
    ...(name === undefined ? [] : [encodeURIComponent(name)]),
    ...(subresource === undefined ? [] : [subresource]),
  ].join("/")

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export const isObject = (value: unknown): value is KubeObject =>
  isRecord(value) && isRecord(value["metadata"]) && typeof value["metadata"]["name"] === "string"

/** The query of a list or watch. */
export const query = (selection: Selection, extra: Readonly<Record<string, string>> = {}): string => {
  const parameters = new URLSearchParams(extra)
  if (selection.labelSelector !== undefined) parameters.set("labelSelector", selection.labelSelector)
  if (selection.fieldSelector !== undefined) parameters.set("fieldSelector", selection.fieldSelector)
  return parameters.size === 0 ? "" : `?${parameters.toString()}`
}

/** Longer than ESO and a syncer that was refused for a while (30 seconds at most between two tries) need on a slow machine. */
const patience = "60 seconds"

const toKubeError = (cause: unknown): KubeError =>
  cause instanceof KubeError ? cause : new KubeError({ status: 0, reason: "Defect", message: String(cause) })

/** Items of a list, which come without the apiVersion and kind that they have when read one by one. */
export const itemsOf = (resource: Resource, body: unknown): ReadonlyArray<KubeObject> => {
  const items = isRecord(body) && Array.isArray(body["items"]) ? body["items"] : []
  const type = { apiVersion: apiVersionOf(resource), kind: resource.kind }
  return items.filter(isObject).map((item) => ({ ...type, ...item }))
}

/** 404 among them: a CRD that is not there yet. */
export const mayPass = (error: KubeError): boolean => [0, 404, 410, 429].includes(error.status) || error.status >= 500

class Waiter {
  readonly #connection: Connection
  readonly #agent: Agent
  readonly #resource: Resource
  readonly #selection: Selection
  readonly #accept: (objects: ReadonlyArray<KubeObject>) => boolean
  readonly seen = new Map<string, KubeObject>()

  constructor(
    connection: Connection,
    agent: Agent,
    resource: Resource,
    selection: Selection,
    accept: (objects: ReadonlyArray<KubeObject>) => boolean,
  ) {
    this.#connection = connection
    this.#agent = agent
    this.#resource = resource
    this.#selection = selection
    this.#accept = accept
  }

  async run(signal: AbortSignal): Promise<ReadonlyArray<KubeObject>> {
    const met = await this.#round(signal).catch(async (cause: unknown) => {
      const error = toKubeError(cause)
      if (signal.aborted || !mayPass(error)) throw error
      await delay(100, undefined, { signal })
      return false
    })
    return met ? this.#objects() : this.run(signal)
  }

  /** One list, and one watch from there; false when the watch ended first. */
  async #round(signal: AbortSignal): Promise<boolean> {
    const collection = pathOf(this.#resource, this.#selection.namespace)
    const request: Request = { method: "GET", path: collection + query(this.#selection) }
    const answer = await send(this.#connection, this.#agent, request, signal)
    if (answer.status !== 200) throw refusal(request, answer)
    this.seen.clear()
    for (const item of itemsOf(this.#resource, answer.body)) this.#note("ADDED", item)
    if (this.#accept(this.#objects())) return true
    const metadata = isRecord(answer.body) && isRecord(answer.body["metadata"]) ? answer.body["metadata"] : {}
    const from = { watch: "true", resourceVersion: String(metadata["resourceVersion"]) }
    const path = collection + query(this.#selection, from)
    for await (const event of watchEvents(this.#connection, this.#agent, path, signal)) {
      if (!isObject(event.object)) return false
      this.#note(event.type, event.object)
      if (this.#accept(this.#objects())) return true
    }
    return false
  }

  #objects(): ReadonlyArray<KubeObject> {
    return [...this.seen.values()]
  }

  #note(type: unknown, object: KubeObject): void {
    const key = `${object.metadata.namespace ?? ""}/${object.metadata.name}`
    if (type === "DELETED") this.seen.delete(key)
    else this.seen.set(key, object)
  }
}

const timedOut = (waiter: Waiter, resource: Resource, selection: Selection, wait: Wait): KubeError => {
  const timeout = Duration.format(Duration.fromInputUnsafe(wait.timeout ?? patience))
  const last = JSON.stringify([...waiter.seen.values()].slice(0, 3), (key, value) =>
    key === "managedFields" ? undefined : value,
  )
  const where = [selection.namespace, selection.fieldSelector, selection.labelSelector].filter(Boolean).join(" ")
  return new KubeError({
    status: 0,
    reason: "Timeout",
    message: `${wait.what ?? "condition"} not met within ${timeout} on ${qualifiedName(resource)} ${where}; last seen: ${last.slice(0, 4000)}`,
  })
}

const bodyPath = (resource: Resource, body: KubeObject, named: boolean, subresource?: string): string =>
  pathOf(resource, body.metadata.namespace, named ? body.metadata.name : undefined, subresource)

const oneOnly = (ref: ObjectRef): Selection => ({
  namespace: ref.namespace,
  fieldSelector: `metadata.name=${ref.name}`,
})

/** A client for one API server. Connections are kept open but hold no process alive. */
export const makeKube = (connection: Connection): Kube => {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const request = (what: Request) =>
    Effect.tryPromise({ try: (signal) => send(connection, agent, what, signal), catch: toKubeError })
  const answered = Effect.fnUntraced(function* (what: Request): Effect.fn.Return<unknown, KubeError> {
    const answer = yield* request(what)
    if (answer.status >= 300) return yield* refusal(what, answer)
    return answer.body
  })
  const object = Effect.fnUntraced(function* (what: Request): Effect.fn.Return<KubeObject, KubeError> {
    const body = yield* answered(what)
    if (!isObject(body)) return yield* refusal(what, { status: 200, body })
    return body
  })
  const get: Kube["get"] = (resource, ref) => object({ method: "GET", path: pathOf(resource, ref.namespace, ref.name) })
  const waitForList: Kube["waitForList"] = (resource, selection, accept, wait = {}) =>
    Effect.suspend(() => {
      const waiter = new Waiter(connection, agent, resource, selection, accept)
      return Effect.tryPromise({ try: (signal) => waiter.run(signal), catch: toKubeError }).pipe(
        Effect.timeoutOrElse({
          duration: wait.timeout ?? patience,
          orElse: () => Effect.fail(timedOut(waiter, resource, selection, wait)),
        }),
      )
    })
  return {
    connection,
    request,
    get,
    find: (resource, ref) =>
      get(resource, ref).pipe(
        Effect.catchIf(
          (error) => error.status === 404,
          () => Effect.undefined,
        ),
      ),
    list: (resource, selection = {}) =>
      answered({ method: "GET", path: pathOf(resource, selection.namespace) + query(selection) }).pipe(
        Effect.map((body) => itemsOf(resource, body)),
      ),
    create: (resource, body) => object({ method: "POST", path: bodyPath(resource, body, false), body }),
    update: (resource, body, subresource) =>
      object({ method: "PUT", path: bodyPath(resource, body, true, subresource), body }),
    apply: (resource, body, manager = "test") =>
      object({
        method: "PATCH",
        path: `${bodyPath(resource, body, true)}?force=true&fieldManager=${encodeURIComponent(manager)}`,
        body,
        contentType: "application/apply-patch+yaml",
      }),
    patch: (resource, ref, body, subresource) =>
      object({
        method: "PATCH",
        path: pathOf(resource, ref.namespace, ref.name, subresource),
        body,
        contentType: "application/merge-patch+json",
      }),
    delete: (resource, ref, propagationPolicy = "Background") =>
      Effect.asVoid(
        answered({
          method: "DELETE",
          path: pathOf(resource, ref.namespace, ref.name),
          body: { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy },
        }),
      ),
    waitForList,
    waitFor: (resource, ref, accept = () => true, wait) =>
      waitForList(resource, oneOnly(ref), ([found]) => found !== undefined && accept(found), wait).pipe(
        Effect.flatMap(([found]) =>
          found === undefined ? Effect.fail(toKubeError("accepted, but not there")) : Effect.succeed(found),
        ),
      ),
    waitUntilGone: (resource, ref, wait) =>
      Effect.asVoid(waitForList(resource, oneOnly(ref), (objects) => objects.length === 0, wait)),
  }
}
