/**
 * A plain `node:http2` client: the yardstick that the syncers are held against, and the generator of their load. It shares no code with the product.
 */
import * as http2 from "node:http2"
import type { Connection } from "../test/support/kube-http.ts"

export interface LoadRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE"
  readonly path: string
  readonly body?: string
  readonly contentType?: string
}

export interface LoadClient {
  /** The text of the answer. Rejects when the status is not 2xx (a deletion may find nothing). */
  readonly send: (request: LoadRequest) => Promise<string>
  /** Each line of a watch until `stop` is called. Resolves when the server has answered. */
  readonly watch: (path: string, onLine: (line: string) => void) => Promise<() => void>
  readonly close: () => void
}

/** Servers of Go's net/http2 allow 100 streams a connection; 64 in flight is what the product permits itself, too. */
export const inFlight = 64

const isGood = (method: string, status: number): boolean =>
  (status >= 200 && status < 300) || (method === "DELETE" && status === 404)

const refused = (request: LoadRequest, status: number, text: string): Error =>
  new Error(`${request.method} ${request.path}: ${status} ${text.slice(0, 500)}`)

const exchange = (session: http2.ClientHttp2Session, userAgent: string, request: LoadRequest): Promise<string> =>
  new Promise((resolve, reject) => {
    const stream = session.request({
      ":method": request.method,
      ":path": request.path,
      accept: "application/json",
      "user-agent": userAgent,
      ...(request.body === undefined ? {} : { "content-type": request.contentType ?? "application/json" }),
    })
    let status = 0
    let text = ""
    stream.setEncoding("utf8")
    stream.on("response", (headers) => {
      status = headers[":status"] ?? 0
    })
    stream.on("data", (chunk: string) => {
      text += chunk
    })
    stream.once("error", reject)
    stream.once("end", () => (isGood(request.method, status) ? resolve(text) : reject(refused(request, status, text))))
    stream.end(request.body)
  })

const openWatch = (
  session: http2.ClientHttp2Session,
  userAgent: string,
  path: string,
  onLine: (line: string) => void,
): Promise<() => void> =>
  new Promise((resolve, reject) => {
    const stream = session.request({
      ":method": "GET",
      ":path": path,
      accept: "application/json",
      "user-agent": userAgent,
    })
    let rest = ""
    stream.setEncoding("utf8")
    stream.on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n")
      rest = lines.pop() ?? ""
      lines.forEach(onLine)
    })
    stream.on("error", reject)
    stream.once("response", (headers) => {
      const status = headers[":status"] ?? 0
      if (status !== 200) return reject(refused({ method: "GET", path }, status, ""))
      return resolve(() => stream.close(http2.constants.NGHTTP2_CANCEL))
    })
  })

const open = (connection: Connection): Promise<http2.ClientHttp2Session> =>
  new Promise((resolve, reject) => {
    const { ca, cert, key } = connection
    const session = http2.connect(connection.server, {
      ca,
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      settings: { initialWindowSize: 1 << 20 },
    })
    session.on("error", reject)
    session.once("connect", () => resolve(session))
  })

/** Resolves when the connection stands. A new one takes its place when the server closes it, which it does after 90 idle seconds. */
export const connect = async (connection: Connection, userAgent: string): Promise<LoadClient> => {
  let current = open(connection)
  const session = async (): Promise<http2.ClientHttp2Session> => {
    const before = current
    const found = await before
    if (!found.closed && !found.destroyed) return found
    // Of all who come now, the first one opens.
    if (current === before) current = open(connection)
    return current
  }
  await current
  return {
    send: async (request) => exchange(await session(), userAgent, request),
    watch: async (path, onLine) => openWatch(await session(), userAgent, path, onLine),
    close: () => void current.then((last) => last.close()),
  }
}

/** `work` for each item, `limit` at the same time. */
export const inParallel = async <A>(
  items: ReadonlyArray<A>,
  work: (item: A, index: number) => Promise<unknown>,
  limit = inFlight,
): Promise<void> => {
  let next = 0
  const lane = async (): Promise<void> => {
    const index = next++
    const item = items[index]
    if (item === undefined) return
    await work(item, index)
    await lane()
  }
  await Promise.all(Array.from({ length: limit }, lane))
}
