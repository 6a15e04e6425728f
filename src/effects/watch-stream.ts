/** A watch's body: one JSON event a line, decoded as it comes, with back-pressure. */
import { Effect, Predicate, Result, Stream } from "effect"
import { constants } from "node:http2"
import { NotKubernetes } from "./api-error.ts"
import type { ApiError, ApiErrorReason } from "./api-error.ts"
import { outcomeOfStatus } from "./api-status.ts"
import type { WatchEvent } from "./kube-client.ts"
import type { KubeObject } from "./kube-object.ts"
import { apiVersionOf } from "./resource.ts"
import type { Resource } from "./resource.ts"
import { fromCause, lost } from "./transport-error.ts"
import type { TransportError } from "./transport-error.ts"
import type { OpenReply } from "./transport.ts"

/** How to say what went wrong; the caller knows what the watch is about. */
export interface WatchFailures {
  /** The server refused the watch with this body. */
  readonly rejected: (body: string) => ApiError
  readonly failed: (detail: string, reason: ApiErrorReason) => ApiError
  readonly broken: (error: TransportError) => ApiError
}

/** Marks the bookmark that ends the initial events (Kubernetes, KEP-3157). */
const initialEventsEnd = "k8s.io/initial-events-end"

const decodeEvent = (line: string, resource: Resource, failures: WatchFailures): Result.Result<WatchEvent, ApiError> => {
  const parsed = Result.try((): unknown => JSON.parse(line))
  const event = Result.isSuccess(parsed) ? parsed.success : undefined
  const object: unknown = Predicate.hasProperty(event, "object") ? event.object : undefined
  const type: unknown = Predicate.hasProperty(event, "type") ? event.type : undefined
  if (type === "ERROR") {
    const { detail, reason } = outcomeOfStatus(object)
    return Result.fail(failures.failed(detail, reason))
  }
  if (!isWatched(object)) return Result.fail(failures.failed("a line of the watch is no event", new NotKubernetes({ status: 200 })))
  if (type === "BOOKMARK")
    return Result.succeed({
      type,
      resourceVersion: object.metadata.resourceVersion ?? "",
      initialEventsEnd: object.metadata.annotations?.[initialEventsEnd] === "true",
    })
  if (type === "ADDED" || type === "MODIFIED" || type === "DELETED")
    return Result.succeed({
      type,
      object: { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind },
    })
  return Result.fail(failures.failed(`a watch event of unknown type ${JSON.stringify(type)}`, new NotKubernetes({ status: 200 })))
}

/** A bookmark's object has no name: metadata is all that every event must have. */
const isWatched = (value: unknown): value is KubeObject =>
  Predicate.hasProperty(value, "metadata") && Predicate.isObject(value.metadata)

/** After the last line: a stream that was reset, or whose session was killed, ends without an error of its own. */
const checkEnd = (reply: OpenReply, failures: WatchFailures): Effect.Effect<void, ApiError> =>
  Effect.suspend(() => {
    const { rstCode } = reply.stream
    const clean = rstCode === undefined || rstCode === constants.NGHTTP2_NO_ERROR
    return clean && reply.stream.readableEnded && !(reply.stream.session?.destroyed ?? false)
      ? Effect.void
      : Effect.fail(failures.broken(lost("the connection was closed")))
  })

export const decodeWatch = (
  reply: OpenReply,
  resource: Resource,
  failures: WatchFailures,
): Stream.Stream<WatchEvent, ApiError> => {
  const text = Stream.fromAsyncIterable<Uint8Array, ApiError>(reply.stream, (cause) =>
    failures.broken(fromCause(cause)),
  ).pipe(Stream.decodeText())
  if (reply.status !== 200)
    return Stream.unwrap(
      text.pipe(
        Stream.runFold(
          () => "",
          (all, chunk) => all + chunk,
        ),
        Effect.flatMap((body) => Effect.fail(failures.rejected(body))),
      ),
    )
  return text.pipe(
    Stream.splitLines,
    Stream.filter((line) => line !== ""),
    Stream.mapEffect((line) => {
      const decoded = decodeEvent(line, resource, failures)
      return Result.isSuccess(decoded) ? Effect.succeed(decoded.success) : Effect.fail(decoded.failure)
    }),
    Stream.concat(Stream.fromEffectDrain(checkEnd(reply, failures))),
  )
}
