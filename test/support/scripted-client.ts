/** A KubeClient whose watches and lists a test plays by hand: no server, no time of its own. */
import { type Cause, Effect, Queue, Stream } from "effect"
import { ApiError, type ApiErrorReason } from "../../src/effects/client/api-error.ts"
import type {
  KubeClient,
  ObjectList,
  Selection,
  WatchEvent,
  WatchOptions,
} from "../../src/effects/client/kube-client.ts"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { qualifiedName, type Resource } from "../../src/effects/client/resource.ts"
import { makeStreamingLists } from "../../src/effects/client/streaming-lists.ts"

/** One watch that the client under test has opened. */
export interface OpenWatch {
  readonly options: WatchOptions
  readonly send: (...events: ReadonlyArray<WatchEvent>) => void
  /** A normal end, as after `timeoutSeconds`. */
  readonly end: () => void
  /** A broken connection, or an ERROR event. */
  readonly fail: (reason: ApiErrorReason) => void
  /** Whether the client has cancelled it, or its end has been read. */
  readonly isClosed: () => boolean
}

export interface ScriptedClient {
  readonly client: KubeClient
  /** Waits for the next watch to be opened. */
  readonly nextWatch: Effect.Effect<OpenWatch>
  /** How many watches were opened, refused ones included. */
  readonly opened: () => number
  /** What the next watches are refused with, one each, before any is opened again. */
  readonly refuseWatches: (...reasons: ReadonlyArray<ApiErrorReason>) => void
  /** Answers of the next lists; a list without an answer is a defect. */
  readonly answerLists: (...answers: ReadonlyArray<ObjectList | ApiErrorReason>) => void
  readonly lists: () => ReadonlyArray<Selection | undefined>
}

export const scriptedError = (reason: ApiErrorReason, verb = "watch", resource = "tests"): ApiError =>
  new ApiError({ cluster: "virtual", server: "https://scripted:443", verb, resource, detail: reason._tag, reason })

export const added = (object: KubeObject): WatchEvent => ({ type: "ADDED", object })
export const modified = (object: KubeObject): WatchEvent => ({ type: "MODIFIED", object })
export const deleted = (object: KubeObject): WatchEvent => ({ type: "DELETED", object })
export const bookmark = (resourceVersion: string): WatchEvent => ({
  type: "BOOKMARK",
  resourceVersion,
  initialEventsEnd: false,
})
/** Closes a streaming list. */
export const listEnd = (resourceVersion: string): WatchEvent => ({
  type: "BOOKMARK",
  resourceVersion,
  initialEventsEnd: true,
})

const unscripted = (what: string) => () => Effect.die(new Error(`${what} is not scripted`))

const openWatch = (options: WatchOptions, events: Queue.Queue<WatchEvent, ApiError | Cause.Done>) => {
  let closed = false
  const watch: OpenWatch = {
    options,
    send: (...sent) => void Queue.offerAllUnsafe(events, sent),
    end: () => void Queue.endUnsafe(events),
    fail: (reason) => void Effect.runSync(Queue.fail(events, scriptedError(reason))),
    isClosed: () => closed,
  }
  const close = () => {
    closed = true
  }
  return { watch, stream: Stream.fromQueue(events).pipe(Stream.ensuring(Effect.sync(close))) }
}

export const makeScriptedClient: Effect.Effect<ScriptedClient> = Effect.gen(function* () {
  const watches = yield* Queue.unbounded<OpenWatch>()
  const refusals: Array<ApiErrorReason> = []
  const answers: Array<ObjectList | ApiErrorReason> = []
  const lists: Array<Selection | undefined> = []
  let opened = 0

  const watch = (resource: Resource, options: WatchOptions): Stream.Stream<WatchEvent, ApiError> =>
    Stream.unwrap(
      Effect.gen(function* () {
        opened++
        const refusal = refusals.shift()
        if (refusal !== undefined) {
          return yield* scriptedError(refusal, "watch", qualifiedName(resource))
        }
        const next = openWatch(options, yield* Queue.unbounded<WatchEvent, ApiError | Cause.Done>())
        yield* Queue.offer(watches, next.watch)
        return next.stream
      }),
    )

  const list = (resource: Resource, selection?: Selection): Effect.Effect<ObjectList, ApiError> =>
    Effect.suspend(() => {
      lists.push(selection)
      const answer = answers.shift()
      if (answer === undefined) {
        return Effect.die(new Error("a list that is not scripted"))
      }
      return "items" in answer
        ? Effect.succeed(answer)
        : Effect.fail(scriptedError(answer, "list", qualifiedName(resource)))
    })

  return {
    client: {
      cluster: "virtual",
      server: "https://scripted:443",
      listStreaming: makeStreamingLists("virtual"),
      watch,
      list,
      get: unscripted("get"),
      create: unscripted("create"),
      update: unscripted("update"),
      mergePatch: unscripted("mergePatch"),
      jsonPatch: unscripted("jsonPatch"),
      apply: unscripted("apply"),
      delete: unscripted("delete"),
      getPath: unscripted("getPath"),
    },
    nextWatch: Queue.take(watches),
    opened: () => opened,
    refuseWatches: (...reasons) => void refusals.push(...reasons),
    answerLists: (...next) => void answers.push(...next),
    lists: () => lists,
  }
})
