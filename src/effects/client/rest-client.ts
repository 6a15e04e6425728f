/** One request to the Kubernetes API and its answer, with every failure as an `ApiError` that says what it was about. */
import { Effect, Result } from "effect"
import type { Scope } from "effect"
import {
  ApiError,
  Fenced,
  Invalid,
  NoCredentials,
  NotKubernetes,
  Unauthorized,
  Unreachable,
  Untrusted,
} from "./api-error.ts"
import type { ApiErrorReason } from "./api-error.ts"
import { retryThrottled } from "./retry-throttled.ts"
import { outcomeOf } from "./status-error.ts"
import { qualifiedName } from "./resource.ts"
import type { Resource } from "./resource.ts"
import { isPathSegment } from "./resource-path.ts"
import { monotonicMillis } from "../monotonic-time.ts"
import type { ExchangeError, HttpReply, HttpRequest, OpenReply, Transport } from "../transport/transport.ts"

/** What a request is about. */
export interface Subject {
  /** Kubernetes verb. */
  readonly verb: string
  /** Undefined: a path outside the resources, which is `name`. */
  readonly resource: Resource | undefined
  readonly namespace?: string | undefined
  /** Of one object; undefined: a collection. */
  readonly name?: string | undefined
}

/** For logs; holds no body and no credentials. */
export interface RequestRecord {
  readonly cluster: string
  readonly method: string
  readonly path: string
  /** 0: there was no answer. */
  readonly status: number
  readonly durationMs: number
}

/** For logs that are to show bodies: credentials and values of Secrets are still in them. */
export interface BodyRecord {
  readonly cluster: string
  readonly method: string
  readonly path: string
  readonly request: string | undefined
  readonly response: string
}

export interface ApiExchange {
  /** A failure that no status of the answer tells. */
  readonly fault: (subject: Subject, detail: string, reason: ApiErrorReason) => ApiError
  /** A failure below HTTP. */
  readonly broken: (subject: Subject, error: ExchangeError) => ApiError
  /** An answer that is not 2xx. */
  readonly rejected: (subject: Subject, reply: Pick<HttpReply, "status" | "headers">, body: string) => ApiError
  /** The parsed body of a 2xx answer (outside the resources, plain text as it is). `request` is called only when all names are fit for a path. */
  readonly json: (subject: Subject, request: () => HttpRequest) => Effect.Effect<unknown, ApiError>
  /** The stream is cancelled when the scope closes. */
  readonly open: (subject: Subject, request: () => HttpRequest) => Effect.Effect<OpenReply, ApiError, Scope.Scope>
}

export interface ApiExchangeOptions {
  /** `host` or `virtual`, for messages. */
  readonly cluster: string
  readonly onRequest?: ((record: RequestRecord) => void) | undefined
  /** Not for the events of watches. */
  readonly onBody?: ((record: BodyRecord) => void) | undefined
}

const parseJson = (text: string): Result.Result<unknown, string> =>
  Result.try({ try: (): unknown => JSON.parse(text), catch: () => text })

const reasonOf = (error: ExchangeError): ApiErrorReason => {
  if (error._tag === "KubeconfigError") return new NoCredentials()
  switch (error.kind) {
    case "untrusted":
      return new Untrusted({ code: error.code })
    case "refused":
      return new Unauthorized()
    case "credentials":
      return new NoCredentials()
    case "fenced":
      return new Fenced()
    case "protocol":
      return new NotKubernetes({ status: 0 })
    case "unreachable":
      return new Unreachable(error.code === "" ? {} : { code: error.code })
  }
}

/** Names that are no names never get as far as a path. @returns what is wrong */
const unfit = ({ verb, resource, namespace, name }: Subject): string | undefined => {
  if (resource === undefined) return undefined
  const parts = [resource.plural, resource.version, ...(resource.group === "" ? [] : [resource.group])]
  const given = [
    ...parts,
    ...(name === undefined ? [] : [name]),
    ...((namespace ?? "") === "" ? [] : [namespace ?? ""]),
  ]
  const bad = given.find((part) => !isPathSegment(part))
  if (bad !== undefined) return `${JSON.stringify(bad)} cannot be a name`
  return resource.namespaced && (namespace ?? "") === "" && (name !== undefined || verb === "create")
    ? `${qualifiedName(resource)} stand in a namespace, and none is given`
    : undefined
}

export const makeApiExchange = (transport: Transport, options: ApiExchangeOptions): ApiExchange => {
  const { cluster, onRequest, onBody } = options

  const fault = ({ verb, resource, namespace, name }: Subject, detail: string, reason: ApiErrorReason): ApiError =>
    new ApiError({
      cluster,
      server: transport.server(),
      verb,
      resource: resource === undefined ? (name ?? "") : qualifiedName(resource),
      ...(namespace === undefined || namespace === "" ? {} : { namespace }),
      ...(name === undefined || resource === undefined ? {} : { name }),
      detail,
      reason,
    })

  const broken = (subject: Subject, error: ExchangeError): ApiError => fault(subject, error.message, reasonOf(error))

  const rejected = (subject: Subject, reply: Pick<HttpReply, "status" | "headers">, body: string): ApiError => {
    const { reason, detail } = outcomeOf(reply.status, reply.headers, Result.merge(parseJson(body)))
    return fault(subject, detail, reason)
  }

  const recorded = <Reply extends { readonly status: number }, E, R>(
    { method, path }: HttpRequest,
    effect: Effect.Effect<Reply, E, R>,
  ): Effect.Effect<Reply, E, R> =>
    onRequest === undefined
      ? effect
      : Effect.clockWith((clock) => {
          const start = monotonicMillis(clock)
          return Effect.onExit(effect, (exit) =>
            Effect.sync(() => {
              const status = exit._tag === "Success" ? exit.value.status : 0
              onRequest({ cluster, method, path, status, durationMs: Math.round(monotonicMillis(clock) - start) })
            }),
          )
        })

  const exchange = (request: HttpRequest): Effect.Effect<HttpReply, ExchangeError> => {
    const reply = recorded(request, transport.exchange(request))
    if (onBody === undefined) return reply
    const { method, path, body } = request
    return Effect.tap(reply, (answer) =>
      Effect.sync(() => onBody({ cluster, method, path, request: body, response: answer.body })),
    )
  }

  /** @throws ApiError `Invalid`, before anything is sent */
  const guarded = <A, R>(
    subject: Subject,
    request: () => HttpRequest,
    send: (request: HttpRequest) => Effect.Effect<A, ApiError, R>,
  ): Effect.Effect<A, ApiError, R> => {
    const wrong = unfit(subject)
    return wrong === undefined ? send(request()) : Effect.fail(fault(subject, wrong, new Invalid({ fields: [] })))
  }

  const answerOf = (subject: Subject, reply: HttpReply): Effect.Effect<unknown, ApiError> => {
    if (reply.status < 200 || reply.status >= 300) return Effect.fail(rejected(subject, reply, reply.body))
    const parsed = parseJson(reply.body)
    if (Result.isSuccess(parsed)) return Effect.succeed(parsed.success)
    // `/readyz` says `ok`; a login page would come as HTML.
    const type = reply.headers["content-type"] ?? ""
    if (subject.resource === undefined && /^text\/plain\b/.test(type)) return Effect.succeed(reply.body)
    return /\bjson\b/.test(type)
      ? Effect.fail(fault(subject, "the answer was cut off", new Unreachable({})))
      : Effect.fail(fault(subject, "the answer is not JSON", new NotKubernetes({ status: reply.status })))
  }

  return {
    fault,
    broken,
    rejected,
    json: (subject, request) =>
      Effect.suspend(() =>
        guarded(subject, request, (given) => {
          const once = Effect.matchEffect(exchange(given), {
            onFailure: (error) => Effect.fail(broken(subject, error)),
            onSuccess: (reply) => answerOf(subject, reply),
          })
          // A write that was decided on does not lie here for minutes: whoever decided may have to do so anew.
          return given.method === "GET" ? retryThrottled(once) : once
        }),
      ),
    open: (subject, request) =>
      Effect.suspend(() =>
        guarded(subject, request, (given) =>
          Effect.mapError(recorded(given, transport.open(given)), (error) => broken(subject, error)),
        ),
      ),
  }
}
