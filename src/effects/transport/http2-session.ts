/**
 * One HTTP/2 session to one API server, from the TCP connection to its end. It is found dead by pings; `transport.ts` opens it on
 * demand and replaces it. Here is only its life.
 *
 * Rules that cost time to find: no `setLocalWindowSize` (under Bun a body larger than the window stalls for ever); errors come
 * before "connect", so all listeners are set in the same turn.
 */
import { Effect, Predicate, Result } from "effect"
import { createPrivateKey, X509Certificate } from "node:crypto"
import * as http2 from "node:http2"
import { isIP } from "node:net"
import type { Socket } from "node:net"
import * as tls from "node:tls"
import type { ConnectionSource, Credentials } from "../config/rest-config.ts"
import { openTunnel, proxyFor, withoutBrackets } from "./proxy.ts"
import { systemAuthorities } from "./system-authorities.ts"
import { fromCause, lost, TransportError } from "./transport-error.ts"

/** Milliseconds. */
export interface SessionTimes {
  readonly connectMs: number
  /** A ping this often … */
  readonly pingEveryMs: number
  /** … and the session is dead when one stays unanswered for this long. */
  readonly pingTimeoutMs: number
}

/** client-go's values (30 s dial timeout, 30 s `ReadIdleTimeout`, 15 s `PingTimeout`). */
export const defaultTimes: SessionTimes = { connectMs: 30_000, pingEveryMs: 30_000, pingTimeoutMs: 15_000 }

/** Undefined: the runtime's own. */
const authorities = (source: ConnectionSource, { ca }: Credentials): string | Array<string> | undefined =>
  ca ?? (source.insecure ? undefined : systemAuthorities())

const tlsOptions = (source: ConnectionSource, credentials: Credentials, host: string): tls.ConnectionOptions => ({
  ca: authorities(source, credentials),
  ...(credentials.cert === undefined ? {} : { cert: credentials.cert }),
  ...(credentials.key === undefined ? {} : { key: credentials.key }),
  // RFC 6066: a server name is never an address.
  ...(source.serverName !== undefined && source.serverName !== ""
    ? { servername: source.serverName }
    : isIP(host) === 0
      ? { servername: host }
      : {}),
  rejectUnauthorized: !source.insecure,
  ALPNProtocols: ["h2"],
})

const unreadable = (what: string, cause: unknown): TransportError =>
  new TransportError({
    kind: "credentials",
    code: "",
    message: `${what} cannot be used: ${(Predicate.isError(cause) ? cause.message : String(cause)).split("\n")[0]}`,
    notSent: true,
  })

const certificateIn = (pem: string, what: string): Result.Result<X509Certificate, TransportError> =>
  Result.try({
    try: () => new X509Certificate(/-----BEGIN[^]*?-----END[^\n]*/.exec(pem)?.[0] ?? pem),
    catch: (cause) => unreadable(what, cause),
  })

/** Deno leaves out a certificate that it cannot read and connects as nobody; Node and Bun say so in codes of OpenSSL. */
const checkCertificates = ({ ca, cert, key }: Credentials): Result.Result<unknown, TransportError> =>
  Result.gen(function* () {
    if (ca !== undefined) yield* certificateIn(ca, "the certificate authority")
    if (cert === undefined && key === undefined) return
    if (cert === undefined || key === undefined)
      return yield* Result.fail(
        unreadable("the client certificate", cert === undefined ? "it is missing" : "its key is missing"),
      )
    const certificate = yield* certificateIn(cert, "the client certificate")
    const fits = yield* Result.try({
      try: () => certificate.checkPrivateKey(createPrivateKey(key)),
      catch: (cause) => unreadable("the client key", cause),
    })
    if (!fits) return yield* Result.fail(unreadable("the client certificate", "the key is another one's"))
  })

/** Keeps asking whether the other side is there; a connection cut without a word is found no other way. */
const watchOver = (session: http2.ClientHttp2Session, times: SessionTimes): void => {
  let deadline: ReturnType<typeof setTimeout> | undefined
  const dead = () => session.destroy(lost("the server stopped answering", "ETIMEDOUT"))
  const timer = setInterval(() => {
    if (session.destroyed || deadline !== undefined) return
    deadline = setTimeout(dead, times.pingTimeoutMs)
    const forget = () => {
      clearTimeout(deadline)
      deadline = undefined
    }
    // A session that is closing sends no more pings, but its watches go on.
    if (!session.ping(forget)) forget()
  }, times.pingEveryMs)
  session.once("close", () => {
    clearInterval(timer)
    clearTimeout(deadline)
  })
}

const noHttp2 = new TransportError({
  kind: "protocol",
  code: "ALPN",
  message: "the server does not speak HTTP/2 (is a load balancer or proxy in front of the API server?)",
  notSent: true,
})

/** OpenSSL's, BoringSSL's and rustls' words for a server that knows none of the protocols we offer. */
const isAlpnRefusal = (cause: unknown): boolean => {
  const code = Predicate.hasProperty(cause, "code") ? String(cause.code) : ""
  const text = Predicate.isError(cause) ? cause.message : ""
  return /no.?application.?protocol|ERR_HTTP2_ERROR|protocol error/i.test(`${code} ${text}`)
}

const connectOver = (
  url: URL,
  options: http2.SecureClientSessionOptions,
  times: SessionTimes,
  onOpen: (session: http2.ClientHttp2Session) => void,
): Effect.Effect<http2.ClientHttp2Session, TransportError> =>
  Effect.callback((resume) => {
    const attempt = Result.try({ try: () => http2.connect(url.origin, options), catch: fromCause })
    if (Result.isFailure(attempt)) return resume(Effect.fail(attempt.failure))
    const session = attempt.success
    let connected = false
    // After "connect" every stream hears of the error itself; the listener stays, or the process would die of it.
    session.on("error", (cause) => {
      if (!connected) resume(Effect.fail(isAlpnRefusal(cause) ? noHttp2 : fromCause(cause)))
    })
    session.once("close", () => {
      if (!connected) resume(Effect.fail(lost("the server closed the connection before it was ready")))
    })
    session.once("connect", () => {
      if (session.alpnProtocol !== "h2" && session.alpnProtocol !== "h2c") {
        session.destroy()
        return resume(Effect.fail(noHttp2))
      }
      connected = true
      watchOver(session, times)
      onOpen(session)
      resume(Effect.succeed(session))
    })
    return Effect.sync(() => session.destroy())
  })

/**
 * Opens a session.
 *
 * @param onOpen called in the turn in which it opens, so that nothing can come between it and its owner
 */
export const openSession = (
  source: ConnectionSource,
  credentials: Credentials,
  times: SessionTimes,
  onOpen: (session: http2.ClientHttp2Session) => void,
): Effect.Effect<http2.ClientHttp2Session, TransportError> => {
  const checked = checkCertificates(credentials)
  if (Result.isFailure(checked)) return Effect.fail(checked.failure)
  const url = new URL(source.server)
  const host = withoutBrackets(url.hostname)
  const secure = tlsOptions(source, credentials, host)
  const options = { ...secure, settings: { enablePush: false, initialWindowSize: 1 << 20 } }
  const port = url.port === "" ? (url.protocol === "http:" ? "80" : "443") : url.port
  const through = (socket: Socket) => ({
    ...options,
    // `host` is what the certificate is checked against.
    createConnection: () => (url.protocol === "http:" ? socket : tls.connect({ ...secure, socket, host })),
  })
  const proxy = proxyFor(url, source.proxyUrl)
  const opened =
    proxy === undefined
      ? connectOver(url, options, times, onOpen)
      : Effect.flatMap(openTunnel(proxy, `${url.hostname}:${port}`), (socket) =>
          connectOver(url, through(socket), times, onOpen),
        )
  return Effect.timeoutOrElse(opened, {
    duration: times.connectMs,
    orElse: () => Effect.fail(lost(`timed out: no connection within ${times.connectMs / 1000} s`, "ETIMEDOUT")),
  })
}
