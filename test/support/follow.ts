/** What a watch tells of a kind, event by event, from a client that is no relative of the one under test. */
import { Agent } from "node:https"
import { Deferred, Effect, Schedule, type Scope } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { objectKey } from "../../src/effects/client/kube-object.ts"
import type { Selection } from "../../src/effects/client/kube-client.ts"
import type { Resource } from "../../src/effects/client/resource.ts"
import { stringAt } from "../../src/effects/client/unstructured.ts"
import { isObject, itemsOf, type Kube, mayPass, pathOf, query } from "./kube.ts"
import { KubeError } from "./kube-error.ts"
import { refusal, type Request, watchEvents } from "./kube-http.ts"

export interface Sight {
  readonly type: "ADDED" | "MODIFIED" | "DELETED"
  readonly object: KubeObject
}

/** What was known before a list, against the list: a gap between two watches hides no absence, for what was made anew has another UID. */
export const sightsOfList = (
  known: ReadonlyMap<string, KubeObject>,
  listed: ReadonlyArray<KubeObject>,
): ReadonlyArray<Sight> => {
  const now = new Map(listed.map((object) => [objectKey(object), object]))
  const isSame = (left: KubeObject, right: KubeObject | undefined) => left.metadata.uid === right?.metadata.uid
  const gone = [...known].flatMap(([key, object]): ReadonlyArray<Sight> =>
    isSame(object, now.get(key)) ? [] : [{ type: "DELETED", object }],
  )
  const there = [...now].flatMap(([key, object]): ReadonlyArray<Sight> => {
    const before = known.get(key)
    if (before === undefined || !isSame(object, before)) return [{ type: "ADDED", object }]
    return before.metadata.resourceVersion === object.metadata.resourceVersion ? [] : [{ type: "MODIFIED", object }]
  })
  return [...gone, ...there]
}

const isType = (type: unknown): type is Sight["type"] => type === "ADDED" || type === "MODIFIED" || type === "DELETED"

const toKubeError = (cause: unknown): KubeError =>
  cause instanceof KubeError ? cause : new KubeError({ status: 0, reason: "Defect", message: String(cause) })

/**
 * Tells `see` of every object that is there, and of every change from then on, in order, until the scope closes. Returns when it has told of those
 * that are there. An API server that restarts is outlived.
 *
 * @param see must neither wait nor throw
 */
export const follow = Effect.fnUntraced(function* (
  kube: Kube,
  resource: Resource,
  selection: Selection,
  see: (sight: Sight) => void,
): Effect.fn.Return<void, KubeError, Scope.Scope> {
  const agent = yield* Effect.acquireRelease(
    Effect.sync(() => new Agent({ keepAlive: true })),
    (made) => Effect.sync(() => made.destroy()),
  )
  const known = new Map<string, KubeObject>()
  const note = (sight: Sight) => {
    if (sight.type === "DELETED") known.delete(objectKey(sight.object))
    else known.set(objectKey(sight.object), sight.object)
    see(sight)
  }
  const collection = pathOf(resource, selection.namespace)
  const list = Effect.gen(function* () {
    const request: Request = { method: "GET", path: collection + query(selection) }
    const answer = yield* kube.request(request)
    if (answer.status !== 200) return yield* refusal(request, answer)
    for (const sight of sightsOfList(known, itemsOf(resource, answer.body))) note(sight)
    return stringAt(answer.body, "metadata", "resourceVersion") ?? "0"
  })
  const watch = async (from: string, signal: AbortSignal): Promise<void> => {
    const path = collection + query(selection, { watch: "true", resourceVersion: from })
    for await (const { type, object } of watchEvents(kube.connection, agent, path, signal)) {
      if (!isType(type) || !isObject(object)) return
      note({ type, object })
    }
  }
  const stands = yield* Deferred.make<void, KubeError>()
  const round = Effect.gen(function* () {
    const from = yield* list
    yield* Deferred.succeed(stands, undefined)
    yield* Effect.tryPromise({ try: (signal) => watch(from, signal), catch: toKubeError })
  })
  yield* round.pipe(
    Effect.retry({ while: mayPass, schedule: Schedule.spaced("50 millis") }),
    Effect.forever,
    Effect.onError((cause) => Deferred.failCause(stands, cause)),
    Effect.forkScoped({ startImmediately: true }),
  )
  yield* Deferred.await(stands)
})
