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
import { cutText } from "../text/cut-text.ts"

export interface Outcome {
  readonly reason: ApiErrorReason
  /** The server's text, without values that it repeats from the request. */
  readonly detail: string
}

/** No text of a server is longer in a message of ours. */
const maxDetail = 1000

const at = (value: unknown, field: string): unknown =>
  Predicate.hasProperty(value, field) && Object.hasOwn(value, field) ? value[field] : undefined

const textAt = (value: unknown, field: string): string | undefined => {
  const found = at(value, field)
  return typeof found === "string" ? found : undefined
}

const isStatus = (body: unknown): boolean => textAt(body, "kind") === "Status"

interface Cause {
  /** `FieldValueInvalid` … */
  readonly reason: string
  readonly field: string
  /** `Invalid value: "…": what is wrong` */
  readonly message: string
}

const causesOf = (status: unknown): ReadonlyArray<Cause> => {
  const found = at(at(status, "details"), "causes")
  return Array.isArray(found)
    ? found.map((cause) => ({
        reason: textAt(cause, "reason") ?? "",
        field: textAt(cause, "field") ?? "",
        message: textAt(cause, "message") ?? "",
      }))
    : []
}

/** Milliseconds. Seconds in the header (dates are not used by API servers), else the Status' `retryAfterSeconds`. */
const retryAfterMs = (headers: IncomingHttpHeaders, status: unknown): number | undefined => {
  const header = headers["retry-after"]
  const seconds = header === undefined ? at(at(status, "details"), "retryAfterSeconds") : Number(header)
  return typeof seconds === "number" && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined
}

/**
 * `Invalid value: "hunter2": must be short` → `Invalid value: must be short`. A value that is no string or number is cut off with
 * all that follows, for nothing tells where it ends.
 */
const withoutValue = (message: string): string => {
  const [, problem, rest] = /^((?:Invalid|Unsupported|Duplicate) value|Not found|Too many): (.*)$/s.exec(message) ?? []
  if (problem === undefined || rest === undefined) return message
  const [value] = /^(?:"(?:[^"\\]|\\.)*"|[-\w.]+)(?=: |$)/.exec(rest) ?? []
  const after = value === undefined ? "" : rest.slice(value.length)
  return `${problem}${after}`
}

/** Messages of decoders repeat what they could not decode; the text of a 400 may therefore hold any part of the request. */
const withoutContext = (message: string): string => message.replace(/, (?:error found in|bigger context).*$/s, "")

/**
 * A 422 repeats the offending values, which may be secret. Where its causes are given, the text is made anew from them;
 * for a Secret only from their fields and reasons.
 */
const detailOf = (status: number, body: unknown): string => {
  const message = textAt(body, "message") ?? `HTTP ${status}`
  const details = at(body, "details")
  const kind = textAt(details, "kind") ?? ""
  const isSecret = kind.toLowerCase() === "secret" || kind.toLowerCase() === "secrets"
  if (status === 422 && isMisfit(body))
    return "the patch does not fit the object as it stands: it was changed, or deleted and made anew"
  const causes = status === 422 || status === 400 ? causesOf(body) : []
  if (causes.length > 0) {
    const problems = causes.map((cause) =>
      [cause.field, isSecret ? cause.reason : withoutValue(cause.message)].filter((part) => part !== "").join(": "),
    )
    return `${kind} ${JSON.stringify(textAt(details, "name") ?? "")} is invalid: ${[...new Set(problems)].join("; ")}`
  }
  if (status === 422)
    return isSecret ? `the Secret is invalid` : (message.split(" is invalid:")[0] ?? "") + " is invalid"
  return status === 400 ? withoutContext(message) : message
}

/**
 * What a JSON patch is answered that does not fit the object as it stands (a test of it failed, a path is not there):
 * `NewGenericServerResponse` of apimachinery for 422, which names no object and no cause. What the server finds wrong with
 * the object that a patch would make, and what admission denies, has words of its own.
 */
const misfit = "the server rejected our request due to an error in our request"

const isMisfit = (body: unknown): boolean => textAt(body, "message") === misfit && causesOf(body).length === 0

/** `User "jane" cannot list resource …` */
const userOf = (message: string): { readonly user?: string } => {
  const [, user] = /User "([^"]+)" cannot/.exec(message) ?? []
  return user === undefined ? {} : { user }
}

/** While a CRD is being deleted, the API server takes no new objects of it (apiextensions-apiserver; 403 or 405 by release). */
const isTerminatingCrd = (status: number, message: string): boolean =>
  (status === 403 || status === 405) && message.includes("not allowed while custom resource definition is terminating")

const reasonOf = (status: number, headers: IncomingHttpHeaders, body: unknown): ApiErrorReason => {
  const message = textAt(body, "message") ?? ""
  const wait = retryAfterMs(headers, body)
  if (status === 422 && isMisfit(body)) return new Conflict()
  if (isTerminatingCrd(status, message)) return new NotFound({ resourceMissing: true })
  switch (status) {
    case 400:
    case 413:
    case 415:
    case 422:
      return new Invalid({ fields: causesOf(body).flatMap(({ field }) => (field === "" ? [] : [field])) })
    case 401:
      return new Unauthorized()
    case 403:
      return new Forbidden(userOf(message))
    case 404:
      // A missing object has a Status that names it; a missing resource has none, or `page not found` in plain text.
      return new NotFound({ resourceMissing: textAt(at(body, "details"), "name") === undefined })
    case 409:
      return textAt(body, "reason") === "AlreadyExists" ? new AlreadyExists() : new Conflict()
    case 410:
      return new Expired()
    case 429:
      return new Throttled({ retryAfterMs: wait ?? 1000 })
  }
  if (status < 500) return new NotKubernetes({ status })
  // Its Retry-After would lead nowhere: the version is one that this server never had.
  const tooLarge = /too large resource version/i.test(message)
  if (wait !== undefined && !tooLarge) return new Throttled({ retryAfterMs: wait })
  return new ServerFault({ status, resourceVersionTooLarge: tooLarge })
}

/** What an API server says without a Status: `404 page not found`, `Too many requests, …`, `apiserver is shutting down.` */
const isPlainAnswer = (status: number, plain: string): boolean =>
  status === 429 || (status === 404 && plain === "404 page not found") || (status >= 500 && !plain.includes("<"))

const isRedirect = (status: number): boolean => status >= 300 && status < 400

/** Only the origin: paths and queries of login pages carry state that does not belong into a log. */
const redirectTarget = (headers: IncomingHttpHeaders): string => {
  const location = headers.location ?? ""
  return URL.canParse(location) ? ` to ${new URL(location).origin}` : ""
}

const foreignAnswer = (status: number, headers: IncomingHttpHeaders): Outcome => {
  if (isRedirect(status))
    return {
      reason: new NotKubernetes({ status }),
      detail: `HTTP ${status}, a redirect${redirectTarget(headers)}; an API server gives none, and it is not followed`,
    }
  if (status >= 500)
    return {
      reason: reasonOf(status, headers, undefined),
      detail: `HTTP ${status} from something in front of the API server`,
    }
  return { reason: new NotKubernetes({ status }), detail: `HTTP ${status}, but not from a Kubernetes API server` }
}

/** For an answer that is not 2xx. @param body the parsed JSON, or the text where it is none */
export const outcomeOf = (status: number, headers: IncomingHttpHeaders, body: unknown): Outcome => {
  if (isStatus(body))
    return { reason: reasonOf(status, headers, body), detail: cutText(detailOf(status, body), maxDetail) }
  const plain = typeof body === "string" ? body.trim() : ""
  // A webhook or an aggregated API server may answer 401 and 403 in its own words; nothing else says who we are not.
  if (isPlainAnswer(status, plain) || ((status === 401 || status === 403) && !plain.includes("<")))
    return { reason: reasonOf(status, headers, body), detail: plain === "" ? `HTTP ${status}` : cutText(plain, 200) }
  return foreignAnswer(status, headers)
}

/** An `ERROR` event inside a watch: its object is a Status with a code of its own. */
export const outcomeOfStatus = (status: unknown): Outcome => {
  const code = at(status, "code")
  return outcomeOf(typeof code === "number" ? code : 500, {}, status)
}
