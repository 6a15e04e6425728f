/**
 * The tests' own HTTP: JSON requests and watches over `node:https`, independent of the client under test.
 */
import { type Agent, request as httpsRequest, type RequestOptions } from "node:https"
import type { IncomingMessage } from "node:http"
import { createInterface } from "node:readline"
import { KubeError } from "./kube-error.ts"

/** Where an API server is and who we are to it; certificates and keys in PEM. */
export interface Connection {
  readonly server: string
  readonly ca: string
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly token?: string | undefined
  /** Also how a test finds its own requests in the audit log. */
  readonly userAgent?: string | undefined
}

export interface Request {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  readonly path: string
  readonly body?: unknown
  readonly contentType?: string
}

export interface Answer {
  readonly status: number
  /** Parsed JSON, or the text when it is none. */
  readonly body: unknown
}

const property = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined

const textOf = (value: unknown, otherwise: string): string => (typeof value === "string" ? value : otherwise)

const noAnswer = (request: Request, error: Error): KubeError =>
  new KubeError({
    status: 0,
    reason: textOf(property(error, "code"), "Unreachable"),
    message: `${request.method} ${request.path}: ${error.message}`,
  })

const optionsFor = (
  connection: Connection,
  agent: Agent,
  request: Request,
  body: string | undefined,
  signal: AbortSignal,
): RequestOptions => ({
  agent,
  signal,
  method: request.method,
  ca: connection.ca,
  ...(connection.cert === undefined ? {} : { cert: connection.cert }),
  ...(connection.key === undefined ? {} : { key: connection.key }),
  headers: {
    accept: "application/json",
    "user-agent": connection.userAgent ?? "vcluster-es-test",
    ...(connection.token === undefined ? {} : { authorization: `Bearer ${connection.token}` }),
    // The length must be said: node would send the body of a DELETE without any, and spoil the connection for the next request.
    ...(body === undefined
      ? {}
      : { "content-type": request.contentType ?? "application/json", "content-length": Buffer.byteLength(body) }),
  },
})

/** Sends the request; resolves when the head of the answer is there. Rejects with a {@link KubeError}. */
const open = (connection: Connection, agent: Agent, request: Request, signal: AbortSignal): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const url = new URL(request.path, connection.server)
    const body = request.body === undefined ? undefined : JSON.stringify(request.body)
    httpsRequest(url, optionsFor(connection, agent, request, body, signal), resolve)
      .on("error", (error) => reject(noAnswer(request, error)))
      .end(body)
  })

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const readAll = async (response: IncomingMessage): Promise<unknown> => {
  const chunks: Array<Uint8Array> = []
  for await (const chunk of response) chunks.push(chunk)
  return parse(Buffer.concat(chunks).toString("utf8"))
}

/** The error that a Status body tells of. */
export const refusal = (request: Request, answer: Answer): KubeError =>
  new KubeError({
    status: answer.status,
    reason: textOf(property(answer.body, "reason"), "Unknown"),
    message: `${request.method} ${request.path}: ${answer.status} ${textOf(property(answer.body, "message"), JSON.stringify(answer.body))}`,
  })

/** Any answer, good or bad. Rejects with a {@link KubeError} when there is none. */
export const send = async (
  connection: Connection,
  agent: Agent,
  request: Request,
  signal: AbortSignal,
): Promise<Answer> => {
  const response = await open(connection, agent, request, signal)
  try {
    return { status: response.statusCode ?? 0, body: await readAll(response) }
  } catch (error) {
    throw noAnswer(request, error instanceof Error ? error : new Error(String(error)))
  }
}

/** The events of a watch until the server ends it. Leaving the loop cancels the request. */
export async function* watchEvents(
  connection: Connection,
  agent: Agent,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<{ readonly type: unknown; readonly object: unknown }> {
  const request: Request = { method: "GET", path }
  const response = await open(connection, agent, request, signal)
  if (response.statusCode !== 200) {
    throw refusal(request, { status: response.statusCode ?? 0, body: await readAll(response) })
  }
  try {
    for await (const line of createInterface({ input: response })) {
      const event = parse(line)
      yield { type: property(event, "type"), object: property(event, "object") }
    }
  } catch (error) {
    throw noAnswer(request, error instanceof Error ? error : new Error(String(error)))
  } finally {
    response.destroy()
  }
}
