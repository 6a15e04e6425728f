/** A watch's body: one JSON event a line, decoded as it comes, with back-pressure. */
import { Array as Arrays, Cause, Effect, Predicate, Result, Stream } from "effect"
import { constants } from "node:http2"
import { NotKubernetes } from "./api-error.ts"
import type { ApiError, ApiErrorReason } from "./api-error.ts"
import { outcomeOfStatus } from "./status-error.ts"
import type { WatchEvent } from "./kube-client.ts"
import type { KubeObject } from "./kube-object.ts"
import { identified } from "./pager.ts"
import type { Resource } from "./resource.ts"
import { fromCause, lost } from "../transport/transport-error.ts"
import type { TransportError } from "../transport/transport-error.ts"
import type { OpenReply } from "../transport/transport.ts"

/** How to say what went wrong; the caller knows what the watch is about. */
export interface WatchFailures {
  /** The server refused the watch with this body. */
  readonly rejected: (body: string) => ApiError
  readonly fault: (detail: string, reason: ApiErrorReason) => ApiError
  readonly broken: (error: TransportError) => ApiError
}

/** Marks the bookmark that ends the initial events (Kubernetes, KEP-3157). */
const initialEventsEnd = "k8s.io/initial-events-end"

/** etcd takes no request above 1.5 MiB; a line far above that is an attack on our memory. In UTF-16 units. */
const maxLineLength = 16 * 1024 * 1024
/** Of a Status. */
const maxRefusalLength = 64 * 1024

const notAnEvent = (failures: WatchFailures, what: string) =>
  Result.fail(failures.fault(what, new NotKubernetes({ status: 200 })))

/** A bookmark's object has no name: metadata is all that every event must have. */
const isWatched = (value: unknown): value is KubeObject =>
  Predicate.hasProperty(value, "metadata") && Predicate.isObject(value.metadata)

const decodeEvent = (
  line: string,
  resource: Resource,
  failures: WatchFailures,
): Result.Result<WatchEvent, ApiError> => {
  const parsed = Result.try({ try: (): unknown => JSON.parse(line), catch: () => undefined })
  const event = Result.isSuccess(parsed) ? parsed.success : undefined
  const object: unknown = Predicate.hasProperty(event, "object") ? event.object : undefined
  const type: unknown = Predicate.hasProperty(event, "type") ? event.type : undefined
  if (type === "ERROR") {
    const { detail, reason } = outcomeOfStatus(object)
    return Result.fail(failures.fault(detail, reason))
  }
  const tells = type === "ADDED" || type === "MODIFIED" || type === "DELETED"
  if (tells && Predicate.isObject(object) && !isWatched(object))
    return Result.succeed({ type: "MALFORMED", why: "it has no metadata" })
  if (!isWatched(object)) return notAnEvent(failures, "a line of the watch is no event")
  if (type === "BOOKMARK")
    return Result.succeed({
      type,
      resourceVersion: object.metadata.resourceVersion ?? "",
      initialEventsEnd: object.metadata.annotations?.[initialEventsEnd] === "true",
    })
  if (tells) return Result.succeed({ type, object: identified(object, resource) })
  return notAnEvent(failures, `a watch event of unknown type ${JSON.stringify(type)}`)
}

/** Bytes to lines, whole arrays at a time: one step of the stream is one chunk off the network, not one event. */
const makeLineSplitter = () => {
  const decoder = new TextDecoder()
  let rest = ""
  return (chunk: Uint8Array): Result.Result<ReadonlyArray<string>, undefined> => {
    const text = decoder.decode(chunk, { stream: true })
    const end = text.lastIndexOf("\n")
    if (end === -1) {
      rest += text
      return rest.length > maxLineLength ? Result.fail(undefined) : Result.succeed([])
    }
    const lines = (rest + text.slice(0, end)).split("\n")
    rest = text.slice(end + 1)
    return Result.succeed(lines)
  }
}

const decodeLines = (
  lines: ReadonlyArray<string>,
  resource: Resource,
  failures: WatchFailures,
): Result.Result<ReadonlyArray<WatchEvent>, ApiError> => {
  const events: Array<WatchEvent> = []
  for (const line of lines) {
    if (line === "" || line === "\r") continue
    const decoded = decodeEvent(line, resource, failures)
    if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
    events.push(decoded.success)
  }
  return Result.succeed(events)
}

/** After the last line: a stream that was reset, or whose session was killed, may end without an error of its own. */
const checkEnd = (reply: OpenReply, failures: WatchFailures): Effect.Effect<void, ApiError> =>
  Effect.suspend(() => {
    const { rstCode, session } = reply.stream
    const clean =
      (rstCode ?? constants.NGHTTP2_NO_ERROR) === constants.NGHTTP2_NO_ERROR && !(session?.destroyed ?? false)
    return clean ? Effect.void : Effect.fail(failures.broken(lost("the connection was closed")))
  })

const readRefusal = (bytes: Stream.Stream<Uint8Array, ApiError>, failures: WatchFailures) =>
  bytes.pipe(
    Stream.decodeText(),
    Stream.runFold(
      () => "",
      (all, chunk) => (all + chunk).slice(0, maxRefusalLength),
    ),
    Effect.flatMap((body) => Effect.fail(failures.rejected(body))),
  )

type Chunk = Arrays.NonEmptyReadonlyArray<WatchEvent>
type Step = Effect.Effect<Chunk, ApiError | Cause.Done>

/**
 * Arrays of events, one for what has come meanwhile. Read as Node's own iterator of a stream does it (`readable`, `read`, and the end at
 * `close`), but without its promises: they and the steps of a stream over them cost more than the decoding, and a watch tells of most changes one
 * by one.
 */
const pullFrom = (
  reply: OpenReply,
  failures: WatchFailures,
  decode: (bytes: Uint8Array) => Result.Result<ReadonlyArray<WatchEvent>, ApiError>,
): Step => {
  const { stream } = reply
  let failure: TransportError | undefined
  let ended = false
  let closed = stream.closed && stream.destroyed
  let waiting: (() => void) | undefined
  const lookAgain = () => {
    const look = waiting
    waiting = undefined
    look?.()
  }
  stream.on("readable", lookAgain)
  stream.once("end", () => {
    ended = true
  })
  stream.on("error", (cause) => {
    failure ??= fromCause(cause)
  })
  stream.once("close", () => {
    closed = true
    lookAgain()
  })
  const over = (): Step => {
    if (failure !== undefined) return Effect.fail(failures.broken(failure))
    if (!ended) return Effect.fail(failures.broken(lost("the connection was closed")))
    return Effect.andThen(checkEnd(reply, failures), Cause.done())
  }
  const next = (): Step | undefined => {
    for (;;) {
      const bytes: unknown = stream.destroyed ? null : stream.read()
      if (!(bytes instanceof Uint8Array)) return closed ? over() : undefined
      const events = decode(bytes)
      if (Result.isFailure(events)) return Effect.fail(events.failure)
      if (Arrays.isReadonlyArrayNonEmpty(events.success)) return Effect.succeed(events.success)
    }
  }
  return Effect.callback((resume) => {
    const look = () => {
      const step = next()
      if (step === undefined) waiting = look
      else resume(step)
    }
    look()
    return Effect.sync(() => {
      if (waiting === look) waiting = undefined
    })
  })
}

/** @returns events until the server ends the watch; an event of type ERROR, or an end that the server did not make, is a failure */
export const decodeWatch = (
  reply: OpenReply,
  resource: Resource,
  failures: WatchFailures,
): Stream.Stream<WatchEvent, ApiError> => {
  if (reply.status !== 200) {
    const bytes = Stream.fromAsyncIterable<Uint8Array, ApiError>(reply.stream, (cause) =>
      failures.broken(fromCause(cause)),
    )
    return Stream.fromEffectDrain(readRefusal(bytes, failures))
  }
  const split = makeLineSplitter()
  // Events before a failure in the same chunk are lost with it: whoever watches starts anew after a failure.
  const decode = (bytes: Uint8Array) => {
    const lines = split(bytes)
    return Result.isFailure(lines)
      ? Result.fail(failures.fault("a line of the watch is too long", new NotKubernetes({ status: 200 })))
      : decodeLines(lines.success, resource, failures)
  }
  return Stream.fromPull(Effect.sync(() => pullFrom(reply, failures, decode)))
}
