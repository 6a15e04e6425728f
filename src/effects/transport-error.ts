/** What can go wrong below HTTP semantics, in words that a user can act on. */
import { Predicate, Schema } from "effect"

export class TransportError extends Schema.TaggedError<TransportError>()("TransportError", {
  kind: Schema.Literals(["unreachable", "untrusted", "credentials", "protocol"]),
  /** The system's or TLS's code: `ECONNREFUSED`, `SELF_SIGNED_CERT_IN_CHAIN`. */
  code: Schema.String,
  message: Schema.String,
  /** The server has certainly not acted on the request, so the same request may be sent again. */
  notSent: Schema.Boolean,
}) {}

/** Codes of OpenSSL's and Node's certificate checks. */
const certificateCodes =
  /^(ERR_TLS_CERT_|CERT_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_(GET|VERIFY|DECODE)|INVALID_CA|HOSTNAME_MISMATCH|UNKNOWN_CERTIFICATE)/

const plainWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the host name cannot be looked up now",
  ETIMEDOUT: "timed out",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  ECONNRESET: "the connection was closed by the server",
  EPIPE: "the connection was closed by the server",
  ERR_HTTP2_GOAWAY_SESSION: "the server is closing the connection",
  ERR_HTTP2_INVALID_SESSION: "the connection was closed",
  ERR_HTTP2_STREAM_CANCEL: "the connection was closed",
}

/** Errors by which Node says that the request never left. */
const neverLeft = new Set(["ERR_HTTP2_GOAWAY_SESSION", "ERR_HTTP2_INVALID_SESSION", "ERR_HTTP2_OUT_OF_STREAMS"])

const codeOf = (cause: unknown): string => {
  const code = Predicate.hasProperty(cause, "code") ? cause.code : undefined
  return typeof code === "string" ? code : ""
}

/** Several addresses of one name fail together (`AggregateError`): the first says enough. */
const firstOf = (cause: unknown): unknown =>
  Predicate.hasProperty(cause, "errors") && Array.isArray(cause.errors) && codeOf(cause) === ""
    ? (cause.errors[0] ?? cause)
    : cause

export const fromCause = (given: unknown): TransportError => {
  const cause = firstOf(given)
  const code = codeOf(cause)
  const text = Predicate.isError(cause) ? cause.message : String(cause)
  if (certificateCodes.test(code) || /certificate/i.test(text))
    return new TransportError({
      kind: "untrusted",
      code: code === "" ? "CERTIFICATE" : code,
      message: `the server's certificate is not trusted: ${text}`,
      notSent: true,
    })
  return new TransportError({
    kind: "unreachable",
    code,
    message: plainWords[code] ?? text,
    notSent: neverLeft.has(code),
  })
}

export const lost = (message: string, code = ""): TransportError =>
  new TransportError({ kind: "unreachable", code, message, notSent: false })
