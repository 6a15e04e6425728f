/** Requests to one API server, over its one session. Knows HTTP, nothing of Kubernetes. */
import { Context, Effect, Result, Semaphore } from "effect"
import type { Scope } from "effect"
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2"
import { constants } from "node:http2"
import type { ConnectionSource, KubeconfigError } from "../config/rest-config.ts"
import { Fence } from "./fence.ts"
import { defaultTimes } from "./http2-session.ts"
import type { SessionTimes } from "./http2-session.ts"
import { makeSessions } from "./session-pool.ts"
import type { Ready } from "./session-pool.ts"
import { fenced, fromCause, lost, TransportError } from "./transport-error.ts"
import { Urgent } from "./urgent.ts"

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
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

export type ExchangeError = TransportError | KubeconfigError

export interface Transport {
  /** Where the server is now; a kubeconfig or a Secret that is read again may name another address. */
  readonly server: () => string
  readonly exchange: (request: HttpRequest) => Effect.Effect<HttpReply, ExchangeError>
  /** The stream is cancelled when the scope closes. */
  readonly open: (request: HttpRequest) => Effect.Effect<OpenReply, ExchangeError, Scope.Scope>
}

export interface TransportOptions {
  readonly source: ConnectionSource
  readonly userAgent: string
  /** Limit of one exchange in milliseconds, without what an exec plugin takes; 0: none. */
  readonly requestTimeoutMs: number
  readonly times?: SessionTimes | undefined
}

/** Servers allow 100 streams on a connection (Go's default since 2023); watches need room beside these. */
const exchangesInFlight = 64
/** Of these, for urgent ones only. */
const reservedForUrgent = 4
/** A body that is larger than any list of ours is an attack on our memory. Bytes. */
const maxBodyLength = 256 * 1024 * 1024
const tooLarge = "TOO_LARGE"
const refusedUnseen = "REFUSED_STREAM"
/** A server that goes away refuses what comes meanwhile, until it has said so. */
const maxResends = 3

/** Why a stream gave no whole answer. What the server says by REFUSED_STREAM (RFC 9113 §8.7) comes with an error of Node's or without. */
const endedEarly = (stream: ClientHttp2Stream, error?: TransportError): TransportError =>
  stream.rstCode === constants.NGHTTP2_REFUSED_STREAM
    ? new TransportError({
        kind: "unreachable",
        code: refusedUnseen,
        message: "the server refused the request for now",
        notSent: true,
      })
    : (error ?? lost("the connection was closed"))

const start = (session: ClientHttp2Session, headers: OutgoingHttpHeaders, body: string | undefined) =>
  Result.try({
    try: () => {
      const stream = session.request(headers, { endStream: body === undefined })
      // In the same turn: a stream whose error nobody hears ends the process.
      stream.on("error", () => {})
      if (body !== undefined) stream.end(body)
      return stream
    },
    catch: fromCause,
  })

const cancel = (stream: ClientHttp2Stream): void => {
  if (!stream.closed && !stream.destroyed) stream.close(constants.NGHTTP2_CANCEL)
}

/** Whether all was received: a killed session may end a body with `end` and no `error`. */
const isWhole = (stream: ClientHttp2Stream, headers: IncomingHttpHeaders, ended: boolean, bytes: number): boolean => {
  const announced = headers["content-length"]
  return (
    ended &&
    (stream.rstCode ?? constants.NGHTTP2_NO_ERROR) === constants.NGHTTP2_NO_ERROR &&
    (announced === undefined || Number(announced) === bytes)
  )
}

const noAnswer = (limitMs: number): TransportError => lost(`no answer within ${limitMs / 1000} s`, "ETIMEDOUT")

/** The hot path: one suspension a request, and a plain timer, which costs a tenth of a race of fibers. */
const exchangeOn = (
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body: string | undefined,
  limitMs: number,
  mayLeave: () => boolean,
): Effect.Effect<HttpReply, TransportError> =>
  Effect.callback((resume) => {
    if (!mayLeave()) return resume(Effect.fail(fenced()))
    const started = start(session, headers, body)
    if (Result.isFailure(started)) return resume(Effect.fail(started.failure))
    const stream = started.success
    let received: IncomingHttpHeaders | undefined
    // Bytes, put together at the end: a stream that decodes costs more, and most answers come in one piece.
    const chunks: Array<Buffer> = []
    let bytes = 0
    let ended = false
    let failure: TransportError | undefined
    const giveUp = () => {
      resume(Effect.fail(noAnswer(limitMs)))
      cancel(stream)
    }
    const timer = limitMs === 0 ? undefined : setTimeout(giveUp, limitMs)
    stream.on("response", (response) => {
      received = response
    })
    stream.on("data", (chunk: Buffer) => {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes <= maxBodyLength) return
      failure ??= lost("the answer is too large", tooLarge)
      cancel(stream)
    })
    stream.on("end", () => {
      ended = true
    })
    stream.on("error", (cause) => {
      failure ??= fromCause(cause)
    })
    stream.on("close", () => {
      clearTimeout(timer)
      if (failure === undefined && received !== undefined && isWhole(stream, received, ended, bytes)) {
        const status = Number(received[":status"] ?? 0)
        return resume(Effect.succeed({ status, headers: received, body: textOf(chunks, bytes) }))
      }
      resume(Effect.fail(endedEarly(stream, failure)))
    })
    return Effect.sync(() => {
      clearTimeout(timer)
      cancel(stream)
    })
  })

/** A character may stand across two chunks. */
const textOf = (chunks: ReadonlyArray<Buffer>, bytes: number): string => {
  const [first] = chunks
  if (first === undefined) return ""
  return (chunks.length === 1 ? first : Buffer.concat(chunks, bytes)).toString("utf8")
}

const openOn = (
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
): Effect.Effect<OpenReply, TransportError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => {
      const started = start(session, headers, undefined)
      if (Result.isFailure(started)) return Effect.fail(started.failure)
      const stream = started.success
      // Kept from the first turn on: the answer may come before anybody asks for it.
      const answer = new Promise<OpenReply>((resolve, reject) => {
        stream.once("response", (received) => resolve({ status: received[":status"] ?? 0, headers: received, stream }))
        stream.once("error", (cause) => reject(endedEarly(stream, fromCause(cause))))
        stream.once("close", () => reject(endedEarly(stream)))
      })
      answer.catch(() => {})
      return Effect.succeed({ stream, answer })
    }),
    ({ stream }) => Effect.sync(() => cancel(stream)),
  ).pipe(Effect.flatMap(({ answer }) => Effect.tryPromise({ try: () => answer, catch: fromCause })))

const openInTime = (
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  limitMs: number,
): Effect.Effect<OpenReply, TransportError, Scope.Scope> =>
  limitMs === 0
    ? openOn(session, headers)
    : Effect.timeoutOrElse(openOn(session, headers), {
        duration: limitMs,
        orElse: () => Effect.fail(noAnswer(limitMs)),
      })

const always = (): boolean => true

/** What the server has certainly not seen, and what may be asked twice: a read whose session turned out dead. */
const mayResend = (request: HttpRequest, error: TransportError): boolean =>
  error.kind === "unreachable" &&
  error.code !== "ETIMEDOUT" &&
  error.code !== tooLarge &&
  (error.notSent || request.method === "GET")

const headersFor = (request: HttpRequest, ready: Ready): OutgoingHttpHeaders => ({
  ":method": request.method,
  ":path": ready.prefix + request.path,
  ...ready.headers,
  ...request.headers,
})

/** Opens no connection yet; closes what it opened when the scope closes. */
export const makeTransport = Effect.fnUntraced(function* (
  options: TransportOptions,
): Effect.fn.Return<Transport, never, Scope.Scope> {
  const limit = options.requestTimeoutMs
  const times = options.times ?? defaultTimes
  const connectMs = limit === 0 ? times.connectMs : Math.min(times.connectMs, limit)
  const sessions = yield* makeSessions(options.source, options.userAgent, { ...times, connectMs })
  const slots = yield* Semaphore.make(exchangesInFlight - reservedForUrgent)
  const urgentSlots = yield* Semaphore.make(reservedForUrgent)

  /** Sends, again where that is safe, and with new credentials what was answered by 401. */
  const attempt = <Reply extends { readonly status: number }, R>(
    request: HttpRequest,
    send: (session: ClientHttp2Session, headers: OutgoingHttpHeaders) => Effect.Effect<Reply, TransportError, R>,
  ): Effect.Effect<Reply, ExchangeError, R> => {
    const on = (ready: Ready, left: number): Effect.Effect<Reply, ExchangeError, R> =>
      Effect.catchTag(send(ready.session, headersFor(request, ready)), "TransportError", (error) => {
        if (left === 0 || !mayResend(request, error)) return Effect.fail(error)
        if (error.code === refusedUnseen) sessions.retire(ready.session)
        return Effect.flatMap(sessions.get, (next) => on(next, error.notSent ? left - 1 : 0))
      })
    return Effect.flatMap(sessions.get, (ready) =>
      Effect.filterOrElse(
        on(ready, maxResends),
        (reply) => reply.status !== 401,
        (reply) =>
          Effect.flatMap(sessions.renew(ready.credentials), (renewed) =>
            renewed ? Effect.flatMap(sessions.get, (next) => on(next, maxResends)) : Effect.succeed(reply),
          ),
      ),
    )
  }

  return {
    server: sessions.server,
    exchange: (request) =>
      Effect.contextWith((context: Context.Context<never>) => {
        const mayLeave = request.method === "GET" ? always : Context.get(context, Fence)
        const places = Context.get(context, Urgent) ? urgentSlots : slots
        return places.withPermits(1)(
          attempt(request, (session, headers) => exchangeOn(session, headers, request.body, limit, mayLeave)),
        )
      }),
    open: (request) => attempt(request, (session, headers) => openInTime(session, headers, limit)),
  }
})
