/** A local HTTP/2 server over TLS that does what a test tells it, at the moment the test says; and TCP proxies that fail. */
import { Effect, type Scope } from "effect"
import * as http from "node:http"
import * as http2 from "node:http2"
import * as https from "node:https"
import * as net from "node:net"
import type { Credentials, ConnectionSource } from "../../../src/effects/config/rest-config.ts"
import { type CertificateAuthority, createAuthority } from "../../clusters/pki.ts"

export const authority = createAuthority("test CA")
export const serving = authority.issue({
  commonName: "api",
  usage: "server",
  hosts: ["127.0.0.1", "localhost", "api.test"],
})

export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: http2.IncomingHttpHeaders
  readonly body: string
}

export type Handler = (stream: http2.ServerHttp2Stream, request: Received) => void

export interface FaultServer {
  readonly url: string
  readonly port: number
  readonly received: ReadonlyArray<Received>
  /** One entry a session that was ever opened. */
  readonly sessions: ReadonlyArray<http2.ServerHttp2Session>
  /** Answers from now on. */
  readonly handle: (handler: Handler) => void
  /** Common name of the client certificate of each session; undefined: none. */
  readonly clients: ReadonlyArray<string | undefined>
}

const listen = (server: net.Server): Effect.Effect<number> =>
  Effect.callback((resume) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

/** Listens on a free port of loopback; ends what is open too. */
export const serve = (server: net.Server): Effect.Effect<number, never, Scope.Scope> => {
  const sockets = new Set<net.Socket>()
  server.on("connection", (socket) => {
    sockets.add(socket)
    socket.on("error", () => {}).on("close", () => sockets.delete(socket))
  })
  return Effect.acquireRelease(listen(server), () =>
    Effect.sync(() => {
      server.close()
      for (const socket of sockets) socket.destroy()
    }),
  )
}

export const answer = (
  stream: http2.ServerHttp2Stream,
  status: number,
  body: unknown,
  headers: http2.OutgoingHttpHeaders = {},
): void => {
  stream.respond({ ":status": status, "content-type": "application/json", ...headers })
  stream.end(typeof body === "string" ? body : JSON.stringify(body))
}

export const configMap = (name: string, extra: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default", ...extra },
})

export const status = (code: number, reason: string, message: string, details: object = {}) => ({
  apiVersion: "v1",
  kind: "Status",
  status: "Failure",
  code,
  reason,
  message,
  details,
})

export const startServer = Effect.fnUntraced(function* (
  first: Handler,
  options: { readonly clients?: CertificateAuthority } = {},
): Effect.fn.Return<FaultServer, never, Scope.Scope> {
  const received: Array<Received> = []
  const sessions: Array<http2.ServerHttp2Session> = []
  const clients: Array<string | undefined> = []
  let handler = first
  const server = http2.createSecureServer({
    ...serving,
    ...(options.clients === undefined
      ? {}
      : { ca: options.clients.cert, requestCert: true, rejectUnauthorized: false }),
  })
  server.on("error", () => {}).on("sessionError", () => {})
  server.on("session", (session) => sessions.push(session))
  server.on("secureConnection", (socket) => {
    const name = socket.getPeerCertificate().subject?.CN
    clients.push(Array.isArray(name) ? name[0] : name)
  })
  server.on("stream", (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    let body = ""
    stream.on("error", () => {})
    stream.setEncoding("utf8")
    stream.on("data", (chunk: string) => (body += chunk))
    stream.on("end", () => {
      const request = {
        method: String(headers[":method"]),
        path: String(headers[":path"]),
        headers,
        body,
      }
      received.push(request)
      if (!stream.destroyed) handler(stream, request)
    })
  })
  const port = yield* serve(server)
  yield* Effect.addFinalizer(() => Effect.sync(() => sessions.forEach((session) => session.destroy())))
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    received,
    sessions,
    clients,
    handle: (next) => {
      handler = next
    },
  }
})

const anonymous: Credentials = { ca: authority.cert, cert: undefined, key: undefined, headers: {} }

/** @param credentials by default none, trusting the test's CA */
export const sourceFor = (
  server: string,
  credentials: ConnectionSource["credentials"] = () => Effect.succeed(anonymous),
  extra: Partial<ConnectionSource> = {},
): ConnectionSource => ({
  context: "test",
  namespace: undefined,
  server,
  serverName: undefined,
  insecure: false,
  proxyUrl: undefined,
  credentials,
  ...extra,
})

export const withToken = (token: string): Credentials => ({
  ...anonymous,
  headers: { authorization: `Bearer ${token}` },
})

/** The tokens that are had one after the other; the last one stays. Counts how often it was asked to renew. */
export const tokens = (...given: ReadonlyArray<string>) => {
  let index = 0
  const counts = { renewals: 0 }
  const credentials: ConnectionSource["credentials"] = (renew) =>
    Effect.sync(() => {
      if (renew) {
        counts.renewals += 1
        index = Math.min(index + 1, given.length - 1)
      }
      return withToken(given[index] ?? "")
    })
  return { credentials, counts }
}

/** An HTTPS server that knows only HTTP/1.1, as some load balancers do. */
export const startOldServer = Effect.map(
  Effect.suspend(() =>
    serve(https.createServer({ ...serving, ALPNProtocols: ["http/1.1"] }, (_, response) => response.end("hello"))),
  ),
  (port) => `https://127.0.0.1:${port}`,
)

/** Takes connections and never says a word. */
export const startSilentServer = Effect.map(
  Effect.suspend(() => serve(net.createServer(() => {}))),
  (port) => `https://127.0.0.1:${port}`,
)

/** A TCP proxy in front of `port` that can go silent: connections stay open, nothing goes through. */
export const startSilenceProxy = Effect.fnUntraced(function* (port: number) {
  let silent = false
  const server = net.createServer((near) => {
    const far = net.connect(port, "127.0.0.1")
    near.on("data", (chunk) => {
      if (!silent) far.write(chunk)
    })
    far.on("data", (chunk) => {
      if (!silent) near.write(chunk)
    })
    near.on("error", () => {}).on("close", () => far.destroy())
    far.on("error", () => {}).on("close", () => near.destroy())
  })
  const own = yield* serve(server)
  return {
    url: `https://127.0.0.1:${own}`,
    beSilent: (now: boolean) => {
      silent = now
    },
  }
})

/** An HTTP proxy that knows CONNECT only; over TLS on request. `seen` are targets with credentials. */
export const startConnectProxy = Effect.fnUntraced(function* (refuseWith?: number, secure = false) {
  const seen: Array<{ readonly target: string; readonly authorization: string | undefined }> = []
  const server = secure ? https.createServer(serving) : http.createServer()
  server.on("connect", (request: http.IncomingMessage, near: net.Socket) => {
    seen.push({ target: request.url ?? "", authorization: request.headers["proxy-authorization"] })
    near.on("error", () => {})
    if (refuseWith !== undefined) {
      near.end(`HTTP/1.1 ${refuseWith} No\r\ncontent-length: 0\r\n\r\n`)
      return
    }
    const [, port = "0"] = /:(\d+)$/.exec(request.url ?? "") ?? []
    const far = net.connect(Number(port), "127.0.0.1", () => {
      near.write("HTTP/1.1 200 OK\r\n\r\n")
      far.pipe(near)
      near.pipe(far)
    })
    far.on("error", () => near.destroy())
    near.on("close", () => far.destroy())
  })
  const port = yield* serve(server)
  return { port, seen }
})
