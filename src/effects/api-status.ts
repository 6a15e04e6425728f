/** From an HTTP answer or a `Status` object to the reason of an `ApiError` (Kubernetes API conventions, "Response Status Kind"). */
import { Predicate } from "effect"
import type { IncomingHttpHeaders } from "node:http2"
import {
  AlreadyExists,
  Conflict,
  Expired,
  Forbidden,
  Invalid,
  NotFound,
  NotKubernetes,
  ServerFault,
  Throttled,
  Unauthorized,
} from "./api-error.ts"
import type { ApiErrorReason } from "./api-error.ts"

export interface Outcome {
  readonly reason: ApiErrorReason
  /** The server's text, without values that it repeats from the request. */
  readonly detail: string
}

const textAt = (value: unknown, field: string): string | undefined => {
  const found = Predicate.hasProperty(value, field) ? value[field] : undefined
  return typeof found === "string" ? found : undefined
}

const listAt = (value: unknown, field: string): ReadonlyArray<unknown> => {
  const found = Predicate.hasProperty(value, field) ? value[field] : undefined
  return Array.isArray(found) ? found : []
}

const detailsOf = (status: unknown): unknown => (Predicate.hasProperty(status, "details") ? status["details"] : undefined)

const isStatus = (body: unknown): boolean => textAt(body, "kind") === "Status"

/** Seconds (`Retry-After`; dates are not used by the API server), else the Status' `retryAfterSeconds`. */
const retryAfterMs = (headers: IncomingHttpHeaders, status: unknown): number | undefined => {
  const header = Number(headers["retry-after"])
  if (headers["retry-after"] !== undefined && Number.isFinite(header)) return header * 1000
  const details = detailsOf(status)
  const seconds = Predicate.hasProperty(details, "retryAfterSeconds") ? details["retryAfterSeconds"] : undefined
  return typeof seconds === "number" ? seconds * 1000 : undefined
}

/**
 * A 422 repeats the offending value (`Invalid value: "…"`), which may be a secret's: only the fields and what is wrong with
 * them are kept.
 */
const withoutValues = (message: string): string =>
  message
    .replaceAll(/((?:Invalid|Unsupported|Duplicate) value): (?:"(?:[^"\\]|\\.)*"|\{.*?\}|\[.*?\]|[^:\s]+)(?=: |, |\]|$)/gs, "$1")
    .slice(0, 1000)

const fieldsOf = (status: unknown): ReadonlyArray<string> =>
  listAt(detailsOf(status), "causes").flatMap((cause) => textAt(cause, "field") ?? [])

/** `User "jane" cannot list resource …` */
const userOf = (message: string): { readonly user?: string } => {
  const [, user] = /User "([^"]+)" cannot/.exec(message) ?? []
  return user === undefined ? {} : { user }
}

/** A missing object has a Status that names it; a missing resource has none, or `page not found` in plain text. */
const isResourceMissing = (body: unknown): boolean => textAt(detailsOf(body), "name") === undefined

const reasonOf = (status: number, headers: IncomingHttpHeaders, body: unknown): ApiErrorReason => {
  const message = textAt(body, "message") ?? ""
  const wait = retryAfterMs(headers, body)
  switch (status) {
    case 400:
    case 413:
    case 415:
    case 422: {
      const fields = fieldsOf(body)
      // A patch whose UID precondition failed: the API server calls the UID an immutable field.
      return fields.length === 1 && fields[0] === "metadata.uid" ? new Conflict() : new Invalid({ fields: [...fields] })
    }
    case 401:
      return new Unauthorized()
    case 403:
      return new Forbidden(userOf(message))
    case 404:
      return new NotFound({ resourceMissing: isResourceMissing(body) })
    case 409:
      return textAt(body, "reason") === "AlreadyExists" ? new AlreadyExists() : new Conflict()
    case 410:
      return new Expired()
    case 429:
      return new Throttled({ retryAfterMs: wait ?? 1000 })
  }
  if (status < 500) return new NotKubernetes({ status })
  const tooLarge = /too large resource version/i.test(message)
  if (wait !== undefined && !tooLarge) return new Throttled({ retryAfterMs: wait })
  return new ServerFault({ status, resourceVersionTooLarge: tooLarge })
}

/** For an answer that is not 2xx. @param body the parsed JSON, or the text where it is none */
export const outcomeOf = (status: number, headers: IncomingHttpHeaders, body: unknown): Outcome => {
  const plain = typeof body === "string" ? body.trim() : ""
  const foreign = !isStatus(body) && plain !== "404 page not found" && status !== 401 && status !== 403 && status < 500
  if (foreign && status !== 429 && status !== 404)
    return { reason: new NotKubernetes({ status }), detail: `HTTP ${status}, but not from a Kubernetes API server` }
  const message = textAt(body, "message") ?? (plain === "" ? `HTTP ${status}` : plain.slice(0, 200))
  return { reason: reasonOf(status, headers, body), detail: withoutValues(message) }
}

/** An `ERROR` event inside a watch: its object is a Status with a code of its own. */
export const outcomeOfStatus = (status: unknown): Outcome => {
  const code = Predicate.hasProperty(status, "code") ? status["code"] : undefined
  return outcomeOf(typeof code === "number" ? code : 500, {}, status)
}
