/**
 * One HTTP/2 session to one API server, from the TCP connection to its end. It is opened on demand, found dead by pings,
 * and replaced by `transport.ts`; here is only its life.
 *
 * Rules that cost time to find: no `setLocalWindowSize` (under Bun a body larger than the window stalls for ever); `connect`
 * reports errors before there is a listener for them, so all listeners are set first.
 */
import { Effect } from "effect"
import * as http2 from "node:http2"
import * as tls from "node:tls"
import type { ConnectionSource, Credentials } from "./connection-source.ts"
import { openTunnel, proxyFor } from "./proxy.ts"
import { fromCause, lost, TransportError } from "./transport-error.ts"

export interface SessionTimes {
  readonly connectMs: number
  /** A ping this often … */
  readonly pingEveryMs: number
  /** … and the session is dead when one stays unanswered for this long (client-go: 30 s and 15 s). */
  readonly pingTimeoutMs: number
}

export const defaultTimes: SessionTimes = { connectMs: 30_000, pingEveryMs: 30_000, pingTimeoutMs: 15_000 }

const tlsOptions = (source: ConnectionSource, credentials: Credentials, url: URL): tls.ConnectionOptions => {
  const host = url.hostname.replace(/^\[|\]$/g, "")
  const isAddress = /^[\d.]+$/.test(host) || host.includes(":")
  return {
    ...(credentials.ca === undefined ? {} : { ca: credentials.ca }),
    ...(credentials.cert === undefined ? {} : { cert: credentials.cert }),
    ...(credentials.key === undefined ? {} : { key: credentials.key }),
    ...(credentials.passphrase === undefined ? {} : { passphrase: credentials.passphrase }),
    ...(source.serverName !== undefined ? { servername: source.serverName } : isAddress ? {} : { servername: host }),
    rejectUnauthorized: !source.insecure,
    ALPNProtocols: ["h2"],
  }
}

/** Keeps asking whether the other side is there; a connection cut without a word is found no other way. */
const watchOver = (session: http2.ClientHttp2Session, times: SessionTimes): void => {
  let deadline: ReturnType<typeof setTimeout> | undefined
  const ping = () => {
    if (session.closed || session.destroyed) return
    deadline = setTimeout(() => session.destroy(new Error("no answer to a ping")), times.pingTimeoutMs)
    session.ping(() => clearTimeout(deadline))
  }
  const timer = setInterval(ping, times.pingEveryMs)
  session.once("close", () => {
    clearInterval(timer)
    clearTimeout(deadline)
  })
}

const connectOver = (
  url: URL,
  options: http2.SecureClientSessionOptions,
  times: SessionTimes,
): Effect.Effect<http2.ClientHttp2Session, TransportError> =>
  Effect.callback((resume) => {
    const session = http2.connect(url.origin, options)
    let connected = false
    session.on("error", (cause) => {
      if (!connected) resume(Effect.fail(fromCause(cause)))
    })
    session.once("close", () => {
      if (!connected) resume(Effect.fail(lost("the server closed the connection before HTTP/2 began; it may not speak HTTP/2")))
    })
    session.once("connect", () => {
      connected = true
      if (session.alpnProtocol !== "h2" && session.alpnProtocol !== "h2c") {
        session.destroy()
        return resume(
          Effect.fail(
            new TransportError({
              kind: "protocol",
              code: "ALPN",
              message: "the server does not speak HTTP/2",
              notSent: true,
            }),
          ),
        )
      }
      watchOver(session, times)
      resume(Effect.succeed(session))
    })
    return Effect.sync(() => session.destroy())
  })

/** Opens a session; the caller closes it. */
export const openSession = (
  source: ConnectionSource,
  credentials: Credentials,
  times: SessionTimes = defaultTimes,
): Effect.Effect<http2.ClientHttp2Session, TransportError> =>
  Effect.gen(function* () {
    const url = new URL(source.server)
    const options: http2.SecureClientSessionOptions = {
      ...tlsOptions(source, credentials, url),
      settings: { enablePush: false, initialWindowSize: 1 << 20 },
    }
    const proxy = proxyFor(url, source.proxyUrl)
    if (proxy === undefined) return yield* connectOver(url, options, times)
    const port = url.port === "" ? "443" : url.port
    const socket = yield* openTunnel(proxy, `${url.hostname}:${port}`)
    return yield* connectOver(
      url,
      {
        ...options,
        createConnection: () =>
          url.protocol === "http:" ? socket : tls.connect({ ...tlsOptions(source, credentials, url), socket }),
      },
      times,
    )
  }).pipe(
    Effect.timeoutOrElse({
      duration: times.connectMs,
      orElse: () => Effect.fail(lost("timed out", "ETIMEDOUT")),
    }),
  )
