/**
 * Requests to one API server: over one session that is opened on demand and replaced when it dies or its credentials
 * change. Knows HTTP, nothing of Kubernetes.
 */
import { Clock, Effect, Scope, Semaphore } from "effect"
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2"
import { constants } from "node:http2"
import type { ConnectionSource, Credentials, KubeconfigError } from "./connection-source.ts"
import { defaultTimes, openSession } from "./session.ts"
import type { SessionTimes } from "./session.ts"
import { fromCause, lost, TransportError } from "./transport-error.ts"

export interface HttpRequest {
  readonly method: string
  /** With query, without the server's path prefix. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
}

export interface HttpReply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A reply whose body has not been read yet. */
export interface OpenReply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly stream: ClientHttp2Stream
}

export interface Transport {
  readonly exchange: (request: HttpRequest) => Effect.Effect<HttpReply, TransportError | KubeconfigError>
  /** The stream is cancelled when the scope closes. */
  readonly open: (request: HttpRequest) => Effect.Effect<OpenReply, TransportError | KubeconfigError, Scope.Scope>
}

export interface TransportOptions {
  readonly source: ConnectionSource
  readonly userAgent: string
  /** Limit of one exchange in milliseconds; 0: none. */
  readonly requestTimeoutMs: number
  readonly times?: SessionTimes
}

/** Below the 100 streams that servers allow on a connection, leaving room for watches (effect: writes queue here, not there). */
const exchangesInFlight = 64
const credentialsMaxAgeMs = 60_000
/** A body that is larger than any list of ours is an attack on our memory. */
const maxBodyLength = 256 * 1024 * 1024

interface Live {
  readonly session: ClientHttp2Session
  readonly fingerprint: string
}

const fingerprintOf = ({ ca, cert, key }: Credentials): string => [ca, cert, key].join("\n")

/** Credentials and session of one source, renewed as needed; single-flight. */
const makeSessions = Effect.fnUntraced(function* (options: TransportOptions) {
  const { source } = options
  const lock = yield* Semaphore.make(1)
  let cached: { readonly value: Credentials; readonly at: number } | undefined
  let live: Live | undefined

  const credentials = (fresh: boolean) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      if (!fresh && cached !== undefined && now - cached.at < credentialsMaxAgeMs) return cached.value
      const value = yield* source.credentials
      cached = { value, at: now }
      return value
    })

  const isUsable = ({ session }: Live) => !session.closed && !session.destroyed

  const acquire = (fresh: boolean) =>
    Effect.gen(function* () {
      const current = yield* credentials(fresh)
      const fingerprint = fingerprintOf(current)
      if (live !== undefined && isUsable(live) && live.fingerprint === fingerprint)
        return { session: live.session, credentials: current }
      // Graceful: watches of the old session go on until they end by themselves.
      if (live !== undefined && isUsable(live)) live.session.close()
      const session = yield* openSession(source, current, options.times ?? defaultTimes)
      live = { session, fingerprint }
      return { session, credentials: current }
    })

  yield* Effect.addFinalizer(() => Effect.sync(() => live?.session.destroy()))

  /** The usual case, without a lock or a suspension. */
  const ready = (now: number) =>
    live !== undefined && isUsable(live) && cached !== undefined && now - cached.at < credentialsMaxAgeMs
      ? { session: live.session, credentials: cached.value }
      : undefined

  return {
    get: (fresh: boolean) =>
      Effect.clockWith((clock) => {
        const at = fresh ? undefined : ready(clock.currentTimeMillisUnsafe())
        return at === undefined ? lock.withPermits(1)(acquire(fresh)) : Effect.succeed(at)
      }),
  }
})

const headersFor = (
  options: TransportOptions,
  prefix: string,
  request: HttpRequest,
  credentials: Credentials,
): OutgoingHttpHeaders => {
  const own = Object.entries(credentials.headers).map(
    ([name, value]) => [name, typeof value === "string" ? value : [...value]] as const,
  )
  return {
    ":method": request.method,
    ":path": prefix + request.path,
    "user-agent": options.userAgent,
    ...Object.fromEntries(own),
    ...request.headers,
  }
}

/** How a stream ended that gave no whole answer. A killed session may end one with `end` and no `error`. */
const endedEarly = (stream: ClientHttp2Stream): TransportError =>
  stream.rstCode === constants.NGHTTP2_REFUSED_STREAM
    ? new TransportError({ kind: "unreachable", code: "REFUSED_STREAM", message: "the server refused the request for now", notSent: true })
    : lost("the connection was closed")

const start = (
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body: string | undefined,
): ClientHttp2Stream => {
  const stream = session.request(headers, { endStream: body === undefined })
  if (body !== undefined) stream.end(body)
  return stream
}

const cancel = (stream: ClientHttp2Stream) =>
  Effect.sync(() => {
    if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL)
  })

const exchangeOn = (
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body: string | undefined,
): Effect.Effect<HttpReply, TransportError> =>
  Effect.callback((resume) => {
    let reply: { readonly status: number; readonly headers: IncomingHttpHeaders } | undefined
    let text = ""
    let failure: TransportError | undefined
    let stream: ClientHttp2Stream
    try {
      stream = start(session, headers, body)
    } catch (cause) {
      return resume(Effect.fail(fromCause(cause)))
    }
    stream.setEncoding("utf8")
    stream.on("response", (received) => {
      reply = { status: Number(received[":status"] ?? 0), headers: received }
    })
    stream.on("data", (chunk: string) => {
      text += chunk
      if (text.length > maxBodyLength) {
        failure = lost("the answer is too large")
        stream.close(constants.NGHTTP2_CANCEL)
      }
    })
    stream.on("error", (cause) => {
      failure ??= fromCause(cause)
    })
    stream.on("close", () => {
      if (failure === undefined && reply !== undefined && stream.rstCode === constants.NGHTTP2_NO_ERROR)
        return resume(Effect.succeed({ ...reply, body: text }))
      resume(Effect.fail(failure ?? endedEarly(stream)))
    })
    return cancel(stream)
  })

const openOn = (
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
): Effect.Effect<OpenReply, TransportError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({ try: () => start(session, headers, undefined).on("error", () => {}), catch: fromCause }),
    cancel,
  ).pipe(
    Effect.flatMap((stream) =>
      Effect.callback<OpenReply, TransportError>((resume) => {
        stream.once("response", (received) =>
          resume(Effect.succeed({ status: Number(received[":status"] ?? 0), headers: received, stream })),
        )
        stream.once("error", (cause) => resume(Effect.fail(fromCause(cause))))
        stream.once("close", () => resume(Effect.fail(endedEarly(stream))))
      }),
    ),
  )

/** Opens no connection yet; closes what it opened when the scope closes. */
export const makeTransport = Effect.fnUntraced(function* (
  options: TransportOptions,
): Effect.fn.Return<Transport, never, Scope.Scope> {
  const sessions = yield* makeSessions(options)
  const slots = yield* Semaphore.make(exchangesInFlight)
  const { pathname } = new URL(options.source.server)
  const prefix = pathname === "/" ? "" : pathname

  /** Sends once more what the server has certainly not seen (the session had just died), and, with new credentials, after a 401. */
  const attempt = <Reply extends { readonly status: number }, R>(
    request: HttpRequest,
    send: (session: ClientHttp2Session, headers: OutgoingHttpHeaders) => Effect.Effect<Reply, TransportError, R>,
  ) => {
    const once = (fresh: boolean) =>
      Effect.flatMap(sessions.get(fresh), ({ session, credentials }) =>
        send(session, headersFor(options, prefix, request, credentials)),
      )
    return once(false).pipe(
      Effect.catchTag("TransportError", (error) =>
        error.notSent && error.kind === "unreachable" && error.code !== "ECONNREFUSED" ? once(false) : Effect.fail(error),
      ),
      Effect.flatMap((reply) => (reply.status === 401 ? once(true) : Effect.succeed(reply))),
    )
  }

  const limit = options.requestTimeoutMs
  const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    limit === 0
      ? effect
      : Effect.timeoutOrElse(effect, {
          duration: limit,
          orElse: () => Effect.fail(lost(`no answer within ${limit / 1000} s`, "ETIMEDOUT")),
        })

  return {
    exchange: (request) =>
      slots.withPermits(1)(
        inTime(attempt(request, (session, headers) => exchangeOn(session, headers, request.body))),
      ),
    open: (request) => inTime(attempt(request, openOn)),
  }
})
